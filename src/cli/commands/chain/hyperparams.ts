// Owns: `assay chain hyperparams`.
import { z } from 'zod';
import type { FreezeWindow, HyperparameterEntry, RateLimit } from '../../../chain/operator-reads.js';
import { hyperparameterUnit } from '../../../emissions/hyperparameter-units.js';
import { toNetuid } from '../../../model/ids.js';
import { loadFlags } from '../../config.js';
import { fixedText, shareText } from '../../facts.js';
import { networkFlags, withChain } from '../../networks.js';
import { EXIT, print, printJson } from '../../output.js';
import { Table } from '../../table.js';
import { taoText } from '../../tao.js';
import { type Setting, settingOfListed } from '../subnet/settings.js';
import { netuidFlag } from './flags.js';

export async function chainHyperparams(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(z.strictObject({ ...networkFlags, netuid: netuidFlag }), flags);
  return withChain(options, signal, async (chain) => {
    const netuid = toNetuid(options.netuid);
    const { number, hash } = await chain.head();
    const [entries, freeze, { ownerHotkey }] = await Promise.all([
      chain.hyperparameters(netuid, hash),
      chain.freezeWindow(netuid, hash),
      chain.subnet(netuid, hash),
    ]);
    const limits = await chain.rateLimits(netuid, ownerHotkey, hash);
    const rows = entries.map((entry) => {
      const setting = settingOfListed(entry.name);
      return {
        ...entry,
        normalised: normalisedOf(entry),
        setBy: setting?.who,
        setAs: setting?.name,
        ...(setting ? { allowedAt: allowedAt(setting, { block: number + 1, limits, freeze }) } : {}),
      };
    });
    if (options.json) {
      printJson({ netuid, block: number, freezeWindow: freeze, hyperparameters: rows });
      return EXIT.ok;
    }
    const table = new Table({
      head: ['name', 'value', 'is', 'set by', 'as', 'from block'],
    });
    for (const { name, setBy, setAs, normalised, allowedAt: from, ...entry } of rows)
      table.push([
        name,
        textOf(entry as HyperparameterEntry),
        normalised ?? '',
        setBy ?? 'nobody',
        setAs === name ? '' : (setAs ?? ''),
        from === undefined ? '' : from <= number + 1 ? 'now' : String(from),
      ]);
    print(table.toString());
    print(`subnet ${netuid}, block ${number}; ${freezeText(freeze, number + 1)}`);
    return EXIT.ok;
  });
}

/** First block from `block` on in which the setting may be changed, as far as limits and window tell now. */
export function allowedAt(
  { rateAction, freezes, who }: Setting,
  now: {
    readonly block: number;
    readonly limits: readonly RateLimit[];
    readonly freeze: FreezeWindow | undefined;
  },
): number {
  const limit = who === 'owner' ? now.limits.find(({ action }) => action === rateAction) : undefined;
  const free = Math.max(now.block, limit?.allowedAt ?? 0);
  const window = freezes ? now.freeze?.next : undefined;
  return window && free >= window.from && free < window.until ? window.until : free;
}

export function freezeText(freeze: FreezeWindow | undefined, block: number): string {
  if (!freeze) return 'this chain has no freeze window';
  if (!freeze.next) return 'no epochs, so nothing freezes';
  const { from, until } = freeze.next;
  return block >= from
    ? `FROZEN until block ${until}: an epoch is near`
    : `frozen from block ${from} to ${until}, before the epoch`;
}

const textOf = (entry: HyperparameterEntry): string =>
  entry.kind === 'fixed' ? fixedText(entry.value) : String(entry.value);

/** The number that it stands for; undefined where it stands for itself. */
function normalisedOf(entry: HyperparameterEntry): string | undefined {
  if (entry.kind === 'rao') return `${taoText(entry.value)} TAO`;
  const known = hyperparameterUnit(entry.name);
  if (entry.kind !== 'integer' || !known) return undefined;
  if (known.unit === 'share') return shareText(Number(entry.value));
  const value = Number(entry.value) / known.one;
  return known.unit === 'tempos' ? `${value} tempos` : `${value}`;
}
