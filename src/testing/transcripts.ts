// Owns: one proof from its first step to its verdict, honest or not, and all that was said in it. Does not own: how it is written
// down (verification/transcript-line.ts), sessions on the wire (validator).
import type { Devices } from '../compute/compute.js';
import type { Random } from '../model/prng.js';
import type { Verdict } from '../model/verdict.js';
import {
  type Challenge,
  type Evidence,
  type Pace,
  type ProofKind,
  type Proving,
  UNHURRIED,
} from '../verification/proof.js';
import { allCommits } from '../verification/steps.js';

type Prove<Params> = (
  devices: Devices & Pace,
  challenge: Challenge<Params>,
  signal: AbortSignal,
) => Promise<Proving>;

export interface PlayedProof<Params> {
  readonly challenge: Challenge<Params>;
  readonly evidence: Evidence;
  readonly verdict: Verdict;
}

/**
 * One proof from the first step to the verdict, without anybody in between.
 * @param parts.pace how long the first step may take. @default as long as it likes
 */
export async function playProof<Params, Secret>(
  parts: {
    readonly kind: ProofKind<Params, Secret>;
    readonly devices: Devices;
    readonly random: Random;
    readonly pace?: Pace;
    /** of kinds in which slots meet: what the validator kept of the challenge's brief */
    readonly kept?: Uint8Array;
  },
  challenge: Challenge<Params>,
  prove: Prove<Params> = parts.kind.prove,
): Promise<PlayedProof<Params>> {
  const { kind, random, pace = UNHURRIED } = parts;
  const { params } = challenge;
  const { signal } = new AbortController();
  const proving = await prove({ ...parts.devices, ...pace }, challenge, signal);
  try {
    const { commits, pass } = await allCommits({ kind, random }, params, proving, signal);
    // what is no commit is never opened
    const claimed = kind.credit(params, commits) !== undefined;
    const request = claimed ? kind.issue(params, commits, random, parts.kept) : new Uint8Array(0);
    const opening = claimed ? await proving.open(request) : new Uint8Array(0);
    const evidence = { commits, pass, request, opening };
    const secret = kind.drawSecret(params, challenge.basis, random);
    return { challenge, evidence, verdict: kind.verify(challenge, evidence, secret) };
  } finally {
    proving.release();
  }
}
