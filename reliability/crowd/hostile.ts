// Owns: every way in which a miner of the crowd lies, by name: all liars of the kind, and those that lie by what they send. Does not own:
// what each does (src/testing/liars).
import type { Compute } from '../../src/compute/compute.js';
import { createLocalSlot, type Slot, type SlotClaim } from '../../src/miner/slot.js';
import { createSeededRandom, type Random } from '../../src/model/prng.js';
import {
  type ComputeLiar,
  cancelsRows,
  computeLiars,
  fabricatesRows,
  skipsLabels,
} from '../../src/testing/liars/compute.js';
import { createReplayingSlot } from '../../src/testing/liars/sessions.js';
import { makeTranscript } from '../../src/testing/simulated-miner.js';
import type { ComputeParams } from '../../src/verification/kinds/compute/params.js';
import { computeProof } from '../../src/verification/kinds/index.js';
import { crowdParams } from './params.js';

/** Beyond the liars of the kind: one that never answers, one that answers from before, one that answers with a neighbour's frames. */
const SESSIONS = ['silent', 'replays', 'relays'] as const;

/**
 * In eight labels a small lie is often not looked at: what skips an eighth of them passes once in some thousand sessions, by the
 * same formula that makes it hopeless at real sizes. So those with a strength lie so much that it is hopeless here.
 */
const strong = (random: Random): readonly ComputeLiar[] => [
  fabricatesRows({ share: 0.25, random }),
  fabricatesRows({ share: 0.25, random, accumulators: 'honest' }),
  skipsLabels({ share: 0.25, random }),
  cancelsRows({ share: 0.25, random }),
];
/** Whatever they are asked, every opening gives them away. */
const hopeless = (random: Random): readonly ComputeLiar[] =>
  computeLiars(random).filter(({ acceptance }) => acceptance(ANY_CHALLENGE) === 0);
const ANY_CHALLENGE = {
  params: crowdParams({ windowMs: 1000 }),
  basis: new Uint8Array(32),
  seed: new Uint8Array(32),
};
/** Those that lie in what they compute or open. */
export const liarsBy = (random: Random): readonly ComputeLiar[] => [...strong(random), ...hopeless(random)];

/** What a reader of the claims must know of who is not there. */
export const LEFT_OUT =
  'One liar of the table is left out: who alters the columns of labels and multiplies all of them. With eight labels one chain in 120 never looks back at an earlier label, and what nobody looks at is not found; at real sizes there is no such chain.';

export const HOSTILE: readonly string[] = [
  ...liarsBy(createSeededRandom('names')).map(({ name }) => name),
  ...SESSIONS,
];

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
