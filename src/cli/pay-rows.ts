// Owns: how pay is shown: by hotkey, with the reason for every zero and every cut. Does not own: what is paid (scoring).
import type { Hotkey } from '../model/ids.js';
import type { Pay, Reason } from '../scoring/index.js';
import { Table } from './table.js';

/** One epoch's pay of one policy, as JSON has it. */
export interface PayDocument {
  readonly hotkeys: readonly PayRow[];
  /** of 1 */
  readonly burned: Readonly<Record<keyof Pay['burned'], number>>;
  readonly pools: readonly {
    readonly name: string;
    readonly worth: number;
    readonly missed: number;
    readonly target?: number | undefined;
    readonly dilution: number;
    /** of 1 */
    readonly paid: number;
    readonly burned: number;
  }[];
}

export interface PayRow {
  readonly hotkey: Hotkey;
  /** of everything, 1 */
  readonly share: number;
  readonly u16: number;
  readonly worth: number;
  readonly zero?: Reason['zero'];
  readonly cuts: Reason['cuts'];
  readonly counts: Reason['counts'];
}

export function toPayDocument(pay: Pay): PayDocument {
  const part = (amount: bigint): number => Number((amount * 10n ** 12n) / pay.total) / 1e12;
  return {
    hotkeys: [...pay.shares].map(([hotkey, share]) => {
      const { zero, cuts = [], counts = {} } = pay.reasons.get(hotkey) ?? {};
      return {
        hotkey,
        share: part(share),
        u16: pay.u16.get(hotkey) ?? 0,
        worth: pay.worth.get(hotkey) ?? 0,
        ...(zero === undefined ? {} : { zero }),
        cuts,
        counts,
      };
    }),
    burned: {
      explicit: part(pay.burned.explicit),
      unfilled: part(pay.burned.unfilled),
      unproven: part(pay.burned.unproven),
    },
    pools: pay.pools.map(({ paid, burned, ...pool }) => ({
      ...pool,
      paid: part(paid),
      burned: part(burned),
    })),
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(3)} %`;
const signed = (share: number): string => `${share >= 0 ? '+' : '-'}${percent(Math.abs(share))}`;

/** @param other what another policy pays the same hotkeys */
export function payTable({ hotkeys }: PayDocument, other?: PayDocument): string {
  const theirs = new Map(other?.hotkeys.map((row) => [row.hotkey, row]));
  const table = new Table({
    head: ['hotkey', 'worth', 'share', 'u16', ...(other ? ['other', 'difference'] : []), 'why'],
  });
  for (const row of hotkeys) {
    const its = theirs.get(row.hotkey)?.share ?? 0;
    table.push([
      row.hotkey,
      Number(row.worth.toPrecision(5)),
      percent(row.share),
      row.u16,
      ...(other ? [percent(its), signed(row.share - its)] : []),
      whyText(row),
    ]);
  }
  return table.toString();
}

function whyText({ zero, cuts, counts }: PayRow): string {
  const verdicts = Object.entries(counts).map(([verdict, count]) => `${count} ${verdict}`);
  return [
    ...(zero === undefined ? [] : [verdicts.length === 0 ? zero : `${zero} (${verdicts.join(', ')})`]),
    ...cuts.map(({ why, pool, factor }) => `${why} x ${Number(factor.toFixed(4))} in ${pool}`),
  ].join('; ');
}

export function burnedText({ burned, pools }: PayDocument): string {
  const { explicit, unfilled, unproven } = burned;
  return [
    `burned ${percent(explicit + unfilled + unproven)}: by the policy ${percent(explicit)}, unfilled ${percent(unfilled)}, claimed and not proven ${percent(unproven)}`,
    ...pools.map(
      ({ name, worth, target, dilution, paid }) =>
        `pool ${name}: paid ${percent(paid)} for worth ${Number(worth.toPrecision(5))}${target === undefined ? '' : ` of ${target}`}${dilution < 1 ? `, diluted to ${dilution}` : ''}`,
    ),
  ].join('\n');
}
