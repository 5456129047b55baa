// Owns: the record of one miner's window at one validator: all that the judgement hangs on and all that it came to, in one
// spelling. Does not own: making one (audit.ts), where records are kept.
import { lengthPrefixed, taggedHash } from '../../inference/spec/tagged.js';
import { BEACONS, type BeaconRound } from '../../inference/spec/window.js';
import { concat, equals, u32le, u64le, utf8 } from '../../model/bytes.js';
import { readBytes } from './byte-reader.js';
import type { DrawnRollout } from './draw.js';
import { decodeEvidences, type Evidence, encodeEvidences } from './evidence.js';
import { ROLLOUT_REASONS, type RolloutReason } from './reasons.js';
import { decodeStanding, encodeStanding, type Standing } from './standing.js';

/**
 * `wrong`: a token that the stream and the model did not choose: unpaid, its group unused. `input`: a limit that its own bytes
 * reached: not valid, and no sign of a liar. `validator`: our model failed on it.
 */
export const OUTCOMES = ['valid', 'wrong', 'input', 'validator'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface PickVerdict extends DrawnRollout {
  readonly group: number;
  readonly index: number;
  readonly outcome: Outcome;
  readonly evidences: readonly Evidence[];
}

/**
 * `concluded`: judged whole. `pending`: a drawn rollout could not be judged for reasons of our own; nothing is credited and the
 * standing is unchanged until the same draw has been judged. `refused`: manifest or file, without an audit. `partial`: as pending,
 * at the last attempt: nothing is credited, and the rollouts that were judged count.
 */
const STATES = ['concluded', 'pending', 'refused', 'partial'] as const;

export interface VerdictRecord {
  readonly netuid: number;
  readonly window: number;
  readonly hotkey: Uint8Array;
  /** public key of the validator, whose random function drew the private half */
  readonly validator: Uint8Array;
  /** inputs by digest: the window with its stream's beacon, checkpoint and policy; the signed manifest, which names the file */
  readonly windowDigest: Uint8Array;
  readonly manifestDigest: Uint8Array;
  /** of the engine that judged */
  readonly profileDigest: Uint8Array;
  /** of the numbers that were judged by (rules.ts) */
  readonly rulesDigest: Uint8Array;
  readonly auditBeacon: BeaconRound;
  /** 96 bytes */
  readonly vrfProof: Uint8Array;
  /** lower median length of the window's rollouts over all miners */
  readonly median: number;
  readonly before: Standing;
  readonly state: (typeof STATES)[number];
  readonly reason?: RolloutReason;
  /** over the whole file */
  readonly evidences: readonly Evidence[];
  readonly picks: readonly PickVerdict[];
  readonly paidMillis: number;
  readonly creditMillis: number;
  readonly after: Standing;
}

const TAG = utf8('assay/rollouts/verdict/1');
const REASONS = Object.keys(ROLLOUT_REASONS) as RolloutReason[]; // its keys are that union
const HALVES = ['public', 'private'] as const;

/** The fields in order behind the tag; integers little-endian, what varies in length behind its length. */
export function encodeVerdict(record: VerdictRecord): Uint8Array {
  const { auditBeacon, reason } = record;
  return concat(
    lengthPrefixed(TAG),
    u32le(record.netuid),
    u32le(record.window),
    ...[record.hotkey, record.validator, record.windowDigest, record.manifestDigest].map(of32),
    ...[record.profileDigest, record.rulesDigest].map(of32),
    Uint8Array.of(BEACONS.indexOf(auditBeacon.kind)),
    u64le(auditBeacon.round),
    lengthPrefixed(auditBeacon.signature, record.vrfProof),
    u32le(record.median),
    lengthPrefixed(encodeStanding(record.before)),
    Uint8Array.of(STATES.indexOf(record.state)),
    lengthPrefixed(utf8(reason ?? '')),
    encodeEvidences(record.evidences),
    u32le(record.picks.length),
    ...record.picks.map(encodePick),
    u64le(record.paidMillis),
    u64le(record.creditMillis),
    lengthPrefixed(encodeStanding(record.after)),
  );
}

function of32(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 32) throw new RangeError(`verdict: expected 32 bytes, got ${bytes.length}`);
  return bytes;
}

const encodePick = (pick: PickVerdict): Uint8Array =>
  concat(
    u32le(pick.place),
    u32le(pick.group),
    u32le(pick.index),
    Uint8Array.of(HALVES.indexOf(pick.half), Number(pick.deep), OUTCOMES.indexOf(pick.outcome)),
    u32le(pick.ordinal),
    encodeEvidences(pick.evidences),
  );
const PICK_BYTES = 4 + 4 + 4 + 3 + 4 + 4;

/** A drawn window is some 2 KB. */
export const MAX_VERDICT_BYTES = 64 * 1024;

/** @throws RangeError for bytes that are no record, or not in its one spelling */
export function decodeVerdict(bytes: Uint8Array): VerdictRecord {
  if (bytes.length > MAX_VERDICT_BYTES)
    throw new RangeError(`verdict: expected at most ${MAX_VERDICT_BYTES} bytes, got ${bytes.length}`);
  const reader = readBytes(bytes, 'verdict');
  const digest = (): Uint8Array => reader.bytes(32);
  if (new TextDecoder().decode(reader.sized()) !== new TextDecoder().decode(TAG))
    throw new RangeError('verdict: another tag');
  const [netuid, window] = [reader.u32(), reader.u32()];
  const [hotkey, validator, windowDigest, manifestDigest] = [digest(), digest(), digest(), digest()];
  const [profileDigest, rulesDigest] = [digest(), digest()];
  const [kind, round, signature, vrfProof] = [
    reader.oneOf(BEACONS),
    reader.u64(),
    reader.sized(),
    reader.sized(),
  ];
  const median = reader.u32();
  const before = decodeStanding(reader.sized());
  const state = reader.oneOf(STATES);
  const named = new TextDecoder().decode(reader.sized());
  const reason = REASONS.find((one) => one === named);
  if (named !== (reason ?? '') || (state === 'refused') !== (reason !== undefined))
    throw new RangeError('verdict: a reason that is none');
  const evidences = decodeEvidences(reader);
  const picks = reader.list(PICK_BYTES, (): PickVerdict => {
    const [place, group, index] = [reader.u32(), reader.u32(), reader.u32()];
    const [half, deep, outcome] = [reader.oneOf(HALVES), reader.oneOf([false, true]), reader.oneOf(OUTCOMES)];
    return {
      place,
      group,
      index,
      half,
      deep,
      outcome,
      ordinal: reader.u32(),
      evidences: decodeEvidences(reader),
    };
  });
  const [paidMillis, creditMillis] = [reader.u53(), reader.u53()];
  const after = decodeStanding(reader.sized());
  reader.end();
  const record: VerdictRecord = {
    netuid,
    window,
    hotkey,
    validator,
    windowDigest,
    manifestDigest,
    profileDigest,
    rulesDigest,
    auditBeacon: { kind, round, signature },
    vrfProof,
    median,
    before,
    state,
    ...(reason === undefined ? {} : { reason }),
    evidences,
    picks,
    paidMillis,
    creditMillis,
    after,
  };
  // texts and values that nothing has are read leniently above
  if (!equals(encodeVerdict(record), bytes)) throw new RangeError('verdict: not its one spelling');
  return record;
}

/** What a validator signs and two of them compare. */
export const verdictDigest = (bytes: Uint8Array): Uint8Array => taggedHash('verdict-digest', bytes);
