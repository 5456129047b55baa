// Owns: the file in which a subnet's owner lists the parameter sets of all kinds: its one spelling, its digest, strict reading.
// Does not own: what a kind's numbers mean (kinds/<kind>/params.ts), since when a file holds (publication.ts).
import { equals, fromHex, toHex, utf8 } from '../model/bytes.js';
import { canonicalJson } from '../model/canonical-json.js';
import { AssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';
import { meant, paramsId } from './checked-params.js';
import type { ProofKind } from './proof.js';

/** Kinds by name, whatever their parameters are. */
export type KindsByName = Readonly<Record<string, ProofKind<unknown, unknown> | undefined>>;

export interface ParameterSet {
  readonly kind: string;
  readonly className: string;
  /** content address, lower-case hex of 32 bytes */
  readonly id: string;
  readonly params: object;
}

export interface ParameterFile {
  /** SHA-256 of the owner's policy, lower-case hex; zeros where there is none */
  readonly policy: string;
  /** by kind, then by class: at least one, each class of a kind once */
  readonly sets: readonly ParameterSet[];
}

/** One answer of a peer has room for it. */
export const PARAMETER_FILE_BYTES = 256 * 1024;
export const NO_POLICY = '0'.repeat(64);
const VERSION = 1;
const MAX_SETS = 512;
const KEYS = { version: true, policy: true, sets: true } as const;

/**
 * A parameter file from a parsed JSON value, in whatever order and spacing it was written.
 * @throws AssayError `invalid-input` naming the key, with what may have been meant
 */
export function parseParameterFile(value: unknown, kinds: KindsByName): ParameterFile {
  const file = asObject(value, 'parameters');
  for (const key of Object.keys(file))
    if (!Object.hasOwn(KEYS, key))
      throw invalid(
        `parameters.${key}`,
        `one of ${Object.keys(KEYS).join(', ')}`,
        shown(key) + meant(KEYS, key),
      );
  const { version, policy, sets } = file;
  if (version !== VERSION) throw invalid('parameters.version', String(VERSION), shown(version));
  if (typeof policy !== 'string' || !/^[0-9a-f]{64}$/.test(policy))
    throw invalid('parameters.policy', '64 lower-case hex digits, zeros for none', shown(policy));
  if (!Array.isArray(sets) || sets.length === 0 || sets.length > MAX_SETS)
    throw invalid(
      'parameters.sets',
      `1 to ${MAX_SETS} sets`,
      Array.isArray(sets) ? `${sets.length}` : shown(sets),
    );
  const parsed = sets.map((set, i) => parseSet(set, i, kinds)).sort(byKindAndClass);
  for (const [i, set] of parsed.entries()) {
    const before = parsed[i - 1];
    if (before && byKindAndClass(before, set) === 0)
      throw invalid('parameters.sets', 'each class of a kind once', `${set.kind}/${set.className} twice`);
  }
  return { policy, sets: parsed };
}

function parseSet(value: unknown, i: number, kinds: KindsByName): ParameterSet {
  const at = `sets[${i}]`;
  const given = asObject(value, at);
  const { kind: name, class: itsClass } = given;
  const kind = typeof name === 'string' ? kinds[name] : undefined;
  if (kind === undefined) {
    const known = Object.keys(kinds);
    const hint = typeof name === 'string' ? meant(Object.fromEntries(known.map((k) => [k, k])), name) : '';
    throw invalid(`${at}.kind`, `one of ${known.join(', ')}`, shown(name) + hint);
  }
  try {
    const params = kind.parseParams(given) as object;
    return { kind: kind.kind, className: kind.facts(params).className, id: toHex(paramsId(params)), params };
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    const { what, expected, got } = error.data as { what: string; expected: string; got: string };
    const which = typeof itsClass === 'string' ? ` (${kind.kind}/${itsClass.slice(0, 32)})` : '';
    throw invalid(`${at}${which} ${what}`, expected, got);
  }
}

/** The one spelling, whose SHA-256 addresses the file. */
export const encodeParameterFile = ({ policy, sets }: ParameterFile): Uint8Array =>
  utf8(canonicalJson({ version: VERSION, policy, sets: sets.map(({ params }) => params) }));

/** 32 bytes: what a publication names, and what a peer is asked for. */
export const parameterDigest = (file: ParameterFile): Uint8Array => sha256(encodeParameterFile(file));

/**
 * A parameter file as it travels: only the canonical bytes are one.
 * @throws AssayError `invalid-input`, `limit-exceeded`
 */
export function readParameterFile(bytes: Uint8Array, kinds: KindsByName): ParameterFile {
  const file = parseParameterFile(parametersJson(bytes), kinds);
  if (!equals(encodeParameterFile(file), bytes))
    throw invalid('parameters', 'canonical JSON, sets by kind and class', 'another spelling of it');
  return file;
}

/** @throws AssayError `invalid-input`, `limit-exceeded` */
export function parametersJson(bytes: Uint8Array): unknown {
  if (bytes.length > PARAMETER_FILE_BYTES)
    throw new AssayError('limit-exceeded', `parameters: at most ${PARAMETER_FILE_BYTES} bytes`, {
      what: 'parameter file',
      limit: PARAMETER_FILE_BYTES,
      got: bytes.length,
    });
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('parameters', 'JSON in UTF-8', `${bytes.length} bytes that are none`);
  }
}

/** What this build holds by itself, as a file: the one to change. */
export function builtInFile(kinds: KindsByName, policy = NO_POLICY): ParameterFile {
  const sets = Object.values(kinds).flatMap((kind) =>
    kind
      ? [...kind.table].map(([id, params]) => ({
          kind: kind.kind,
          className: kind.facts(params).className,
          id,
          params: params as object,
        }))
      : [],
  );
  return { policy, sets: sets.sort(byKindAndClass) };
}

/** The same kinds with the sets of these files for a table; kinds that none of them lists have an empty one. */
export function withTables(kinds: KindsByName, files: readonly ParameterFile[]): KindsByName {
  const named = Object.create(null) as Record<string, ProofKind<unknown, unknown> | undefined>;
  for (const [name, kind] of Object.entries(kinds)) {
    if (!kind) continue;
    const table = new Map<string, unknown>();
    for (const { sets } of files)
      for (const set of sets) if (set.kind === kind.kind) table.set(set.id, set.params);
    named[name] = { ...kind, table };
  }
  return Object.freeze(named);
}

/** @throws AssayError `invalid-input` unless `text` is the hex of 32 bytes */
export function toDigest(text: string): Uint8Array {
  const bare = text.startsWith('0x') ? text.slice(2) : text;
  if (!/^[0-9a-f]{64}$/i.test(bare)) throw invalid('digest', '64 hex digits', shown(text));
  return fromHex(bare);
}

const byKindAndClass = (a: ParameterSet, b: ParameterSet): number =>
  order(a.kind, b.kind) || order(a.className, b.className);
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw invalid(what, 'an object', shown(value));
  return value as Record<string, unknown>; // every key is checked by whoever asked
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 60);

const invalid = (what: string, expected: string, got: string): AssayError<'invalid-input'> =>
  new AssayError('invalid-input', `${what}: expected ${expected}, got ${got}`, { what, expected, got });
