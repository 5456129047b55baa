// Owns: what a check can conclude. The question a verdict answers is whose fault it is.

/** Reasons that are the miner's: wrong, malformed, late or silent. */
export const REJECTIONS = [
  /** no complete Commit within the event's window: late, silent or unreachable */
  'window',
  /** the Commit names a nonce set without ours although our Go was sent in time */
  'left-out',
  /** the port that the slot offers to others did not answer this validator, signed by the hotkey, where the chain says it is */
  'unreachable',
  /** that port answered, and the call back came from another address than the chain names, or did not come */
  'elsewhere',
  /** frames out of order, unknown, repeated or against the session's rules */
  'protocol',
  /** after Open: nothing complete arrived before the opening deadline */
  'opening-timeout',
  /** after Open: bytes that are no opening of this session */
  'malformed',
  /** the committed root does not bind this session's seed: replayed, borrowed or precomputed work */
  'seed',
  /** a Merkle path does not lead to the committed root */
  'path',
  /** an accumulator outside the range an honest product can have */
  'range',
  /** the claimed product row is not A times B */
  'projection',
  /** the committed label row is not the fold of the product row */
  'fold',
  /** row tree and column tree disagree on one element */
  'agreement',
  /** a digest that was owed within its time is not that of the data opened later */
  'digest',
  /** a stored sector is not what its place and number make it */
  'encoding',
  /** a label is not what its parents make it */
  'label',
  /** a step of the walk through memory does not lead where it was said to */
  'walk',
  /**
   * bytes that nobody survives who verifies them: a fresh thread that had just answered another question ended on them, not for
   * the first time. What they would have proven nobody can say, and who could choose that would not be judged
   */
  'poison',
] as const;
export type Rejection = (typeof REJECTIONS)[number];

/** Causes that are not the miner's. The validator's own cost it nothing. */
export const CAUSES = [
  /**
   * our Go came too late after the beacon, or our event loop stalled beyond what can be credited; decided for the event as
   * a whole (validator/round.ts). An outcome says it where our own line of frames alone made the session's late, and where no
   * slot with a Pass managed the Pass
   */
  'validator-late',
  /** we failed while judging: out of resources, a crash, an abort */
  'validator-fault',
  /**
   * slots of its kind work with one another, and at this event nobody else was there: nobody's fault, and nothing was proven
   * (scoring counts the event)
   */
  'nobody-to-meet',
  /** declared in time, within what the policy allows: nothing is paid for the event, and no level moves by it */
  'maintenance',
  /** refused at Arm because the host's owner gives proofs no more of its time: nothing was proven, and nobody failed */
  'capped',
] as const;
export type Cause = (typeof CAUSES)[number];

/** Of causes those that rest on what the miner itself signed, and not on a fault of ours: its statement is evidence. */
export const DECLINED = ['maintenance', 'capped'] as const satisfies readonly Cause[];
export type Declined = (typeof DECLINED)[number];

export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'rejected'; readonly reason: Rejection }
  | { readonly kind: 'inconclusive'; readonly cause: Cause };

export const accepted: Verdict = { kind: 'accepted' };
export const rejected = (reason: Rejection): Verdict => ({ kind: 'rejected', reason });
export const inconclusive = (cause: Cause): Verdict => ({ kind: 'inconclusive', cause });

const CONTENT: ReadonlySet<Rejection> = new Set([
  'malformed',
  'seed',
  'path',
  'range',
  'projection',
  'fold',
  'agreement',
  'digest',
  'encoding',
  'label',
  'walk',
]);

/** True for a rejection that hangs on bytes alone: two validators must agree on it, and replay must reproduce it. */
export const isAboutContent = (verdict: Verdict): boolean =>
  verdict.kind === 'rejected' && CONTENT.has(verdict.reason);

/** The miner said beforehand that it would not be there, or at Arm that it had done enough. */
export const isDeclined = (
  verdict: Verdict,
): verdict is { readonly kind: 'inconclusive'; readonly cause: Declined } =>
  verdict.kind === 'inconclusive' && (DECLINED as readonly Cause[]).includes(verdict.cause);

/** `accepted`, `rejected:seed`, `inconclusive:validator-late`: for tables and logs. */
export function verdictToString(verdict: Verdict): string {
  if (verdict.kind === 'rejected') return `rejected:${verdict.reason}`;
  if (verdict.kind === 'inconclusive') return `inconclusive:${verdict.cause}`;
  return 'accepted';
}
