// Owns: the content of one session, walked without frames and without time: prove, commits, samples, opening, verdict.
import type { Devices } from '../../compute/compute.js';
import type { Random } from '../../model/prng.js';
import { rejected, type Verdict } from '../../model/verdict.js';
import {
  type Challenge,
  type Evidence,
  type Pace,
  type ProofKind,
  type Proving,
  UNHURRIED,
} from '../../verification/proof.js';
import { allCommits } from '../../verification/steps.js';

export type Prove<Params> = (
  devices: Devices & Pace,
  challenge: Challenge<Params>,
  signal: AbortSignal,
) => Promise<Proving>;

export interface Walked<Params, Secret> {
  readonly challenge: Challenge<Params>;
  readonly evidence: Evidence;
  readonly secret: Secret;
  readonly verdict: Verdict;
}

const never = new AbortController().signal;

export const drawChallenge = <Params>(params: Params, random: Random): Challenge<Params> => ({
  params,
  basis: random.bytes(32),
  seed: random.bytes(32),
  place: random.bytes(32),
});

/** A kind at a size that takes milliseconds, and what its sessions need. */
export interface Subject<Params, Secret> {
  readonly kind: ProofKind<Params, Secret>;
  readonly params: Params;
  readonly devices: Devices;
  /** a session's own; nobody waits without it */
  readonly pace?: () => Pace;
  /** for kinds with rounds: a slot's part in one */
  readonly round?: (
    params: Params,
    random: Random,
  ) => { readonly brief: Uint8Array; readonly kept: Uint8Array; readonly devices: Partial<Devices> };
}

/**
 * One session with a prover of any making. As in a real one, commits that claim nothing are never opened, and the verifier's
 * secret is drawn when the opening is there.
 */
export async function walk<Params, Secret>(
  subject: Subject<Params, Secret>,
  random: Random,
  options: { readonly challenge?: Challenge<Params>; readonly prove?: Prove<Params> } = {},
): Promise<Walked<Params, Secret>> {
  const { kind, params } = subject;
  const { prove = kind.prove, challenge: given = drawChallenge(params, random) } = options;
  const round = subject.round?.(params, random.fork('round'));
  const challenge = round ? { ...given, brief: round.brief } : given;
  const devices = { ...subject.devices, ...round?.devices, ...(subject.pace?.() ?? UNHURRIED) };
  const proving = await prove(devices, challenge, never);
  try {
    const { commits, pass } = await allCommits({ kind, random }, params, proving, never);
    const claimed = kind.credit(params, commits) !== undefined;
    const request = claimed ? kind.issue(params, commits, random, round?.kept) : new Uint8Array(0);
    const opening = claimed ? await proving.open(request) : new Uint8Array(0);
    const evidence = { commits, pass, request, opening };
    const secret = kind.drawSecret(params, challenge.basis, random);
    const verdict = claimed ? kind.verify(challenge, evidence, secret) : rejected('protocol');
    return { challenge, evidence, secret, verdict };
  } finally {
    proving.release();
  }
}
