// Owns: what each reason of a verdict means to whoever was judged, and what to do. Does not own: reasons (model/verdict.ts).
import type { Cause, Rejection } from '../model/verdict.js';

interface Meaning {
  readonly means: string;
  readonly fix: string;
}

const OF_PROOF: Meaning = {
  means: 'The bytes that were opened do not prove what was committed to.',
  fix: 'Replay it on the validator. If the device makes wrong results, `assay miner doctor` finds it.',
};

const REJECTED: Readonly<Record<Rejection, Meaning>> = {
  window: {
    means: 'No complete answer came within the window: late, silent or not reachable.',
    fix: 'Compare the measured time with the window. Two slots on one device share its time; a slow line takes from the window.',
  },
  'left-out': {
    means: 'The answer does not list this validator’s nonce, though its Go was sent in time.',
    fix: 'The joint start waits 300 ms for all validators: look at the line between this host and the validator.',
  },
  unreachable: {
    means: 'The port that the slot offers to others did not answer this validator.',
    fix: 'Open the port that the chain names, from outside, and let nothing else answer on it.',
  },
  elsewhere: {
    means:
      'The port answered, and the call back came from another address than the chain names, or did not come.',
    fix: 'Announce the address that the host’s own calls leave from.',
  },
  protocol: {
    means: 'Frames came out of order, twice, or against the rules of the session.',
    fix: 'Run the same version as the validators; an altered miner is judged like a broken one.',
  },
  'opening-timeout': {
    means: 'After Open nothing complete arrived before the deadline.',
    fix: 'Uplink: an opening of one GiB needs 1 Mbit/s for its minutes. It costs as much as a wrong one.',
  },
  malformed: OF_PROOF,
  seed: { means: 'The work is of another session: replayed, borrowed or made before.', fix: OF_PROOF.fix },
  path: OF_PROOF,
  range: OF_PROOF,
  projection: OF_PROOF,
  fold: OF_PROOF,
  agreement: OF_PROOF,
  digest: { means: 'What was owed within its time is not what was opened later.', fix: OF_PROOF.fix },
  encoding: {
    means: 'A stored sector is not what its place makes it.',
    fix: 'Check the disk, and plot again what does not hold.',
  },
  label: OF_PROOF,
  walk: OF_PROOF,
  poison: { means: 'Who verifies these bytes ends: nobody can say what they prove.', fix: OF_PROOF.fix },
};

const INCONCLUSIVE: Readonly<Record<Cause, Meaning>> = {
  'validator-late': { means: 'The validator was late itself. It costs the miner nothing.', fix: '' },
  'validator-fault': { means: 'The validator failed while judging. It costs the miner nothing.', fix: '' },
  'nobody-to-meet': { means: 'Nobody else of this kind was there to work with.', fix: '' },
  maintenance: { means: 'Declared in time: not paid, and nothing else.', fix: '' },
  capped: { means: 'The host’s owner gives proofs no more of its time today.', fix: '' },
};

/** undefined for a reason that this build does not know */
export function meaningOf(reason: string): Meaning | undefined {
  if (Object.hasOwn(REJECTED, reason)) return REJECTED[reason as Rejection];
  return Object.hasOwn(INCONCLUSIVE, reason) ? INCONCLUSIVE[reason as Cause] : undefined;
}
