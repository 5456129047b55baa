// Owns: pay of written-down outcomes, in the units that they were proven in. Does not own: what is paid (scoring).
import { type Coldkey, type Hotkey, toColdkey, toHotkey } from '../../src/model/ids.js';
import {
  createScoringState,
  type Facts,
  type Pay,
  parsePolicy,
  payOf,
  type Scored,
  type ScoredEvent,
  type ScoringPolicy,
  type ScoringState,
  scoringStateOf,
} from '../../src/scoring/index.js';

/** A policy of one pool in which one operation a second counts one, with changes. */
export const policyOf = (change: object = {}): ScoringPolicy =>
  parsePolicy({
    format: 'assay-scoring-policy/1',
    name: 'test',
    burn: 0,
    pools: [poolOf()],
    ...change,
  });

export const poolOf = (change: object = {}): object => ({
  name: 'all',
  share: 1,
  prices: { opsPerS: { of: 1, counts: 1 } },
  simulatedPrices: { opsPerS: { of: 1, counts: 1 } },
  ...change,
});

export const OWNER = toHotkey('owner');

/** Each hotkey under a coldkey of its own name, unless told otherwise. */
export const factsOf = (
  hotkeys: Iterable<string>,
  { coldkeys = {}, ...rest }: { coldkeys?: Record<string, string> } & Partial<Facts> = {},
): Facts => ({
  owner: OWNER,
  neurons: new Map(
    [...hotkeys].map((hotkey): [Hotkey, { coldkey: Coldkey }] => [
      toHotkey(hotkey),
      { coldkey: toColdkey(coldkeys[hotkey] ?? hotkey) },
    ]),
  ),
  ...rest,
});

export interface Told {
  readonly outcomes: readonly Scored[];
  readonly completed: readonly ScoredEvent[];
  readonly epoch: number;
  readonly hotkeys?: readonly Hotkey[];
}

/** What a policy pays everybody that is named in these outcomes. */
export function paid(policy: ScoringPolicy, { outcomes, completed, epoch, hotkeys = [] }: Told): Pay {
  const names = [...hotkeys, ...outcomes.map(({ miner }) => miner)];
  return payOf(scoringStateOf(policy, { outcomes, completed, through: epoch }), {
    epoch,
    facts: factsOf(names),
  });
}

/** A share as a part of everything. */
export const partOf = ({ shares, total }: Pay, hotkey: string): number =>
  Number(((shares.get(toHotkey(hotkey)) ?? 0n) * 10n ** 15n) / total) / 1e15;

export const newState = (policy: ScoringPolicy): ScoringState => createScoringState(policy);
