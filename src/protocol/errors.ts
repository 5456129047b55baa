// Owns: gRPC status <-> AssayError, one function per direction, and the words a refusal may use.
// Does not own: which check refuses (door.ts, frames.ts).
import { AssayError } from '../model/errors.js';

/** Why an envelope is refused: the `reason` of `unauthenticated`. */
export type EnvelopeFault =
  | 'missing-envelope'
  | 'wrong-direction'
  | 'wrong-method'
  | 'wrong-netuid'
  | 'wrong-receiver'
  | 'wrong-sender'
  | 'wrong-call'
  | 'wrong-channel'
  | 'sequence-gap'
  | 'sequence-repeat'
  | 'body-hash'
  | 'missing-certificate'
  | 'unexpected-certificate'
  | 'certificate-parties'
  | 'certificate-signature'
  | 'certificate-lifetime'
  | 'certificate-expired'
  | 'bad-signature'
  | 'envelope-lifetime'
  | 'expired'
  | 'skew'
  | 'before-start'
  | 'replayed';

/** @param skewMs the peer's clock minus ours */
export function unauthenticated(reason: EnvelopeFault, skewMs?: number): AssayError<'unauthenticated'> {
  return new AssayError('unauthenticated', `envelope refused: ${reason}`, {
    reason,
    ...(skewMs === undefined ? {} : { skewMs }),
  });
}

/** `what`, `expected` and `got` are words of ours: never the peer's bytes. */
export const invalidInput = (what: string, expected: string, got: string): AssayError<'invalid-input'> =>
  new AssayError('invalid-input', `${what}: expected ${expected}, got ${got}`, { what, expected, got });

export const limitExceeded = (what: string, limit: number, got: number): AssayError<'limit-exceeded'> =>
  new AssayError('limit-exceeded', `${what}: ${got} exceeds ${limit}`, { what, limit, got });

export const timedOut = (what: string, afterMs: number): AssayError<'timeout'> =>
  new AssayError('timeout', `${what}: nothing after ${afterMs} ms`, { what, afterMs });

export const cancelled = (): AssayError<'refused'> =>
  new AssayError('refused', 'cancelled here', { reason: 'cancelled' });

export const unreachable = (address: string, cause?: unknown): AssayError<'unreachable'> =>
  new AssayError('unreachable', `no connection to ${address}`, { address }, { cause });

/** The peer ended in good order where more was due. */
export const peerEnded = (what: string): AssayError<'refused'> =>
  new AssayError('refused', `${what}: the peer ended`, { reason: 'ended' });

/** A status as it travels; `metadata` are trailing, ASCII. */
export interface WireStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Readonly<Record<string, string>>;
}

// Numbers of google.rpc.Code: here, so that the loopback does not load grpc-js.
export const STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

const REASON = 'assay-reason';
const SKEW = 'assay-skew-ms';
const LIMIT = 'assay-limit';
const GOT = 'assay-got';
const AFTER = 'assay-after-ms';

/** What a refused caller is told. Nothing of an error that is not ours leaves the process. */
export function toStatus(error: unknown): WireStatus {
  const status = (code: number, reason: string, numbers: Record<string, number> = {}): WireStatus => {
    const metadata: Record<string, string> = { [REASON]: toToken(reason) };
    for (const [key, value] of Object.entries(numbers)) metadata[key] = String(Math.round(value));
    return { code, details: toToken(reason), metadata };
  };
  if (!(error instanceof AssayError)) return status(STATUS.internal, 'internal'); // a bug of ours
  if (is(error, 'unauthenticated'))
    return status(
      STATUS.unauthenticated,
      error.data.reason,
      error.data.skewMs === undefined ? {} : { [SKEW]: error.data.skewMs },
    );
  if (is(error, 'permission-denied')) return status(STATUS.permissionDenied, error.data.reason); // known, not admitted
  if (is(error, 'invalid-input')) return status(STATUS.invalidArgument, error.data.what); // bytes that do not parse
  if (is(error, 'limit-exceeded'))
    return status(STATUS.resourceExhausted, error.data.what, {
      [LIMIT]: error.data.limit,
      [GOT]: error.data.got,
    });
  if (is(error, 'timeout'))
    return status(STATUS.deadlineExceeded, error.data.what, { [AFTER]: error.data.afterMs });
  if (is(error, 'unreachable')) return status(STATUS.unavailable, 'unreachable'); // shutting down
  if (is(error, 'refused')) return status(STATUS.failedPrecondition, error.data.reason); // a handler's own refusal
  if (is(error, 'unsupported')) return status(STATUS.unimplemented, error.data.what);
  return status(STATUS.internal, 'internal'); // our chain, disk or configuration: not the caller's to know
}

const refusals = new WeakSet<AssayError>();

/** True when the other side answered with this refusal; false when we found the fault, or the transport broke. */
export const isRefusal = (error: unknown): boolean => error instanceof AssayError && refusals.has(error);

/**
 * Statuses are not signed, so they prove nothing about a peer; whatever text they carry is dropped unless it is a plain token.
 * @param address where we called, for `unreachable`
 * @param what names the call, for `timeout`
 */
export function fromStatus(status: WireStatus, address: string, what: string): AssayError {
  const told = status.metadata[REASON];
  const reason = told === undefined ? undefined : toToken(told);
  const number = (key: string): number => toNumber(status.metadata[key]);
  const refusal = (error: AssayError): AssayError => {
    if (reason !== undefined) refusals.add(error);
    return error;
  };
  switch (status.code) {
    case STATUS.unauthenticated: {
      const skewMs = status.metadata[SKEW] === undefined ? {} : { skewMs: number(SKEW) };
      return refusal(
        new AssayError('unauthenticated', `${what} refused: ${reason ?? 'unspecified'}`, {
          reason: reason ?? 'unspecified',
          ...skewMs,
        }),
      );
    }
    case STATUS.permissionDenied:
      return refusal(
        new AssayError('permission-denied', `${what} refused: ${reason ?? 'unspecified'}`, {
          reason: reason ?? 'unspecified',
        }),
      );
    case STATUS.invalidArgument:
      return refusal(invalidInput(reason ?? 'message', 'what the peer accepts', 'a refusal'));
    case STATUS.resourceExhausted: {
      // without our metadata: grpc-js itself, on a message over either side's limit
      const [, got, limit] = /\((\d{1,15}) vs\.? (\d{1,15})\)/.exec(status.details) ?? [];
      if (reason === undefined) return limitExceeded('message', toNumber(limit), toNumber(got));
      return refusal(limitExceeded(reason, number(LIMIT), number(GOT)));
    }
    case STATUS.deadlineExceeded:
      return refusal(timedOut(reason ?? what, number(AFTER)));
    case STATUS.unimplemented:
      return refusal(
        new AssayError('unsupported', `the peer does not serve ${what}`, {
          what: reason ?? what,
          why: 'the peer does not serve it',
        }),
      );
    case STATUS.failedPrecondition:
      return refusal(
        new AssayError('refused', `${what} refused: ${reason ?? 'unspecified'}`, {
          reason: reason ?? 'unspecified',
        }),
      );
    case STATUS.unavailable: // nobody there, connection dropped, keepalive failed, server shutting down
    case STATUS.cancelled: // the peer reset the stream
      return refusal(unreachable(address));
    case STATUS.ok: // a stream that ended in good order where an answer was due
      return peerEnded(what);
    default: // internal, unknown, and whatever something that is not Assay may answer
      return refusal(
        new AssayError('refused', `${what} failed at the peer`, {
          reason: reason ?? `status-${status.code}`,
        }),
      );
  }
}

const is = <C extends AssayError['code']>(error: AssayError, code: C): error is AssayError<C> =>
  error.code === code;

const toToken = (text: string): string => (/^[a-z0-9][a-z0-9-]{0,63}$/.test(text) ? text : 'unspecified');

const toNumber = (text: string | undefined): number =>
  text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : 0;
