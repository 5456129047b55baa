// Owns: what a trainer asks of every miner of a window: how tokens are chosen, when a rollout ends; its bytes and digest. Does
// not own: the stream (stream.ts), prompts (verification/environments).
import { concat, toHex, u32le, utf8 } from '../../model/bytes.js';
import { invalid } from '../../model/invalid-input.js';
import { digest, integerIn, type Read, readFields, shown } from './fields.js';
import { lengthPrefixed, taggedHash } from './tagged.js';

/** One policy for all miners of a window. Its digest is bound into every stream. */
export interface Policy {
  /** decimal, as written: `1`, `0.7`; greater than 0, at most 2 */
  readonly temperature: string;
  /** how many of the highest logits race; the banded cut of race.ts; 2..1024 */
  readonly candidates: number;
  /** completion tokens after which a rollout is cut, its stop id included */
  readonly maxTokens: number;
  /** ids that end a rollout; ascending, none twice, at least one */
  readonly stopIds: readonly number[];
  /** rollouts of one prompt */
  readonly rolloutsPerGroup: number;
  /** SHA-256 of the environment with its version and parameters */
  readonly environmentDigest: Uint8Array;
}

const MAX_TOKENS = 65_536;
/** each costs a row of the output matrix at every position of an audit */
const MAX_STOP_IDS = 16;
const MAX_ROLLOUTS_PER_GROUP = 1024;
const MAX_ID = 2 ** 31 - 1;

/** One spelling a value, or one policy had many digests. */
const temperature: Read<string> = (value, at) => {
  if (typeof value === 'string' && /^[012](\.\d{0,3}[1-9])?$/.test(value)) {
    const parsed = Number(value);
    if (parsed > 0 && parsed <= 2) return value;
  }
  throw invalid(
    at,
    'a decimal text above 0 and at most 2, four places at most, no zero at its end',
    shown(value),
  );
};

const stopIds: Read<readonly number[]> = (value, at) => {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_STOP_IDS)
    throw invalid(at, `a list of 1..${MAX_STOP_IDS} ids`, shown(value));
  const ids = value.map((id, i) => integerIn(0, MAX_ID)(id, `${at}[${i}]`));
  const disorder = ids.findIndex((id, i) => i > 0 && id <= ids[i - 1]!);
  if (disorder > 0)
    throw invalid(`${at}[${disorder}]`, `an id above ${ids[disorder - 1]}`, String(ids[disorder]));
  return ids;
};

/**
 * A policy from parsed JSON; digests are hexadecimal there.
 * @throws AssayError `invalid-input` naming the key
 */
export const parsePolicy = (value: unknown, at = 'policy'): Policy =>
  readFields<Policy>(value, at, {
    temperature,
    candidates: integerIn(2, 1024),
    maxTokens: integerIn(1, MAX_TOKENS),
    stopIds,
    rolloutsPerGroup: integerIn(1, MAX_ROLLOUTS_PER_GROUP),
    environmentDigest: digest,
  });

/** As `parsePolicy` reads it. */
export const policyJson = (policy: Policy): Record<string, unknown> => ({
  temperature: policy.temperature,
  candidates: policy.candidates,
  maxTokens: policy.maxTokens,
  stopIds: [...policy.stopIds],
  rolloutsPerGroup: policy.rolloutsPerGroup,
  environmentDigest: toHex(policy.environmentDigest),
});

const partsOf = (policy: Policy): Uint8Array[] => [
  utf8(policy.temperature),
  u32le(policy.candidates),
  u32le(policy.maxTokens),
  concat(...policy.stopIds.map(u32le)),
  u32le(policy.rolloutsPerGroup),
  policy.environmentDigest,
];

/** Its one encoding: the fields in order, each behind its length. */
export const policyBytes = (policy: Policy): Uint8Array => lengthPrefixed(...partsOf(policy));

export const policyDigest = (policy: Policy): Uint8Array => taggedHash('policy', ...partsOf(policy));

/** The float64 nearest to the text: what logits are divided by. */
export const temperatureOf = (policy: Pick<Policy, 'temperature'>): number => Number(policy.temperature);
