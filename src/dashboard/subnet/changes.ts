// Owns: hyperparameters as they are shown, and when each changed last: by the chain's own book of an owner's calls, and by what was
// seen to change while somebody looked. Does not own: reading them.
import type { HyperparameterEntry } from '../../chain/operator-reads.js';
import { hyperparameterUnit } from '../../emissions/hyperparameter-units.js';
import { formatNumber } from '../../emissions/report/numbers.js';

export interface ListedHyperparameter {
  readonly entry: HyperparameterEntry;
  /** whose right it is to set it; undefined for nobody's that is known */
  readonly setBy?: 'owner' | 'root' | undefined;
  /** block of the owner's last call that sets it; 0 for never, undefined where the chain keeps none */
  readonly setAtBlock?: number | undefined;
}

export interface SeenChange {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** it was still the old one there, and the new one in `block` */
  readonly afterBlock: number;
  readonly block: number;
}

export interface ChangeBook {
  /** @param block of the reading; what is older than the newest is not taken */
  note(block: number, entries: readonly HyperparameterEntry[]): void;
  /** newest first */
  changes(): readonly SeenChange[];
  /** block of the first reading */
  since(): number | undefined;
}

const KEPT = 200;

export function createChangeBook(): ChangeBook {
  const known = new Map<string, string>();
  const changes: SeenChange[] = [];
  let last: number | undefined;
  let first: number | undefined;
  return {
    note(block, entries) {
      if (last !== undefined && block <= last) return;
      for (const entry of entries) {
        const text = valueText(entry);
        const before = known.get(entry.name);
        if (before !== undefined && before !== text && last !== undefined)
          changes.unshift({ name: entry.name, from: before, to: text, afterBlock: last, block });
        known.set(entry.name, text);
      }
      changes.splice(KEPT);
      first ??= block;
      last = block;
    },
    changes: () => [...changes],
    since: () => first,
  };
}

export function valueText(entry: HyperparameterEntry): string {
  switch (entry.kind) {
    case 'boolean':
      return entry.value ? 'yes' : 'no';
    case 'integer':
      return `${entry.value}`;
    case 'rao':
      return `${raoText(entry.value)} TAO`;
    case 'fixed':
      return formatNumber(Number(entry.value.bits) / 2 ** entry.value.fractionBits);
  }
}

function raoText(rao: bigint): string {
  const [sign, abs] = rao < 0n ? ['-', -rao] : ['', rao];
  const fraction = (abs % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${abs / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}

/** What the number stands for; undefined where for itself. */
export function meaningOf(entry: HyperparameterEntry): string | undefined {
  const known = hyperparameterUnit(entry.name);
  if (entry.kind !== 'integer' || !known) return undefined;
  const value = Number(entry.value) / known.one;
  if (known.unit === 'share') return `${(value * 100).toFixed(2)} %`;
  return known.unit === 'tempos' ? `${value} tempos` : `${value}`;
}
