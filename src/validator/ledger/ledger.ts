// Owns: what a validator remembers: events, outcomes with their evidence, weights. Does not own: what follows from it
// (scoring), judging again (replay.ts).
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex, utf8 } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import type { Clock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import type { Log } from '../../model/log.js';
import type { Outcome } from '../../model/outcome.js';
import type { Random } from '../../model/prng.js';
import {
  type EventEntry,
  type IndexedEntry,
  JOURNAL_HEADER,
  type LedgerEntry,
  type OutcomeEntry,
  type StoredFrame,
  toIndexed,
  toLine,
  toOutcomeEntry,
  type WeightsEntry,
} from './entries.js';
import { lockFolder, syncFolder } from './folder.js';
import { type LinePlace, openJournal, openJournalReader, readLines } from './journal.js';
import { type OpeningFacts, type OpeningsReader, openOpenings, openOpeningsReader } from './openings.js';

export interface LedgerOptions {
  readonly dir: string;
  readonly log: Log;
}

export interface WritableLedgerOptions extends LedgerOptions {
  readonly clock: Clock;
  /** draws which accepted openings are kept */
  readonly random: Random;
  /** @default 20 GiB */
  readonly openingBytesBudget?: number;
  /** share of accepted openings that is kept, drawn after the verdict. @default 0.05 */
  readonly keepAccepted?: number;
}

export interface LedgerReader {
  /** In journal order, each session once. */
  outcomes(filter: { fromEpoch: number }): readonly Outcome[];
  /** Events whose outcomes are all in the journal, in journal order. */
  completedEvents(filter: { fromEpoch: number }): readonly EventEntry[];
  /** Events that this validator began, completed or not, in journal order: what is missing above is our own doing. */
  startedEvents(filter: { fromEpoch: number }): readonly EventEntry[];
  /** The row that was set last; undefined when none was. */
  lastWeights(): WeightsEntry | undefined;
  /** @throws AssayError `invalid-input` when no outcome's id starts with `prefix`, or several do */
  find(prefix: string): Promise<OutcomeEntry<StoredFrame>>;
  /**
   * The bodies of the Opening frames, joined; empty for a session that never came to an opening.
   * @throws AssayError `evidence-expired` when the bytes are not, or no longer, kept; `invalid-input` as `find`
   */
  readOpening(prefix: string): Promise<Uint8Array>;
  /** @throws AssayError `corrupt` when the folder has no such set or its file is not what `paramsId` addresses */
  readParams(paramsId: string): Promise<unknown>;
  close(): Promise<void>;
}

/** The append-only memory of one validator on one subnet. One process may have it open. */
export interface Ledger extends LedgerReader {
  /**
   * On disk when it resolves; in the journal in the order of the calls. A second outcome of the same id is dropped.
   * @throws TypeError for an entry that could not be read back
   */
  append(entry: LedgerEntry): Promise<void>;
  /** Keeps a parameter set beside the outcomes, once. @throws TypeError when `params` is not what `paramsId` addresses */
  saveParams(paramsId: string, params: object): Promise<void>;
}

const JOURNAL = 'journal.jsonl';
const OPENINGS = 'openings';
const PARAMS = 'params';
const GIB = 2 ** 30;

/**
 * Opens or begins the ledger in `dir`; takes the folder for this process.
 * @throws AssayError `corrupt` naming the line that does not parse; `invalid-input` when another process has the folder
 */
export async function openLedger(options: WritableLedgerOptions): Promise<Ledger> {
  const { dir, clock, random, log, openingBytesBudget = 20 * GIB, keepAccepted = 0.05 } = options;
  if (!(keepAccepted >= 0 && keepAccepted <= 1))
    throw new RangeError(`keepAccepted: expected 0..1, got ${keepAccepted}`);
  await mkdir(join(dir, PARAMS), { recursive: true });
  const unlock = await lockFolder(dir);
  try {
    const path = join(dir, JOURNAL);
    const index = createIndex();
    const { complete, torn } = await load(path, index);
    if (torn > 0) log.warn('journal: a last entry cut short by a crash was dropped', { path, bytes: torn });
    const journal = await openJournal(path, complete);
    if (complete === 0) {
      await journal.append(JOURNAL_HEADER);
      await syncFolder(dir);
    }
    const openings = await openOpenings({ log }, join(dir, OPENINGS), openingBytesBudget, index.judged());
    /** ids whose line is being written: those of one event are appended side by side */
    const appending = new Set<string>();
    const saving = new Map<string, Promise<void>>();
    /** A verdict is worth more than its evidence: it is recorded when the disk has no room for both. */
    const putOrWarn = (of: OpeningFacts, pieces: readonly Uint8Array[]): Promise<void> =>
      openings.put(of, pieces).catch((error: unknown) => {
        log.error('opening not kept', { outcome: of.id, error });
      });
    return {
      ...createReader(dir, index, journal.read, openings),
      async append(entry) {
        const line = toLine(entry, clock.now());
        if (entry.type !== 'outcome') {
          await journal.append(line);
          return index.add(entry);
        }
        const { outcome, session } = entry;
        if (index.outcomes.has(outcome.id) || appending.has(outcome.id)) {
          // or a crash between two tries would let one of them be chosen
          log.warn('outcome not recorded: the first verdict of a session stands', { outcome: outcome.id });
          return;
        }
        const pieces = session.frames.filter(({ kind }) => kind === 'opening').map(({ body }) => body);
        const keep =
          pieces.length > 0 && (outcome.verdict.kind === 'rejected' || isDrawn(random, keepAccepted));
        appending.add(outcome.id);
        try {
          // the file first: what a crash leaves is a file without an outcome, never a rejection without its opening
          const kept = keep ? putOrWarn(outcome, pieces) : undefined;
          index.add(entry, await journal.append(line, kept));
        } finally {
          appending.delete(outcome.id);
        }
      },
      saveParams(paramsId, params) {
        const known = saving.get(paramsId);
        if (known) return known;
        const saved = saveParams(dir, paramsId, params);
        saving.set(paramsId, saved);
        saved.catch(() => saving.delete(paramsId));
        return saved;
      },
      async close() {
        await journal.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/**
 * Reads a ledger as it is now, also one that a validator is writing; changes nothing.
 * @throws AssayError `corrupt` naming the line that does not parse; `invalid-input` when there is no ledger
 */
export async function openLedgerReader({ dir, log }: LedgerOptions): Promise<LedgerReader> {
  const path = join(dir, JOURNAL);
  const index = createIndex();
  const { complete, torn } = await load(path, index);
  if (complete === 0)
    throw new AssayError('invalid-input', `no ledger in ${dir}`, {
      what: 'ledger folder',
      expected: `a folder with ${JOURNAL}`,
      got: dir,
    });
  if (torn > 0) log.debug('journal: its last entry is still being written', { path, bytes: torn });
  const journal = await openJournalReader(path);
  const reader = createReader(dir, index, journal.read, openOpeningsReader(join(dir, OPENINGS)));
  return { ...reader, close: () => journal.close() };
}

interface Index {
  readonly outcomes: Map<string, { readonly outcome: Outcome; readonly place: LinePlace }>;
  readonly started: Map<string, EventEntry>;
  readonly completed: Map<string, EventEntry>;
  weights: WeightsEntry | undefined;
  add(entry: IndexedEntry, place?: LinePlace): void;
  /** oldest first */
  judged(): readonly Outcome[];
}

/** Evidence stays on disk; what scoring asks for is kept in memory. */
function createIndex(): Index {
  const index: Index = {
    outcomes: new Map(),
    started: new Map(),
    completed: new Map(),
    weights: undefined,
    add(entry, place) {
      if (entry.type === 'weights') index.weights = entry;
      else if (entry.type === 'event-started') index.started.set(entry.event, entry);
      else if (entry.type === 'event-completed') index.completed.set(entry.event, entry);
      else if (entry.type === 'outcome' && place && !index.outcomes.has(entry.outcome.id))
        index.outcomes.set(entry.outcome.id, { outcome: entry.outcome, place });
    },
    judged: () => [...index.outcomes.values()].map(({ outcome }) => outcome),
  };
  return index;
}

async function load(path: string, index: Index): Promise<{ complete: number; torn: number }> {
  if (!(await exists(path))) return { complete: 0, torn: 0 };
  return readLines(path, (line, place, number) => {
    try {
      if (number > 1) index.add(toIndexed(line), place);
      else if (line !== JOURNAL_HEADER) throw new SyntaxError(`expected ${JOURNAL_HEADER}`);
    } catch (cause) {
      const why = number > 1 ? 'not an entry of a ledger' : 'not a journal of this version';
      throw new AssayError('corrupt', `${path}:${number}: ${why}`, { path, line: number, why }, { cause });
    }
  });
}

function createReader(
  dir: string,
  index: Index,
  readLine: (place: LinePlace) => Promise<string>,
  openings: OpeningsReader,
): Omit<LedgerReader, 'close'> {
  function locate(prefix: string): { readonly id: string; readonly place: LinePlace } {
    const exact = index.outcomes.get(prefix);
    const ids = exact ? [prefix] : [...index.outcomes.keys()].filter((id) => id.startsWith(prefix));
    if (ids.length !== 1 || prefix === '')
      throw new AssayError('invalid-input', `outcome ${prefix}: ${ids.length} match`, {
        what: 'outcome',
        expected: 'the id of one outcome, or the beginning of no other',
        got: `${prefix}, which ${ids.length} match`,
      });
    return { id: ids[0]!, place: index.outcomes.get(ids[0]!)!.place };
  }

  async function read(place: LinePlace): Promise<OutcomeEntry<StoredFrame>> {
    const line = await readLine(place);
    try {
      return toOutcomeEntry(line);
    } catch (cause) {
      const path = join(dir, JOURNAL);
      const why = `not an outcome at byte ${place.offset}`;
      throw new AssayError('corrupt', `${path}: ${why}`, { path, why }, { cause });
    }
  }

  return {
    outcomes: ({ fromEpoch }) => index.judged().filter(({ epoch }) => epoch >= fromEpoch),
    completedEvents: ({ fromEpoch }) =>
      [...index.completed.values()].filter(({ epoch }) => epoch >= fromEpoch),
    startedEvents: ({ fromEpoch }) => [...index.started.values()].filter(({ epoch }) => epoch >= fromEpoch),
    lastWeights: () => index.weights,
    find: async (prefix) => read(locate(prefix).place),
    async readOpening(prefix) {
      const { id, place } = locate(prefix);
      const { session } = await read(place);
      const hadOpening = session.frames.some(({ kind }) => kind === 'opening');
      return hadOpening ? openings.read(id) : new Uint8Array();
    },
    readParams: (paramsId) => readParams(dir, paramsId),
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

const isDrawn = (random: Random, share: number): boolean => random.below(2 ** 32) < share * 2 ** 32;

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
