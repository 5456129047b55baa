// Owns: the one error class of the project and its closed union of codes.

/** Each code with the data it carries. A failed operation throws; a verdict about a miner never does. */
export interface ErrorCodes {
  /** a value from outside (flag, file, frame, storage) is not what it must be */
  'invalid-input': { what: string; expected: string; got: string };
  /** configuration file or flags: one entry per problem */
  'invalid-config': { source: string; problems: readonly string[] };
  /** the peer or file holds more than a limit allows */
  'limit-exceeded': { what: string; limit: number; got: number };
  /** a call or frame without a valid envelope */
  unauthenticated: { reason: string; skewMs?: number };
  /** the caller is known but may not do this */
  'permission-denied': { reason: string };
  /** the peer cannot be reached, or the connection broke */
  unreachable: { address: string };
  /** a deadline passed */
  timeout: { what: string; afterMs: number };
  /** the peer refused with a reason of its own */
  refused: { reason: string };
  /** plaintext to or from an address that is not loopback */
  'insecure-address': { address: string };
  /** the chain rejected an extrinsic, before or at inclusion */
  'chain-rejected': {
    call: string;
    /** the chain's own name for it */
    error: string;
    means?: string;
    remedy?: string;
    /** this client saw it coming: nothing was signed */
    unsent?: true;
    /** first block in which the reason is gone, where state tells */
    atBlock?: number;
  };
  /** the chain accepted an extrinsic, but its effect is not in state */
  'not-landed': { call: string; expected: string; got: string };
  /** the chain does not know the item: storage entry, call, subnet, neuron */
  'chain-unknown': { what: string };
  /** this build cannot do it yet, and doing it another way would be wrong */
  unsupported: { what: string; why: string };
  /** stored evidence is gone: its byte budget was spent on others */
  'evidence-expired': { outcome: string };
  /** a subnet's own scoring rule threw, or gave what is no division: nobody is paid by it */
  'rule-failed': { rule: string; why: string };
  /** stored state does not parse */
  corrupt: { path: string; line?: number; why: string };
  /** an exactness probe or invariant of our own failed */
  internal: { what: string };
}
export type ErrorCode = keyof ErrorCodes;

export class AssayError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly data: ErrorCodes[C];

  constructor(code: C, message: string, data: ErrorCodes[C], options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'AssayError';
    this.code = code;
    this.data = data;
  }
}

/** Narrowing by code: `if (isAssayError(e, 'timeout')) e.data.afterMs`. */
export function isAssayError<C extends ErrorCode>(error: unknown, code: C): error is AssayError<C> {
  return error instanceof AssayError && error.code === code;
}

/** What cannot be done, and why: both in the message, with the fix where there is one. */
export const unsupported = (
  what: string,
  why: string,
  options?: { cause?: unknown },
): AssayError<'unsupported'> => new AssayError('unsupported', `${what}: ${why}`, { what, why }, options);
