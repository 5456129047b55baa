// Owns: a window's verdicts as rows for people and for JSON. Does not own: verdicts.
import type { Hotkey } from '../model/ids.js';
import { ALARMS, type Alarm } from '../validator/rollouts/alarms.js';
import type { WindowHistory } from '../validator/rollouts/history.js';
import type { ReplayedVerdict } from '../validator/rollouts/replay.js';
import { statisticMillis } from '../verification/rollouts/detector.js';
import { type Standing, weightMillis } from '../verification/rollouts/standing.js';
import { decodeVerdict } from '../verification/rollouts/verdict.js';
import { Table } from './table.js';

export interface RolloutRow {
  readonly window: number;
  readonly miner: string;
  /** `concluded`, `pending`, `refused`, `missing`, `ours` */
  readonly state: string;
  /** of a refusal */
  readonly reason?: string;
  /** drawn rollouts, and of them the wrong ones and those that reached a limit */
  readonly audited: number;
  readonly wrong: number;
  readonly limits: number;
  readonly paidTokens: number;
  readonly creditTokens: number;
  /** mean value of the detector after the window, capped where it convicts many times over */
  readonly detector: number;
  /** in which window */
  readonly convicted?: number;
  /** tokens a window that weights are made of, after it */
  readonly weightTokens: number;
}

/** @param standings after the window; of an older one those of its records are shown */
export function rowsOf(
  { window, collected, verdicts }: WindowHistory,
  standings: ReadonlyMap<Hotkey, Standing>,
): RolloutRow[] {
  return (collected?.deliveries ?? []).map((delivery) => {
    const { miner } = delivery;
    const record = verdicts.get(miner);
    const verdict = record && decodeVerdict(record);
    const standing = standings.get(miner) ?? verdict?.after;
    const outcomes = verdict?.picks.map(({ outcome }) => outcome) ?? [];
    const count = (which: string) => outcomes.filter((outcome) => outcome === which).length;
    const reason =
      delivery.is === 'missing'
        ? `no ${delivery.what} in time`
        : delivery.is === 'ours'
          ? `not kept here: ${delivery.why}`
          : verdict?.reason;
    return {
      window,
      miner,
      state: verdict?.state ?? delivery.is,
      ...(reason === undefined ? {} : { reason }),
      audited: outcomes.length,
      wrong: count('wrong'),
      limits: count('input'),
      paidTokens: (verdict?.paidMillis ?? 0) / 1000,
      creditTokens: (verdict?.creditMillis ?? 0) / 1000,
      detector: standing ? Number(statisticMillis(standing.detector)) / 1000 : 1,
      ...(standing?.conviction ? { convicted: standing.conviction.window } : {}),
      weightTokens: standing ? weightMillis(standing, window) / 1000 : 0,
    };
  });
}

export const flawLine = ({ window, miner, why }: Partial<ReplayedVerdict>): string =>
  `window ${window}${miner === undefined ? '' : `  ${miner}`}  the ledger is not whole: ${why}`;

export const alarmLine = ({ window, ...alarm }: { readonly window: number } & Alarm): string =>
  `window ${window}: ${ALARMS[alarm.is]}${alarm.is === 'evasive' ? ` (${alarm.miner})` : ''}`;

export const tornLine = (bytes: number): string =>
  `the ledger's last ${bytes} bytes are no whole line: one is being written, or was cut short by a crash`;

export function rolloutTable(rows: readonly RolloutRow[], nameOf: (miner: string) => string): string {
  const table = new Table({
    head: [
      'window',
      'miner',
      'verdict',
      'audited',
      'wrong',
      'tokens paid',
      'credit',
      'detector',
      'convicted',
      'weight',
    ],
  });
  for (const row of rows)
    table.push([
      row.window,
      nameOf(row.miner),
      row.reason ? `${row.state}: ${row.reason}` : row.state,
      row.audited,
      row.wrong,
      row.paidTokens.toFixed(0),
      row.creditTokens.toFixed(0),
      row.detector >= 1e6 ? row.detector.toExponential(1) : row.detector.toFixed(2),
      row.convicted === undefined ? '' : `in ${row.convicted}`,
      row.weightTokens.toFixed(1),
    ]);
  return table.toString();
}
