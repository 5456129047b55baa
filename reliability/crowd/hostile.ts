// Owns: every way in which a miner of the crowd lies, by name: all liars of the kind, and those that lie by what they send. Does not own:
// what each does (src/testing/liars).
import type { Compute } from '../../src/compute/compute.js';
import { createLocalSlot, type Slot, type SlotClaim } from '../../src/miner/slot.js';
import { createSeededRandom, type Random } from '../../src/model/prng.js';
import { type ComputeLiar, computeLiars } from '../../src/testing/liars/compute.js';
import { createReplayingSlot } from '../../src/testing/liars/sessions.js';
import { makeTranscript } from '../../src/testing/simulated-miner.js';
import type { ComputeParams } from '../../src/verification/kinds/compute/params.js';
import { computeProof } from '../../src/verification/kinds/index.js';

/** Beyond the liars of the kind: one that never answers, one that answers from before, one that answers with a neighbour's frames. */
const SESSIONS = ['silent', 'replays', 'relays'] as const;
const liarsBy = (random: Random): readonly ComputeLiar[] => computeLiars(random);

export const HOSTILE: readonly string[] = [
  ...liarsBy(createSeededRandom('names')).map(({ name }) => name),
  ...SESSIONS,
];

export const isSessionLiar = (name: string): name is (typeof SESSIONS)[number] =>
  SESSIONS.some((each) => each === name);

export interface Place {
  readonly compute: Compute;
  readonly params: ComputeParams;
  readonly paramsId: Uint8Array;
  readonly claim: SlotClaim;
  readonly random: Random;
}

/** @throws TypeError for a name that is none of `HOSTILE`, or whose lie is not in its slot */
export async function hostileSlot(
  name: string,
  { compute, params, paramsId, claim, random }: Place,
): Promise<Slot> {
  if (name === 'silent') return { claim, start: () => new Promise(() => {}) };
  if (name === 'replays')
    return createReplayingSlot(claim, await makeTranscript({ kind: computeProof, compute, random }, params));
  const liar = liarsBy(random).find((each) => each.name === name);
  if (!liar) throw new TypeError(`hostile slot: expected a liar, got ${name}`);
  const kind = { ...computeProof, prove: liar.prove };
  return createLocalSlot({ compute, kind, params, paramsId }, claim);
}
