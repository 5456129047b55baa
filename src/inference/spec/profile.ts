// Owns: what decides the last bits of logits; its bytes and digest. Does not own: the tolerances between profiles
// (verification/rollouts/calibration).
import { toHex, utf8 } from '../../model/bytes.js';
import { digest, name, oneOf, readFields } from './fields.js';
import { lengthPrefixed, taggedHash } from './tagged.js';

/** Two engines of one profile differ by rounding that calibration has seen; of two profiles, by what their pair's has. */
export interface Profile {
  /** e.g. `onnxruntime-node`, `plain` */
  readonly engine: string;
  readonly engineVersion: string;
  /** execution provider: `cpu`, `cuda`, `webgpu` */
  readonly provider: string;
  readonly dtype: 'fp32' | 'fp16' | 'bf16' | 'int8' | 'int4';
  readonly kvDtype: 'fp32' | 'fp16' | 'bf16';
  /** e.g. `x64`, `arm64`, a card's architecture */
  readonly isa: string;
  /** SHA-256 over the graphs in the order body, head, rows */
  readonly graphDigest: Uint8Array;
  /** SHA-256 of the master weights */
  readonly weightsDigest: Uint8Array;
}

/**
 * A profile from parsed JSON; digests are hexadecimal there.
 * @throws AssayError `invalid-input` naming the key
 */
export const parseProfile = (value: unknown, at = 'profile'): Profile =>
  readFields<Profile>(value, at, {
    engine: name,
    engineVersion: name,
    provider: name,
    dtype: oneOf('fp32', 'fp16', 'bf16', 'int8', 'int4'),
    kvDtype: oneOf('fp32', 'fp16', 'bf16'),
    isa: name,
    graphDigest: digest,
    weightsDigest: digest,
  });

/** As `parseProfile` reads it. */
export const profileJson = (profile: Profile): Record<string, unknown> => ({
  ...profile,
  graphDigest: toHex(profile.graphDigest),
  weightsDigest: toHex(profile.weightsDigest),
});

const partsOf = (profile: Profile): Uint8Array[] => [
  utf8(profile.engine),
  utf8(profile.engineVersion),
  utf8(profile.provider),
  utf8(profile.dtype),
  utf8(profile.kvDtype),
  utf8(profile.isa),
  profile.graphDigest,
  profile.weightsDigest,
];

/** Its one encoding: the fields in order, each behind its length. */
export const profileBytes = (profile: Profile): Uint8Array => lengthPrefixed(...partsOf(profile));

export const profileDigest = (profile: Profile): Uint8Array => taggedHash('profile', ...partsOf(profile));
