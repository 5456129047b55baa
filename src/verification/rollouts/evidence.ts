// Owns: what a check of an audit found, as integers, and its bytes. Does not own: the checks (audit.ts), what follows (verdict.ts).
import { concat, u32le, u64le } from '../../model/bytes.js';
import type { ByteReader } from './byte-reader.js';

export const CHECKS = [
  /** all tokens of all rollouts against a stream that they were chosen without: no model is asked */
  'scan',
  /** the environment's grade: of its cost alone, no reward is judged */
  'grade',
  /** stop ids at all positions */
  'sentinel',
  /** the banded margin where it was drawn */
  'margin',
  /** of the same positions, those that lost by less than the tolerance: choices that are free within it */
  'near',
  /** of the same positions, -ln(u) / p, whose mean is 1 with the stream whatever the text */
  'race',
] as const;
export type Check = (typeof CHECKS)[number];

export const KINDS = [
  'ok',
  'violation',
  'statistic',
  'inconclusive-validator',
  'inconclusive-input',
] as const;

/**
 * `statistic` is for people and for the next draw, and judges nobody. `inconclusive-validator`: ours (a session, a sandbox, logits
 * that are no numbers); `inconclusive-input`: a limit that the miner's own bytes reached.
 */
export type EvidenceKind = (typeof KINDS)[number];

export interface Evidence {
  readonly check: Check;
  readonly kind: EvidenceKind;
  /** positions or tokens looked at */
  readonly n: number;
  /** of them, those out of bounds */
  readonly mismatches: number;
  /** floor(m * 2^20); 0 where nothing lost, at most 2^53 - 1 */
  readonly maxMargin: number;
  /** of the largest margin, in the completion */
  readonly position?: number;
  /** of a statistic: scan 2^-10 bits against "without the stream", race the sum of Z in 2^-20, near nothing */
  readonly value?: number;
}

const NONE = 0xffff_ffff;
const EVIDENCE_BYTES = 1 + 1 + 4 + 4 + 8 + 4 + 8;

/** check u8, kind u8, n u32, mismatches u32, margin u64, position u32 (all ones: none), value u64; 30 bytes */
export function encodeEvidence(evidence: Evidence): Uint8Array {
  const { check, kind, n, mismatches, maxMargin, position = NONE, value = 0 } = evidence;
  for (const [name, number] of Object.entries({ n, mismatches, maxMargin, position, value }))
    if (!(Number.isSafeInteger(number) && number >= 0))
      throw new RangeError(`evidence ${name}: expected a safe integer >= 0, got ${number}`);
  return concat(
    Uint8Array.of(CHECKS.indexOf(check), KINDS.indexOf(kind)),
    u32le(n),
    u32le(mismatches),
    u64le(maxMargin),
    u32le(position),
    u64le(value),
  );
}

/** @throws RangeError for bytes that are none */
export function decodeEvidence(reader: ByteReader): Evidence {
  const check = reader.oneOf(CHECKS);
  const kind = reader.oneOf(KINDS);
  const [n, mismatches, maxMargin] = [reader.u32(), reader.u32(), reader.u53()];
  const [position, value] = [reader.u32(), reader.u53()];
  return {
    check,
    kind,
    n,
    mismatches,
    maxMargin,
    ...(position === NONE ? {} : { position }),
    ...(kind === 'statistic' ? { value } : {}),
  };
}

export const encodeEvidences = (list: readonly Evidence[]): Uint8Array =>
  concat(u32le(list.length), ...list.map(encodeEvidence));

export const decodeEvidences = (reader: ByteReader): Evidence[] =>
  reader.list(EVIDENCE_BYTES, () => decodeEvidence(reader));
