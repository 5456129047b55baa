// Owns: what was said in a proof, as a line of JSON that a verifier in any language can judge (docs/proofs/transcripts.md), written and
// read. Does not own: judging (each kind's verify), where lines lie (cli).
import { fromHex, toHex } from '../model/bytes.js';
import { invalid } from '../model/invalid-input.js';
import { isNear } from '../model/near.js';
import { type Verdict, verdictToString } from '../model/verdict.js';
import type { KindsByName } from './parameter-file.js';
import type { Challenge, Evidence, ProofKind } from './proof.js';

/** What is not there is left out; `verdict` is what the writer concluded. */
export function transcriptLine(
  kind: string,
  said: {
    readonly challenge: Challenge<unknown>;
    readonly evidence: Evidence;
    readonly verdict: Verdict;
  },
): string {
  const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && toHex(bytes);
  const { params, basis, seed, place, brief } = said.challenge;
  const { commits, pass, request, opening } = said.evidence;
  return JSON.stringify({
    kind,
    params,
    basis: hex(basis),
    seed: hex(seed),
    place: hex(place),
    brief: hex(brief),
    commits: commits.map(toHex),
    pass: hex(pass),
    request: hex(request),
    opening: hex(opening),
    verdict: verdictToString(said.verdict),
  });
}

export interface Transcript {
  readonly kind: ProofKind<unknown, unknown>;
  readonly challenge: Challenge<unknown>;
  readonly evidence: Evidence;
  /** what the line says that came of it */
  readonly named: string | undefined;
}

const KEYS = [
  'kind',
  'params',
  'basis',
  'seed',
  'place',
  'brief',
  'commits',
  'pass',
  'request',
  'opening',
  'verdict',
] as const;
type Key = (typeof KEYS)[number];
/** A reason of a later build is one, too. */
const VERDICT = /^(accepted|rejected:[a-z-]{1,32})$/;
/** No kind has more steps than a frame's number can count. */
const MOST_COMMITS = 64;

/**
 * Strictly: every key known, every byte in one spelling, parameters as their kind reads them.
 * @throws AssayError `invalid-input` naming the key
 */
export function parseTranscript(line: string, kinds: KindsByName): Transcript {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw invalid('transcript', 'JSON', 'something else'); // without the cause, which would quote it
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw invalid('transcript', 'an object', Array.isArray(value) ? 'an array' : String(value));
  const given = value as Given; // each key is checked below
  for (const key of Object.keys(given))
    if (!KEYS.includes(key as Key)) {
      const near = KEYS.find((known) => isNear(key, known));
      throw invalid(
        'transcript',
        `keys of ${KEYS.join(', ')}`,
        `${key.slice(0, 40)}${near ? `; did you mean ${near}?` : ''}`,
      );
    }
  const name = given.kind;
  const kind = typeof name === 'string' && Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (!kind) throw invalid('kind', `one of ${Object.keys(kinds).join(', ')}`, shown(name));
  const { commits, verdict } = given;
  if (!Array.isArray(commits) || commits.length > MOST_COMMITS)
    throw invalid('commits', `at most ${MOST_COMMITS} texts of hexadecimal`, shown(commits));
  if (verdict !== undefined && (typeof verdict !== 'string' || !VERDICT.test(verdict)))
    throw invalid('verdict', 'accepted or rejected:<reason>', shown(verdict));
  const place = optional(given, 'place', 32);
  const brief = optional(given, 'brief');
  const pass = optional(given, 'pass', 32);
  return {
    kind,
    challenge: {
      params: kind.parseParams(given.params),
      basis: bytesOf(given, 'basis', 32),
      seed: bytesOf(given, 'seed', 32),
      ...(place ? { place } : {}),
      ...(brief ? { brief } : {}),
    },
    evidence: {
      commits: commits.map((commit: unknown, i) => hexOf(`commits.${i}`, commit)),
      ...(pass ? { pass } : {}),
      request: bytesOf(given, 'request'),
      opening: bytesOf(given, 'opening'),
    },
    named: verdict,
  };
}

type Given = Readonly<Partial<Record<Key, unknown>>>;

const optional = (given: Given, key: Key, length?: number): Uint8Array | undefined =>
  given[key] === undefined ? undefined : bytesOf(given, key, length);

function bytesOf(given: Given, key: Key, length?: number): Uint8Array {
  const bytes = hexOf(key, given[key]);
  if (length !== undefined && bytes.length !== length)
    throw invalid(key, `${length} bytes`, `${bytes.length}`);
  return bytes;
}

function hexOf(what: string, value: unknown): Uint8Array {
  if (typeof value !== 'string' || value.length % 2 !== 0 || !/^[0-9a-f]*$/.test(value))
    throw invalid(what, 'lower-case hexadecimal, two digits a byte', shown(value));
  return fromHex(value);
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'none').slice(0, 40);
