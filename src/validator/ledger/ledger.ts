// Owns: what a validator remembers: events, outcomes with their evidence, weights, pay. Does not own: what follows from it
// (scoring), judging again (replay.ts), one file (segment.ts).
import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex, utf8 } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import type { Log } from '../../model/log.js';
import type { Outcome } from '../../model/outcome.js';
import type { Random } from '../../model/prng.js';
import { IMPORTING, READ_ONLY } from './bundle.js';
import type { EvidenceRef } from './codec.js';
import { type Compacted, readCompacted } from './compacted.js';
import {
  assertOutcome,
  type EventEntry,
  type LedgerEntry,
  type OutcomeEntry,
  type StoredFrame,
  toPlainJson,
  toSessionLine,
  type WeightsEntry,
} from './entries.js';
import { evidencePath, readEvidence } from './evidence.js';
import { lockFolder, syncFolder } from './folder.js';
import {
  type Bucket,
  drain,
  type EpochRange,
  fill,
  type Index,
  type LedgerFold,
  load,
  newBucket,
  SEGMENTS,
  segmentPath,
  toVisitor,
} from './load.js';
import { takeOver } from './older.js';
import { type OpeningFacts, type OpeningsReader, openOpenings, openOpeningsReader } from './openings.js';
import {
  type CompactInput,
  compact,
  type EvidenceLimits,
  expireEvidence,
  removeCompacted,
} from './retention.js';
import { headOf, readSegment } from './segment.js';
import { type LedgerHead, type LedgerOwner, type LedgerWriter, ownerOf, type SignedHead } from './signed.js';
import { openWriting } from './writing.js';

export interface LedgerOptions {
  readonly dir: string;
  readonly log: Log;
}

export interface WritableLedgerOptions extends LedgerOptions, LedgerWriter {
  /** draws which accepted openings are kept */
  readonly random: Random;
  /** @default 20 GiB */
  readonly openingBytesBudget?: number;
  /** share of accepted openings that is kept, drawn after the verdict. @default 0.05 */
  readonly keepAccepted?: number;
}

export interface LedgerReader {
  /** undefined while nothing was appended */
  readonly owner: LedgerOwner | undefined;
  /** Where it stands. */
  head(): LedgerHead | undefined;
  /**
   * In memory for the newest epochs, from disk for others: whoever wants many reads them by `fold`.
   * @returns in the order in which they were appended, each session once
   */
  outcomes(filter: { fromEpoch: number }): readonly Outcome[];
  /** Events whose outcomes are all here, in that order. */
  completedEvents(filter: { fromEpoch: number }): readonly EventEntry[];
  /** Events that this validator began, completed or not: what is missing above is our own doing. */
  startedEvents(filter: { fromEpoch: number }): readonly EventEntry[];
  /** All entries of these segments from disk, checked on the way; holds no more than one frame in memory. */
  fold(into: LedgerFold, range?: EpochRange, signal?: AbortSignal): Promise<void>;
  /** Epochs that have a file of their own, oldest first. */
  segments(): readonly number[];
  /** Of all epochs that are closed, oldest first: two of one epoch and hotkey that differ are two ledgers. */
  heads(): readonly SignedHead[];
  /** What is left of epochs whose outcomes are gone: a state goes on from it. */
  compacted(): Compacted | undefined;
  /** The row that was set last; undefined when none was. */
  lastWeights(): WeightsEntry | undefined;
  /**
   * @throws AssayError `invalid-input` when no outcome's id starts with `prefix`, or several do; `evidence-expired` when its
   * session is kept no longer
   */
  find(prefix: string): Promise<OutcomeEntry<StoredFrame>>;
  /**
   * The bodies of the Opening frames, joined; empty for a session that never came to an opening.
   * @throws AssayError `evidence-expired` when the bytes are not, or no longer, kept; `invalid-input` as `find`
   */
  readOpening(prefix: string): Promise<Uint8Array>;
  /** @throws AssayError `corrupt` when the folder has no such set or its file is not what `paramsId` addresses */
  readParams(paramsId: string): Promise<unknown>;
  /** What `find` and `readOpening` say of the outcomes of one segment, which is read once: of many, the way to judge them again. */
  inSegment(segment: number): Promise<Pick<LedgerReader, 'find' | 'readOpening' | 'readParams'>>;
  close(): Promise<void>;
}

/** The append-only memory of one validator on one subnet. One process may have it open. */
export interface Ledger extends LedgerReader {
  /**
   * On disk when it resolves; in the ledger in the order of the calls. A second outcome of the same id is dropped and counted.
   * @throws TypeError for an entry that could not be read back, or is of another validator or subnet
   */
  append(entry: LedgerEntry): Promise<void>;
  /** Outcomes that came a second time since it was opened. */
  doubled(): number;
  /** Keeps a parameter set or a policy beside the outcomes, once. @throws TypeError when `params` is not what `paramsId` addresses */
  saveParams(paramsId: string, params: object): Promise<void>;
  /** Sessions that are kept no longer. @returns bytes that went */
  expire(limits: EvidenceLimits): Promise<number>;
  /**
   * Older outcomes into a state; their signed heads stay. @returns epochs that went
   * @throws AssayError `unsupported` where what is left of older ones is under another policy
   */
  compact(input: CompactInput): Promise<readonly number[]>;
  /** Ends this ledger here: it goes on where an export of it is imported. @returns what that one will name */
  move(): Promise<string>;
}

const OPENINGS = 'openings';
const PARAMS = 'params';
const GIB = 2 ** 30;

/**
 * Opens or begins the ledger in `dir`; takes the folder for this process. All links and signatures are checked.
 * @throws AssayError `corrupt` naming file and record; `invalid-input` when another process has the folder, when it is the
 * ledger of another chain, subnet or validator, and when it was handed over
 */
export async function openLedger(options: WritableLedgerOptions): Promise<Ledger> {
  const { dir, random, log, openingBytesBudget = 20 * GIB, keepAccepted = 0.05 } = options;
  if (!(keepAccepted >= 0 && keepAccepted <= 1))
    throw new RangeError(`keepAccepted: expected 0..1, got ${keepAccepted}`);
  const owner = ownerOf(options);
  await mkdir(join(dir, PARAMS), { recursive: true });
  const unlock = await lockFolder(dir);
  try {
    await takeOver({ log, writer: options }, dir);
    if (await exists(join(dir, IMPORTING)))
      throw new AssayError('invalid-input', `${dir}: an import was cut short`, {
        what: 'ledger folder',
        expected: 'a ledger, or none',
        got: 'what an import that was cut short left: import it again',
      });
    if (await exists(join(dir, READ_ONLY)))
      throw new AssayError('invalid-input', `${dir}: this ledger was imported to be read`, {
        what: 'ledger folder',
        expected: 'a ledger that goes on here',
        got: 'one that was imported to be read: its validator may be going on with it',
      });
    const index = await load(dir, { owner, openings: await namesIn(join(dir, OPENINGS)) });
    if (index.movedTo !== undefined)
      throw new AssayError('invalid-input', `${dir}: this ledger was handed over and goes on elsewhere`, {
        what: 'ledger folder',
        expected: 'a ledger that goes on here',
        got: `one that was handed over as ${index.movedTo}`,
      });
    const last = index.last;
    if (last && last.torn > 0)
      log.warn('ledger: a last entry cut short by a crash was dropped', {
        path: segmentPath(dir, last.header.epoch),
        bytes: last.torn,
      });
    const openings = await openOpenings({ log }, join(dir, OPENINGS), openingBytesBudget, index.withOpenings);
    const writing = await openWriting(dir, options, index);
    /** ids whose record is being written: those of one event are appended side by side */
    const appending = new Set<string>();
    const saving = new Map<string, Promise<void>>();
    let doubled = 0;
    /** A verdict is worth more than its evidence: it is recorded when the disk has no room for both. */
    const putOrWarn = (of: OpeningFacts, pieces: readonly Uint8Array[]): Promise<void> =>
      openings.put(of, pieces).catch((error: unknown) => {
        log.error('opening not kept', { outcome: of.id, error });
      });

    async function appendOutcome({ outcome, session }: OutcomeEntry): Promise<void> {
      assertOutcome(outcome);
      if (outcome.validator !== owner.hotkey || outcome.netuid !== owner.netuid)
        throw new TypeError(`outcome ${outcome.id}: of another validator or subnet`);
      const line = toSessionLine(outcome.id, session);
      if (index.has(outcome.id) || appending.has(outcome.id)) {
        // or a crash between two tries would let one of them be chosen
        doubled++;
        log.warn('outcome not recorded: the first verdict of a session stands', { outcome: outcome.id });
        return;
      }
      const pieces = session.frames.filter(({ kind }) => kind === 'opening').map(({ body }) => body);
      const keep =
        pieces.length > 0 && (outcome.verdict.kind === 'rejected' || isDrawn(random, keepAccepted));
      appending.add(outcome.id);
      try {
        // the files first: what a crash leaves is a file without an outcome, never a rejection without its evidence
        const kept = keep ? putOrWarn(outcome, pieces) : undefined;
        await writing.outcome(outcome, line, kept);
      } finally {
        appending.delete(outcome.id);
      }
    }

    /** under way */
    const reads = new Set<Promise<unknown>>();
    return {
      ...createReader(dir, index, openings, reads),
      owner,
      head: writing.head,
      doubled: () => doubled,
      append: async (entry) => {
        if (entry.type === 'outcome') return appendOutcome(entry);
        toPlainJson(entry); // refused before it waits for anything
        await writing.entry(entry);
      },
      saveParams(paramsId, params) {
        const known = saving.get(paramsId);
        if (known) return known;
        const saved = saveParams(dir, paramsId, params);
        saving.set(paramsId, saved);
        saved.catch(() => saving.delete(paramsId));
        return saved;
      },
      expire: (limits) => expireEvidence(dir, limits),
      async compact(input) {
        const gone = await compact({ dir, writer: options }, input);
        const last = gone.at(-1);
        if (last === undefined) return gone;
        const left = await readCompacted(dir);
        // in one step, for whoever asks for the state and folds what is behind it
        index.compacted = left;
        index.segments.splice(0, gone.length);
        await Promise.allSettled(reads); // they began with the files that go
        await removeCompacted(dir, last);
        return gone;
      },
      async move() {
        const token = toHex(random.bytes(16));
        await writing.end({ type: 'moved', epoch: writing.head()?.epoch ?? 0, token });
        return token;
      },
      async close() {
        await writing.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/**
 * Reads a ledger as it is now, also one that a validator is writing; changes nothing. All links and signatures are checked.
 * @throws AssayError `corrupt` naming file and record; `invalid-input` when there is no ledger, or one of another version
 */
export async function openLedgerReader({ dir, log }: LedgerOptions): Promise<LedgerReader> {
  const index = await load(dir, { isPart: true });
  if (!index.last) {
    const older = (await exists(join(dir, 'journal.jsonl')))
      ? ', but one of version 2: the validator takes it over when it starts'
      : '';
    throw new AssayError('invalid-input', `no ledger in ${dir}${older}`, {
      what: 'ledger folder',
      expected: `a folder with ${SEGMENTS}`,
      got: dir,
    });
  }
  if (index.last.torn > 0)
    log.debug('ledger: its last entry is still being written', { bytes: index.last.torn });
  const { owner } = index.last;
  const head = headOf(index.last);
  const openings = openOpeningsReader(join(dir, OPENINGS));
  return { ...createReader(dir, index, openings), owner, head: () => head, close: async () => {} };
}

function createReader(
  dir: string,
  index: Index,
  openings: OpeningsReader,
  reads = new Set<Promise<unknown>>(),
): Omit<LedgerReader, 'close' | 'owner' | 'head'> {
  const reading = <T>(work: Promise<T>): Promise<T> => {
    reads.add(work);
    const done = () => void reads.delete(work);
    work.then(done, done);
    return work;
  };

  /** Segments that are not in memory and can have entries of these epochs. */
  const olderFrom = (fromEpoch: number): number[] => {
    const first = index.buckets[0]?.segment ?? Number.POSITIVE_INFINITY;
    return index.segments.filter((epoch) => epoch >= fromEpoch && epoch < first);
  };

  function* bucketsFrom(fromEpoch: number): Generator<Bucket> {
    for (const epoch of olderFrom(fromEpoch)) {
      const bucket = newBucket(epoch);
      for (const _ of readSegment(segmentPath(dir, epoch), { isLast: false }, fill(bucket)));
      yield bucket;
    }
    yield* index.buckets;
  }

  const events = (type: EventEntry['type'], fromEpoch: number): readonly EventEntry[] => {
    const found = new Map<string, EventEntry>();
    for (const bucket of bucketsFrom(fromEpoch))
      for (const event of bucket.events)
        if (event.type === type && event.epoch >= fromEpoch) found.set(event.event, event);
    return [...found.values()];
  };

  interface Located {
    readonly outcome: Outcome;
    readonly evidence: EvidenceRef;
    readonly segment: number;
  }

  async function locate(prefix: string, only?: Bucket): Promise<Located> {
    const found = new Map<string, Located>();
    for (const { segment, outcomes } of only ? [only] : index.buckets) {
      const exact = outcomes.get(prefix);
      if (exact) return { ...exact, segment };
      for (const [id, known] of outcomes) if (id.startsWith(prefix)) found.set(id, { ...known, segment });
    }
    for (const segment of only ? [] : olderFrom(0))
      await drain(
        readSegment(
          segmentPath(dir, segment),
          { isLast: false },
          {
            outcome(at) {
              if (found.size < 2 && at.id.startsWith(prefix))
                found.set(at.id, { outcome: at.outcome(), evidence: at.evidence(), segment });
            },
          },
        ),
      );
    const exact = found.get(prefix);
    if (exact) return exact;
    if (found.size !== 1 || prefix === '')
      throw new AssayError('invalid-input', `outcome ${prefix}: ${found.size} match`, {
        what: 'outcome',
        expected: 'the id of one outcome, or the beginning of no other',
        got: `${prefix}, which ${found.size < 2 ? found.size : 'several'} match`,
      });
    return [...found.values()][0]!;
  }

  async function read({ outcome, evidence, segment }: Located): Promise<OutcomeEntry<StoredFrame>> {
    const path = evidencePath(dir, segment, outcome);
    return { type: 'outcome', outcome, session: await readEvidence(path, outcome.id, evidence) };
  }

  const within = (only?: Bucket): Pick<LedgerReader, 'find' | 'readOpening' | 'readParams'> => ({
    find: async (prefix) => read(await reading(locate(prefix, only))),
    async readOpening(prefix) {
      const located = await reading(locate(prefix, only));
      const { session } = await read(located);
      const hadOpening = session.frames.some(({ kind }) => kind === 'opening');
      return hadOpening ? openings.read(located.outcome.id) : new Uint8Array();
    },
    readParams: (paramsId) => readParams(dir, paramsId),
  });

  return {
    outcomes({ fromEpoch }) {
      const found: Outcome[] = [];
      for (const { outcomes } of bucketsFrom(fromEpoch))
        for (const { outcome } of outcomes.values()) if (outcome.epoch >= fromEpoch) found.push(outcome);
      return found;
    },
    completedEvents: ({ fromEpoch }) => events('event-completed', fromEpoch),
    startedEvents: ({ fromEpoch }) => events('event-started', fromEpoch),
    fold: (into, { fromEpoch = 0, toEpoch = Number.POSITIVE_INFINITY } = {}, signal) => {
      const visitor = toVisitor(into);
      const segments = index.segments.filter((epoch) => epoch >= fromEpoch && epoch <= toEpoch);
      const all = async () => {
        for (const epoch of segments) {
          const isLast = epoch === index.segments.at(-1);
          await drain(readSegment(segmentPath(dir, epoch), { isLast }, visitor), signal);
        }
      };
      return reading(all());
    },
    segments: () => index.segments,
    heads: () => index.heads,
    compacted: () => index.compacted,
    lastWeights: () => index.weights,
    ...within(),
    async inSegment(segment) {
      const bucket = newBucket(segment);
      const isLast = segment === index.segments.at(-1);
      await reading(drain(readSegment(segmentPath(dir, segment), { isLast }, fill(bucket))));
      return within(bucket);
    },
  };
}

async function saveParams(dir: string, paramsId: string, params: object): Promise<void> {
  const path = paramsPath(dir, paramsId);
  if (await exists(path)) return;
  const json = canonicalJson(params);
  if (toHex(sha256(utf8(json))) !== paramsId) throw new TypeError(`params: not what ${paramsId} addresses`);
  await writeFile(`${path}.tmp`, json, { mode: 0o600, flush: true });
  await rename(`${path}.tmp`, path);
  await syncFolder(join(dir, PARAMS));
}

async function readParams(dir: string, paramsId: string): Promise<unknown> {
  const path = paramsPath(dir, paramsId);
  const corrupt = (why: string, cause?: unknown) =>
    new AssayError('corrupt', `${path}: ${why}`, { path, why }, { cause });
  const json = await readFile(path).catch((cause: unknown) => {
    throw corrupt('the parameter set is not there', cause);
  });
  if (toHex(sha256(json)) !== paramsId) throw corrupt('not the set that its name addresses');
  return JSON.parse(json.toString('utf8'));
}

const paramsPath = (dir: string, paramsId: string): string => join(dir, PARAMS, `${paramsId}.json`);

const namesIn = async (folder: string): Promise<ReadonlySet<string>> =>
  new Set(await readdir(folder).catch(() => []));

const isDrawn = (random: Random, share: number): boolean => random.below(2 ** 32) < share * 2 ** 32;

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
