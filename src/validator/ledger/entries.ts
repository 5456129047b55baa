// Owns: what the ledger holds: entries as JSON, sessions as lines of evidence. Does not own: outcomes as bytes (codec.ts), files.
import { z } from 'zod';
import type { WeightRow } from '../../chain/chain.js';
import { type Credit, RESOURCES } from '../../model/credit.js';
import { sha256 } from '../../model/hash.js';
import { type Coldkey, type Hotkey, toColdkey, toHotkey } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import { CAUSES, REJECTIONS } from '../../model/verdict.js';
import type { Counted } from '../../parameters/maintenance.js';
import type { Facts, Sample } from '../../scoring/index.js';
import type { Sight } from '../reach.js';

/** Written when an event is armed and again when all its outcomes are in the ledger: scoring counts completed ones only. */
export interface EventEntry {
  readonly type: 'event-started' | 'event-completed';
  /** hex event id */
  readonly event: string;
  /** the chain's epoch index in which `block` lies */
  readonly epoch: number;
  readonly block: number;
  /** 32 bytes */
  readonly basis: Uint8Array;
  /** 32 bytes: hash of the event's block; absent until that block is seen */
  readonly beacon?: Uint8Array | undefined;
  /** whether rounds that one validator runs at a time were ours in it */
  readonly ourTurn?: boolean | undefined;
  /** of whom it asked, where not of all */
  readonly sample?: Sample | undefined;
  /** a check between events: its outcomes say that slots are there, and nothing of what they can do */
  readonly liveness?: boolean | undefined;
}

export interface WeightsEntry {
  readonly type: 'weights';
  readonly epoch: number;
  /** block in which the row was read back */
  readonly block: number;
  readonly row: WeightRow;
}

/** What an epoch was paid, and by what: with the outcomes before it enough to make the row again. */
export interface ScoredEntry {
  readonly type: 'scored';
  readonly epoch: number;
  /** head at which `facts` were read */
  readonly block: number;
  /** hex SHA-256 of the policy; its file is kept as parameter sets are */
  readonly policy: string;
  /** what does not follow from outcomes */
  readonly facts: Facts;
  /** u16 by hotkey: a uid is somebody else's the next day */
  readonly row: readonly (readonly [Hotkey, number])[];
  /** the epoch in which the newest hold of the breaker ended, where there was one: older entries may be gone */
  readonly heldUntil?: number | undefined;
}

export interface BreakerLimits {
  /** Scores are held above this share of the owners and above it of their stake, millionths; 0 never holds them. @default 300000 */
  readonly share: number;
  /** Fewer owners than that are no mass. @default 3 */
  readonly owners: number;
  /** Epochs for which scores are held when nobody says anything; then they count as judged. @default 10 */
  readonly holdEpochs: number;
  /** Epochs after a hold in which there is none: who can bring one about has it once in so many. @default 100 */
  readonly restEpochs: number;
}

/** The circuit breaker (validator/breaker.ts): why an epoch was not paid as judged, and who ended that. */
export interface BreakerEntry {
  readonly type: 'breaker';
  /** `held`: another epoch of the same hold. The others end it: by somebody's word, or because nobody said one */
  readonly is: 'tripped' | 'held' | 'released' | 'accepted' | 'expired';
  readonly epoch: number;
  /** head at which it was decided */
  readonly block: number;
  /** first epoch of the hold */
  readonly since: number;
  /** of `tripped` and `held`: what is set instead */
  readonly row?: ScoredEntry['row'] | undefined;
  /** of `tripped`: what it was decided by, beside the outcomes before it */
  readonly neurons?: Facts['neurons'] | undefined;
  readonly limits?: BreakerLimits | undefined;
}

/** Maintenance of a miner that counts, as it was heard: signed by its hotkey, and counted by what was heard before. */
export interface DeclaredEntry extends Counted {
  readonly type: 'declared';
  readonly epoch: number;
  /** at which it was heard */
  readonly block: number;
  readonly statement: Uint8Array;
}

/** The first record of a file: whose ledger it is, and what it goes on from. */
export interface SegmentEntry {
  readonly type: 'segment';
  readonly version: (typeof READ_VERSIONS)[number];
  /** the newest epoch that any of its entries is about */
  readonly epoch: number;
  /** 32 bytes */
  readonly genesis: Uint8Array;
  readonly netuid: number;
  readonly hotkey: Hotkey;
  /** 32 bytes, of the last frame before */
  readonly link: Uint8Array;
  /** records before, in all files */
  readonly records: number;
}

/** The last record of a file that is finished, in a frame of its own. */
export interface ClosedEntry {
  readonly type: 'closed';
  readonly epoch: number;
  /** 32 bytes, of the frame before */
  readonly link: Uint8Array;
  /** records before this one, in all files */
  readonly records: number;
  /** the hotkey's, over all of that */
  readonly signature: Uint8Array;
}

/** The ledger goes on elsewhere, and never here. */
export interface MovedEntry {
  readonly type: 'moved';
  readonly epoch: number;
  /** hex of 16 bytes: what `continued` names there */
  readonly token: string;
}

/** The ledger came from elsewhere: handed over, or restored from an export whose source may have gone on. */
export interface ContinuedEntry {
  readonly type: 'continued';
  readonly epoch: number;
  /** of the handing over; absent for what was restored */
  readonly token?: string | undefined;
}

/** What is written. A build refuses a later one by its number: whatever is new in an entry has a number of its own. */
export const LEDGER_VERSION = 4;
/** 3 is the same without `breaker`, `declared`, what was declined, and `heldUntil`. */
const READ_VERSIONS = [3, LEDGER_VERSION] as const;

export const FRAME_KINDS = [
  'arm',
  'ready',
  'go',
  'commit',
  'pass',
  'open',
  'opening',
  'receipt',
  'refusal',
] as const;

/** One signed frame of a session as it travelled. */
export interface SessionFrame {
  readonly from: 'validator' | 'miner';
  readonly kind: (typeof FRAME_KINDS)[number];
  readonly header: Uint8Array;
  /** 64 bytes of the sender's session key over `header` */
  readonly signature: Uint8Array;
  /** the encoded Frame message */
  readonly body: Uint8Array;
}

/** A frame as the journal holds it: bodies of Opening pieces are in the opening file, in order, `bytes` each. */
export interface StoredFrame extends Omit<SessionFrame, 'body'> {
  readonly body: Uint8Array | { readonly bytes: number; readonly digest: Uint8Array };
}

/** A Commit that arrived, whether or not it counted. */
export interface CommitRecord {
  readonly atMs: number;
  /** since the frame that its phase counts from */
  readonly measuredMs: number;
  /** the longest stall of our own event loop since the frame that its phase counts from */
  readonly ownDelayMs: number;
  /** the set that it lists, 16 bytes each; none where they were not in order */
  readonly nonces: readonly Uint8Array[];
  /** SHA-256 of its kind-specific body */
  readonly digest: Uint8Array;
}

/** Our Pass, of a session whose kind has one. */
export interface PassRecord {
  /** 16 bytes each: Arm commits to them, Pass reveals them */
  readonly nonce: Uint8Array;
  readonly salt: Uint8Array;
  /** 32 bytes: hash of its block; absent when that was not seen, or the session was over by then */
  readonly beacon?: Uint8Array | undefined;
  readonly atMs?: number | undefined;
}

/**
 * What was observed in a session, enough to judge again. Times are ms on the validator's monotonic clock since it saw
 * the beacon; absent for what never happened.
 */
export interface SessionRecord<F = SessionFrame> {
  /** 32 bytes each, see Challenge */
  readonly basis: Uint8Array;
  /** absent when the event's block was never seen */
  readonly beacon?: Uint8Array | undefined;
  /** worker tag of the claim */
  readonly worker: string;
  /** our own nonce and salt, 16 bytes each: Arm commits to them, Go reveals them */
  readonly nonce: Uint8Array;
  readonly salt: Uint8Array;
  /** Nonces that a Commit might list in this event. @default `SESSION_LIMITS.validatorsPerEvent` */
  readonly maxNonces?: number | undefined;
  /** 32 bytes: the seed that was judged under */
  readonly seed?: Uint8Array | undefined;
  readonly goAtMs?: number | undefined;
  /** in the order of the phases */
  readonly commits: readonly CommitRecord[];
  readonly pass?: PassRecord | undefined;
  readonly openAtMs?: number | undefined;
  /** arrival of the opening's last piece */
  readonly openingAtMs?: number | undefined;
  /** SHA-256 of the kind-specific bodies of Open and the joined Opening */
  readonly digests: {
    readonly request?: Uint8Array | undefined;
    readonly opening?: Uint8Array | undefined;
  };
  /** session-key certificates; the miner's is absent when nothing of it arrived */
  readonly certificates: {
    readonly validator?: Uint8Array | undefined;
    readonly miner?: Uint8Array | undefined;
  };
  /** What our door refused in a frame of the miner's, where that ended the session: its error code. Such a frame is not evidence. */
  readonly refused?: string | undefined;
  /** what our own dial-out had seen of the port that the slot offers to others; absent where it did not look */
  readonly sight?: Sight | undefined;
  /** The hotkey's statement by which the slot was in maintenance; absent where it was not. */
  readonly declared?: Uint8Array | undefined;
  /** in the order they were sent and arrived */
  readonly frames: readonly F[];
}

export interface OutcomeEntry<F = SessionFrame> {
  readonly type: 'outcome';
  readonly outcome: Outcome;
  readonly session: SessionRecord<F>;
}

export type LedgerEntry =
  | EventEntry
  | WeightsEntry
  | ScoredEntry
  | BreakerEntry
  | DeclaredEntry
  | OutcomeEntry;
/** All that is a record of JSON. */
export type PlainEntry =
  | EventEntry
  | WeightsEntry
  | ScoredEntry
  | BreakerEntry
  | DeclaredEntry
  | SegmentEntry
  | ClosedEntry
  | MovedEntry
  | ContinuedEntry;

/** Frames of one session: an opening of 1 GiB and some more. A line of them is written and read in one go. */
const MAX_FRAMES = 4096;

/** @throws TypeError when `entry` could not be read back: a bug of the caller */
export function toPlainJson(entry: PlainEntry): string {
  const value = toJson(entry);
  const { error } = PLAIN.safeParse(value);
  if (error) throw new TypeError(`ledger entry: ${z.prettifyError(error)}`);
  return JSON.stringify(value);
}

/** @throws ZodError or SyntaxError when `json` is no entry */
export const toPlain = (json: string): PlainEntry => PLAIN.parse(JSON.parse(json));

/**
 * One line of evidence, without its line feed.
 * @throws TypeError when it could not be read back, or has too many frames: a bug of the caller
 */
export function toSessionLine(id: string, session: SessionRecord): string {
  if (session.frames.length > MAX_FRAMES)
    throw new TypeError(`ledger entry: expected at most ${MAX_FRAMES} frames, got ${session.frames.length}`);
  const value = toJson({ id, session: toStored(session) });
  const { error } = EVIDENCE_LINE.safeParse(value);
  if (error) throw new TypeError(`ledger entry: ${z.prettifyError(error)}`);
  return JSON.stringify(value);
}

/** @throws ZodError or SyntaxError when `line` is no evidence */
export const toSession = (line: string): { id: string; session: SessionRecord<StoredFrame> } =>
  EVIDENCE_LINE.parse(JSON.parse(line));

/** @throws TypeError for an outcome that could not be read back: a bug of the caller */
export function assertOutcome(outcome: Outcome): void {
  const { error } = OUTCOME.safeParse(outcome);
  if (error) throw new TypeError(`ledger entry: ${z.prettifyError(error)}`);
}

/** What JSON.parse would give back, so that it can be checked before it is a string. */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Map) return [...value].map(toJson);
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex');
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toJson(each)]));
}

function toStored(session: SessionRecord): SessionRecord<StoredFrame> {
  return { ...session, frames: session.frames.map(toStoredFrame) };
}

const toStoredFrame = (frame: SessionFrame): StoredFrame =>
  frame.kind === 'opening'
    ? { ...frame, body: { bytes: frame.body.length, digest: sha256(frame.body) } }
    : frame;

/** Buffer's decoder stops at the first character that is no digit, so a length that fits is a check of all of them. */
const bytes = (length?: number) =>
  z.string().transform((text, context): Uint8Array => {
    const value = Buffer.from(text, 'hex');
    if (value.length * 2 !== text.length || (length !== undefined && value.length !== length))
      context.addIssue(`expected ${length ?? 'whole'} bytes in hexadecimal digits`);
    return new Uint8Array(value);
  });
const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * length}}$`));
const count = z.int().min(0);
const ms = z.number().optional();
const hotkey = z.string().transform(toHotkey);

/** Older ledgers name amounts that are not credited any more. */
const knownCredit = (credit: Readonly<Record<string, number>>): Credit =>
  Object.fromEntries(
    RESOURCES.filter((name) => Object.hasOwn(credit, name)).map((name) => [name, credit[name]]),
  );

export const OUTCOME = z
  .object({
    id: hex(16),
    event: hex(32),
    eventBlock: count,
    epoch: count,
    netuid: count.max(0xffff),
    validator: hotkey,
    miner: hotkey,
    kind: z.string(),
    paramsId: hex(32),
    slot: count,
    verdict: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('accepted') }),
      z.object({ kind: z.literal('rejected'), reason: z.enum(REJECTIONS) }),
      z.object({ kind: z.literal('inconclusive'), cause: z.enum(CAUSES) }),
    ]),
    measuredMs: ms,
    ownDelayMs: z.number(),
    credit: z.record(z.string(), z.number().min(0)).transform(knownCredit),
    share: z.number().min(0),
    simulated: z.boolean().optional(),
    byTurn: z.boolean().optional(),
    at: z.number(),
  })
  .transform(
    (value): Outcome => ({
      ...value,
      measuredMs: value.measuredMs,
      credit: value.credit as Credit, // zod takes an absent key for one that is undefined
    }),
  );

export const EVENT = z.object({
  type: z.enum(['event-started', 'event-completed']),
  event: hex(32),
  epoch: count,
  block: count,
  basis: bytes(32),
  beacon: bytes(32).optional(),
  ourTurn: z.boolean().optional(),
  sample: z.object({ seed: hex(32), share: count.max(1_000_000) }).optional(),
  liveness: z.boolean().optional(),
});

export const WEIGHTS = z.object({
  type: z.literal('weights'),
  epoch: count,
  block: count,
  row: z.array(z.tuple([count.max(0xffff), count.max(0xffff)])),
});

const coldkey = z.string().transform((text): Coldkey => toColdkey(text));
const rao = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform((digits) => BigInt(digits))
  .optional();
const mapOf = <T>(value: z.ZodType<T, unknown>) =>
  z
    .array(z.tuple([hotkey, value]))
    .transform((pairs): ReadonlyMap<Hotkey, T> => new Map(pairs as [Hotkey, T][])); // a tuple of what both gave;
const NEURONS = mapOf(
  z.object({
    coldkey,
    registeredEpoch: z.int().optional(),
    stakeRao: rao,
    collateralRao: rao,
  }),
);
const FACTS = z.object({
  neurons: NEURONS,
  owner: hotkey,
  rollouts: mapOf(z.number()).optional(),
  usage: mapOf(
    z.array(z.tuple([count, z.number()])).transform((pairs) => new Map<number, number>(pairs)),
  ).optional(),
});

const ROW = z.array(z.tuple([hotkey, count.max(0xffff)]));

const SCORED = z.object({
  type: z.literal('scored'),
  epoch: count,
  block: count,
  policy: hex(32),
  facts: FACTS,
  row: ROW,
  heldUntil: count.optional(),
});

const BREAKER = z.object({
  type: z.literal('breaker'),
  is: z.enum(['tripped', 'held', 'released', 'accepted', 'expired']),
  epoch: count,
  block: count,
  since: count,
  row: ROW.optional(),
  neurons: NEURONS.optional(),
  limits: z
    .object({ share: count.max(1_000_000), owners: count, holdEpochs: count, restEpochs: count })
    .optional(),
});

const DECLARED = z.object({
  type: z.literal('declared'),
  epoch: count,
  block: count,
  miner: hotkey,
  serial: count,
  workers: z.array(z.string()),
  declaredFrom: count,
  from: count,
  until: count,
  statement: bytes(),
});

const SEGMENT = z.object({
  type: z.literal('segment'),
  version: z.literal(READ_VERSIONS),
  epoch: count,
  genesis: bytes(32),
  netuid: count.max(0xffff),
  hotkey,
  link: bytes(32),
  records: count,
});

const CLOSED = z.object({
  type: z.literal('closed'),
  epoch: count,
  link: bytes(32),
  records: count,
  signature: bytes(64),
});

const PLAIN = z.discriminatedUnion('type', [
  EVENT,
  WEIGHTS,
  SCORED,
  BREAKER,
  DECLARED,
  SEGMENT,
  CLOSED,
  z.object({ type: z.literal('moved'), epoch: count, token: hex(16) }),
  z.object({ type: z.literal('continued'), epoch: count, token: hex(16).optional() }),
]);

const FRAME = z.object({
  from: z.enum(['validator', 'miner']),
  kind: z.enum(FRAME_KINDS),
  header: bytes(),
  signature: bytes(),
  body: z.union([bytes(), z.object({ bytes: count, digest: bytes(32) })]),
});

export const SESSION = z.object({
  basis: bytes(32),
  beacon: bytes(32).optional(),
  worker: z.string(),
  nonce: bytes(16),
  salt: bytes(16),
  maxNonces: count.optional(),
  seed: bytes(32).optional(),
  goAtMs: ms,
  commits: z.array(
    z.object({
      atMs: z.number(),
      measuredMs: z.number(),
      ownDelayMs: z.number(),
      nonces: z.array(bytes(16)),
      digest: bytes(32),
    }),
  ),
  pass: z.object({ nonce: bytes(16), salt: bytes(16), beacon: bytes(32).optional(), atMs: ms }).optional(),
  openAtMs: ms,
  openingAtMs: ms,
  digests: z.object({
    request: bytes(32).optional(),
    opening: bytes(32).optional(),
  }),
  certificates: z.object({ validator: bytes().optional(), miner: bytes().optional() }),
  refused: z.string().optional(),
  sight: z
    .object({
      ip: z.string(),
      port: count.max(0xffff),
      answered: z.boolean(),
      calledFrom: z.string().optional(),
      mustCall: z.boolean(),
    })
    .optional(),
  declared: bytes().optional(),
  frames: z.array(FRAME),
});

const EVIDENCE_LINE = z.object({ id: hex(16), session: SESSION });
