// Owns: how an outcome stands in a record, and the names that records of a file share. Does not own: frames (frames.ts), what
// an outcome is (model/outcome.ts).
import { type Credit, RESOURCES, type Resource } from '../../model/credit.js';
import { type Hotkey, toHotkey } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import {
  accepted,
  CAUSES,
  inconclusive,
  REJECTIONS,
  rejected,
  type Verdict,
  verdictToString,
} from '../../model/verdict.js';

/*
 * A fixed layout rather than a general encoding (msgpack, CBOR): a rebuild reads millions of these, each field is where the
 * one before it ends, and there is nothing in it that two readers could take for two things. Numbers are little-endian;
 * amounts and times are doubles, so that what is read is bit for bit what was judged. Names (hotkeys, events, kinds, parameter
 * sets, verdicts) stand once in a file and are meant by their place in it.
 */
export const RECORD = { outcome: 1, name: 2, entry: 3 } as const;

/** Where the session of an outcome is kept, and what it is. */
export interface EvidenceRef {
  /** SHA-256 of its line: what the ledger's links hold on to when the line itself is gone */
  readonly digest: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

export interface Recorded {
  readonly outcome: Outcome;
  readonly evidence: EvidenceRef;
}

/** Part of the format: a resource keeps its bit, whatever becomes of the list that it is in. */
const BITS: Record<Resource, number> = {
  opsPerS: 0,
  hashBytesPerS: 1,
  deviceBytes: 2,
  deviceBytesPerS: 3,
  hostBytes: 4,
  hostBytesPerS: 5,
  storageBytes: 6,
  storageBytesPerS: 7,
  downBytesPerS: 8,
  upBytesPerS: 9,
};
const BY_BIT = [...RESOURCES]
  .sort((a, b) => BITS[a] - BITS[b])
  .map((name) => [name, 1 << BITS[name]] as const);
const FLAG = { measured: 1, simulated: 2, simulatedSaid: 4, byTurn: 8, byTurnSaid: 16 } as const;
const FIXED_BYTES = 16 + 4 * 8 + 2 + 1 + 8 * 4 + 32 + 8 + 4;
const AT = {
  id: 0,
  event: 16,
  eventBlock: 20,
  epoch: 24,
  miner: 28,
  kind: 32,
  paramsId: 36,
  slot: 40,
  verdict: 44,
  credit: 48,
  flags: 50,
  measuredMs: 51,
  ownDelayMs: 59,
  share: 67,
  at: 75,
  digest: 83,
  offset: 115,
  length: 123,
} as const;

/** Places of names; `nameOf` gives the next one to a name that has none. */
export function encodeOutcome({ outcome, evidence }: Recorded, nameOf: (name: string) => number): Buffer {
  let credited = 0;
  let amounts = 0;
  for (const [name, bit] of BY_BIT) {
    if (outcome.credit[name] === undefined) continue;
    credited |= bit;
    amounts++;
  }
  const bytes = Buffer.allocUnsafe(FIXED_BYTES + 8 * amounts);
  bytes.write(outcome.id, AT.id, 16, 'hex');
  bytes.writeUInt32LE(nameOf(outcome.event), AT.event);
  bytes.writeUInt32LE(outcome.eventBlock, AT.eventBlock);
  bytes.writeUInt32LE(outcome.epoch, AT.epoch);
  bytes.writeUInt32LE(nameOf(outcome.miner), AT.miner);
  bytes.writeUInt32LE(nameOf(outcome.kind), AT.kind);
  bytes.writeUInt32LE(nameOf(outcome.paramsId), AT.paramsId);
  bytes.writeUInt32LE(outcome.slot, AT.slot);
  bytes.writeUInt32LE(nameOf(verdictToString(outcome.verdict)), AT.verdict);
  bytes.writeUInt16LE(credited, AT.credit);
  bytes[AT.flags] =
    (outcome.measuredMs === undefined ? 0 : FLAG.measured) |
    (outcome.simulated === undefined ? 0 : FLAG.simulatedSaid) |
    (outcome.simulated ? FLAG.simulated : 0) |
    (outcome.byTurn === undefined ? 0 : FLAG.byTurnSaid) |
    (outcome.byTurn ? FLAG.byTurn : 0);
  bytes.writeDoubleLE(outcome.measuredMs ?? 0, AT.measuredMs);
  bytes.writeDoubleLE(outcome.ownDelayMs, AT.ownDelayMs);
  bytes.writeDoubleLE(outcome.share, AT.share);
  bytes.writeDoubleLE(outcome.at, AT.at);
  bytes.set(evidence.digest, AT.digest);
  bytes.writeDoubleLE(evidence.offset, AT.offset);
  bytes.writeUInt32LE(evidence.length, AT.length);
  let at = FIXED_BYTES;
  for (const [name] of BY_BIT) {
    const amount = outcome.credit[name];
    if (amount === undefined) continue;
    bytes.writeDoubleLE(amount, at);
    at += 8;
  }
  return bytes;
}

export interface Owner {
  readonly netuid: number;
  readonly hotkey: Hotkey;
}

/**
 * @param names of this file so far, by place
 * @throws SyntaxError when it is no outcome: a name that is not there, a length that is not its amounts'
 */
export function decodeOutcome(
  bytes: Buffer,
  from: number,
  to: number,
  names: readonly string[],
  { netuid, hotkey }: Owner,
): Outcome {
  if (to - from < FIXED_BYTES) throw new SyntaxError('an outcome that ends too early');
  const flags = bytes[from + AT.flags]!;
  const credited = bytes.readUInt16LE(from + AT.credit);
  return {
    id: idAt(bytes, from),
    event: nameAt(names, bytes.readUInt32LE(from + AT.event)),
    eventBlock: bytes.readUInt32LE(from + AT.eventBlock),
    epoch: bytes.readUInt32LE(from + AT.epoch),
    netuid,
    validator: hotkey,
    miner: toHotkey(nameAt(names, bytes.readUInt32LE(from + AT.miner))),
    kind: nameAt(names, bytes.readUInt32LE(from + AT.kind)),
    paramsId: nameAt(names, bytes.readUInt32LE(from + AT.paramsId)),
    slot: bytes.readUInt32LE(from + AT.slot),
    verdict: toVerdict(nameAt(names, bytes.readUInt32LE(from + AT.verdict))),
    measuredMs: flags & FLAG.measured ? bytes.readDoubleLE(from + AT.measuredMs) : undefined,
    ownDelayMs: bytes.readDoubleLE(from + AT.ownDelayMs),
    credit: creditOf(bytes, from + FIXED_BYTES, to, credited),
    share: bytes.readDoubleLE(from + AT.share),
    ...(flags & FLAG.simulatedSaid ? { simulated: (flags & FLAG.simulated) !== 0 } : undefined),
    ...(flags & FLAG.byTurnSaid ? { byTurn: (flags & FLAG.byTurn) !== 0 } : undefined),
    at: bytes.readDoubleLE(from + AT.at),
  };
}

/** Of an outcome's record, without making the outcome. */
export const idAt = (bytes: Buffer, from: number): string => bytes.toString('hex', from, from + 16);

export function evidenceAt(bytes: Buffer, from: number): EvidenceRef {
  return {
    digest: new Uint8Array(bytes.subarray(from + AT.digest, from + AT.digest + 32)),
    offset: bytes.readDoubleLE(from + AT.offset),
    length: bytes.readUInt32LE(from + AT.length),
  };
}

function nameAt(names: readonly string[], place: number): string {
  const name = names[place];
  if (name === undefined) throw new SyntaxError(`name ${place} of ${names.length}`);
  return name;
}

function creditOf(bytes: Buffer, from: number, to: number, credited: number): Credit {
  const credit: { [name in Resource]?: number } = {};
  let at = from;
  for (const [name, bit] of BY_BIT) {
    if ((credited & bit) === 0) continue;
    if (at + 8 > to) throw new SyntaxError('an outcome with fewer amounts than it says');
    credit[name] = bytes.readDoubleLE(at);
    at += 8;
  }
  if (at !== to) throw new SyntaxError('an outcome with amounts of resources that this build does not know');
  return credit;
}

const VERDICTS: ReadonlyMap<string, Verdict> = new Map(
  [accepted, ...REJECTIONS.map(rejected), ...CAUSES.map(inconclusive)].map((each) => [
    verdictToString(each),
    each,
  ]),
);

function toVerdict(name: string): Verdict {
  const verdict = VERDICTS.get(name);
  if (!verdict) throw new SyntaxError('a verdict that this build does not know');
  return verdict;
}
