// Owns: a whole session on a card in a process of its own, and how long the card was busy with it. Does not own: verdicts.
import type { Compute } from '../../../src/compute/compute.js';
import { DEFAULT_RESERVE } from '../../../src/miner/slot.js';
import { systemRandom } from '../../../src/model/prng.js';
import { DEFAULT_HOLD } from '../../../src/validator/schedule.js';
import type { ProofKind } from '../../../src/verification/proof.js';
import { type Rehearsal, rehearse } from '../../../src/verification/rehearse.js';

/** Blocks of the chain are this far apart. */
const BLOCK_S = 12;

export interface Busy {
  /** operand, labels, passes, opening: what the card worked on */
  readonly busyS: number;
  /** between labels and passes the memory is only held: by the default plan, of which block it will be nobody knows */
  readonly holdS: readonly [number, number];
}

export async function rehearseSlot<Params, Secret>(
  compute: Compute,
  kind: ProofKind<Params, Secret>,
  params: Params,
  signal: AbortSignal,
): Promise<Rehearsal<Params>> {
  const now = (): number => performance.now();
  return rehearse(
    { kind, devices: { compute }, random: systemRandom, now, reserve: DEFAULT_RESERVE },
    params,
    signal,
  );
}

export function busyOf({ prepareMs, openMs, steps }: Rehearsal<unknown>): Busy {
  const longest = (of: 'go' | 'pass'): number =>
    Math.max(0, ...steps.filter(({ from }) => from === of).map(({ tookMs }) => tookMs));
  const { first, last } = DEFAULT_HOLD;
  return {
    busyS: (prepareMs + longest('go') + longest('pass') + openMs) / 1000,
    holdS: [first * BLOCK_S, last * BLOCK_S],
  };
}
