// Owns: what a subnet's owner commits to on the chain about parameters, and which parameters hold in an epoch. Pure.
// Does not own: reading and writing the chain, fetching a file (validator), the file itself (parameter-file.ts).
import { concat, equals, toHex, utf8 } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';

/** Parameters by the digest of their file; zeros for the table that each build brings. */
export interface Publication {
  /** 32 bytes */
  readonly parameters: Uint8Array;
  /** 32 bytes: what held before, so that whoever reads only today's chain knows both */
  readonly previous: Uint8Array;
  /** 32 bytes: of the policy that `parameters` names */
  readonly policy: Uint8Array;
  /** the chain's index of the first epoch in which `parameters` count; in this one `previous` count too */
  readonly firstEpoch: number;
  /** the weights version key that the owner raises the subnet to */
  readonly versionKey: bigint;
}

const TAG = utf8('assay/1/params');
const BYTES = TAG.length + 3 * 32 + 8 + 8;
const DIGEST_BYTES = 32;

/** Names parameters without a file: a build's own table. */
export const BUILT_IN = 'built-in';
/** `built-in`, or the lower-case hex of a file's digest */
export type Source = string;

export const NO_DIGEST: Uint8Array = new Uint8Array(DIGEST_BYTES);

export const toSource = (digest: Uint8Array): Source =>
  equals(digest, NO_DIGEST) ? BUILT_IN : toHex(digest);

/** tag 14, parameters 32, previous 32, policy 32, first epoch u64, version key u64; little-endian: one raw field of 126 bytes. */
export function encodePublication(publication: Publication): Uint8Array {
  const { parameters, previous, policy, firstEpoch, versionKey } = publication;
  for (const [what, digest] of Object.entries({ parameters, previous, policy }))
    if (digest.length !== DIGEST_BYTES)
      throw new RangeError(`${what}: expected ${DIGEST_BYTES} bytes, got ${digest.length}`);
  if (!Number.isSafeInteger(firstEpoch) || firstEpoch < 0)
    throw new RangeError(`firstEpoch: expected an epoch, got ${firstEpoch}`);
  const numbers = new Uint8Array(16);
  const view = new DataView(numbers.buffer);
  view.setBigUint64(0, BigInt(firstEpoch), true);
  view.setBigUint64(8, versionKey, true);
  return concat(TAG, parameters, previous, policy, numbers);
}

/** Undefined for anything else: an owner's hotkey may commit to whatever it likes. */
export function decodePublication(bytes: Uint8Array): Publication | undefined {
  if (bytes.length !== BYTES || !equals(bytes.subarray(0, TAG.length), TAG)) return undefined;
  const digest = (i: number) =>
    bytes.slice(TAG.length + i * DIGEST_BYTES, TAG.length + (i + 1) * DIGEST_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset + TAG.length + 3 * DIGEST_BYTES, 16);
  const firstEpoch = view.getBigUint64(0, true);
  if (firstEpoch > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return {
    parameters: digest(0),
    previous: digest(1),
    policy: digest(2),
    firstEpoch: Number(firstEpoch),
    versionKey: view.getBigUint64(8, true),
  };
}

/** The publication among the fields of a commitment: the first that is one. */
export function publicationIn(
  fields: readonly { readonly kind: string; readonly bytes?: Uint8Array }[],
): Publication | undefined {
  for (const field of fields) {
    const found = field.kind === 'raw' && field.bytes ? decodePublication(field.bytes) : undefined;
    if (found) return found;
  }
  return undefined;
}

/** What counts in an epoch, newest first: before the first one the previous, in it both, afterwards the new one alone. */
export function inForce(publication: Publication | undefined, epoch: number): readonly Source[] {
  if (publication === undefined) return [BUILT_IN];
  const [now, before] = [toSource(publication.parameters), toSource(publication.previous)];
  if (epoch < publication.firstEpoch) return [before];
  return epoch > publication.firstEpoch || now === before ? [now] : [now, before];
}

/** What a validator can do in an epoch with the files that it holds. */
export interface Standing {
  /** what it judges by, newest first; empty: it judges nothing and sets no weights */
  readonly held: readonly Source[];
  /** what counts and is not here */
  readonly missing: readonly Source[];
}

export function standingOf(
  publication: Publication | undefined,
  epoch: number,
  isHeld: (source: Source) => boolean,
): Standing {
  const counting = inForce(publication, epoch);
  return {
    held: counting.filter((source) => source === BUILT_IN || isHeld(source)),
    missing: counting.filter((source) => source !== BUILT_IN && !isHeld(source)),
  };
}

/** Files that will be needed by then or are needed now: asked for as soon as they are published. */
export function wanted(publication: Publication | undefined, epoch: number): readonly Source[] {
  if (publication === undefined) return [];
  const soon = toSource(publication.parameters);
  return [...new Set([soon, ...inForce(publication, epoch)])].filter((source) => source !== BUILT_IN);
}

/**
 * The publication that follows the one on the chain.
 * @param input.now the chain's epoch index
 * @param input.replace also in place of one whose first epoch has not come
 * @throws AssayError `invalid-input` when it would cut short the epoch in which two count, or comes too late
 */
export function nextPublication(
  present: Publication | undefined,
  input: {
    readonly parameters: Uint8Array;
    readonly policy: Uint8Array;
    readonly firstEpoch: number;
    readonly versionKey: bigint;
    readonly now: number;
    readonly replace: boolean;
  },
): Publication {
  const { now, replace, ...next } = input;
  if (next.firstEpoch <= now)
    throw invalid('first epoch', `one after the present, ${now}`, String(next.firstEpoch));
  const isPending = present !== undefined && present.firstEpoch > now;
  if (present?.firstEpoch === now)
    throw invalid('publication', `one after epoch ${now}, in which two count`, 'one within it');
  if (isPending && !replace)
    throw invalid(
      'publication',
      `none waiting, or --replace`,
      `${toSource(present.parameters).slice(0, 16)} from epoch ${present.firstEpoch} on`,
    );
  const previous = present === undefined ? NO_DIGEST : isPending ? present.previous : present.parameters;
  return { ...next, previous };
}

const invalid = (what: string, expected: string, got: string): AssayError<'invalid-input'> =>
  new AssayError('invalid-input', `${what}: expected ${expected}, got ${got}`, { what, expected, got });
