// Owns: the steps after a prover's first, one after the other, without a wire in between. Does not own: times (miner, validator).
import type { Random } from '../model/prng.js';
import { type Pace, type Phase, type ProofKind, type Proving, UNHURRIED } from './proof.js';

/**
 * One Commit for each phase. The Pass is drawn where the first phase begins with it, once.
 * @param parts.paceOf how long a phase has; asked when it begins. @default as long as it likes
 * @param parts.onCommit told when a phase's Commit is there
 */
export async function allCommits<Params>(
  parts: {
    readonly kind: Pick<ProofKind<Params, never>, 'facts'>;
    readonly random: Random;
    readonly paceOf?: (phase: Phase) => Pace;
    readonly onCommit?: (phase: Phase) => void;
  },
  params: Params,
  proving: Proving,
  signal: AbortSignal,
): Promise<{ commits: Uint8Array[]; pass: Uint8Array | undefined }> {
  const { kind, random, paceOf = () => UNHURRIED, onCommit = () => {} } = parts;
  const commits = [proving.commit];
  let pass: Uint8Array | undefined;
  for (const phase of kind.facts(params).phases.slice(1)) {
    if (phase.from === 'pass') pass ??= random.bytes(32);
    commits.push(await proving.next!({ pass, ...paceOf(phase) }, signal)); // a kind with more phases has it
    onCommit(phase);
  }
  return { commits, pass };
}
