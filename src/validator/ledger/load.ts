// Owns: reading a folder's segments into what a ledger holds in memory. Does not own: one segment (segment.ts), writing.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { equals } from '../../model/bytes.js';
import { errnoOf, foundInstead, invalid } from '../../model/invalid-input.js';
import type { Outcome } from '../../model/outcome.js';
import type { EvidenceRef } from './codec.js';
import { type Compacted, readCompacted } from './compacted.js';
import type {
  BreakerEntry,
  DeclaredEntry,
  EventEntry,
  PlainEntry,
  ScoredEntry,
  SegmentEntry,
  WeightsEntry,
} from './entries.js';
import { assertEvidence, countEvidence, noPiles, type PileSizes } from './evidence.js';
import { FIRST_LINK } from './frames.js';
import type { OpeningFacts } from './openings.js';
import { corruptAt, headOf, readSegment, type SegmentEnd, type SegmentVisitor } from './segment.js';
import { assertOwner, type LedgerOwner, type SignedHead, signedHead } from './signed.js';

export const SEGMENTS = 'segments';
/** Segments whose outcomes are held in memory: what events under way may still be late with. */
const IN_MEMORY = 2;

/** What is told of a ledger's entries, in their order. A scoring state is one. */
export interface LedgerFold {
  started?(event: EventEntry): void;
  completed?(event: EventEntry): void;
  outcome?(outcome: Outcome): void;
  weights?(entry: WeightsEntry): void;
  scored?(entry: ScoredEntry): void;
  breaker?(entry: BreakerEntry): void;
  declared?(entry: DeclaredEntry): void;
}

/** Of segments: an entry is in the one of its own epoch, or in the next one where it was late. */
export interface EpochRange {
  /** @default all that is there */
  readonly fromEpoch?: number | undefined;
  readonly toEpoch?: number | undefined;
}

/** A segment's entries in memory. */
export interface Bucket {
  readonly segment: number;
  readonly outcomes: Map<string, { readonly outcome: Outcome; readonly evidence: EvidenceRef }>;
  readonly events: EventEntry[];
}

export interface Index {
  /** epochs of the segments that are there, oldest first */
  readonly segments: number[];
  /** the newest of them, at most IN_MEMORY */
  readonly buckets: Bucket[];
  weights: WeightsEntry | undefined;
  /** of epochs that are gone */
  compacted: Compacted | undefined;
  movedTo: string | undefined;
  /** of all epochs that are closed, oldest first */
  readonly heads: SignedHead[];
  /** of the newest segment as it was when the ledger was opened */
  readonly last: SegmentEnd | undefined;
  readonly lastSizes: PileSizes;
  /** outcomes whose openings are kept, oldest first */
  readonly withOpenings: readonly OpeningFacts[];
  has(id: string): boolean;
  begin(segment: number): Bucket;
}

const segmentName = (epoch: number): string => `${`${epoch}`.padStart(10, '0')}.seg`;
export const segmentPath = (dir: string, epoch: number): string => join(dir, SEGMENTS, segmentName(epoch));

export const newBucket = (segment: number): Bucket => ({ segment, outcomes: new Map(), events: [] });

export function fill(bucket: Bucket, sizes?: PileSizes): SegmentVisitor {
  return {
    outcome(at) {
      const [outcome, evidence] = [at.outcome(), at.evidence()];
      if (sizes) countEvidence(sizes, outcome, evidence);
      if (!bucket.outcomes.has(outcome.id)) bucket.outcomes.set(outcome.id, { outcome, evidence });
    },
    entry(entry) {
      if (entry.type === 'event-started' || entry.type === 'event-completed') bucket.events.push(entry);
    },
  };
}

export interface LoadOptions {
  /** whose it must be; without one it must be the same in all files */
  readonly owner?: LedgerOwner | undefined;
  /** names of the files that are kept */
  readonly openings?: ReadonlySet<string> | undefined;
  /** Epochs before the first may be elsewhere. @default a ledger begins at its beginning, or behind what is compacted */
  readonly isPart?: boolean | undefined;
}

/** @throws AssayError `corrupt` naming file and record, `invalid-input` where it is another's */
export async function load(
  dir: string,
  { owner, openings = new Set(), isPart = false }: LoadOptions = {},
): Promise<Index> {
  const compacted = await readCompacted(dir);
  const segments = (await segmentsOf(dir)).filter((epoch) => !compacted || epoch > compacted.head.epoch);
  const withOpenings: OpeningFacts[] = [];
  const buckets: Bucket[] = [];
  const heads: SignedHead[] = [...(compacted?.heads ?? [])];
  const index = {
    segments,
    buckets,
    weights: undefined as WeightsEntry | undefined,
    compacted,
    movedTo: undefined as string | undefined,
    heads,
    last: undefined as SegmentEnd | undefined,
    lastSizes: noPiles(),
    withOpenings,
    has: (id: string) => buckets.some(({ outcomes }) => outcomes.has(id)),
    begin(segment: number): Bucket {
      const bucket = newBucket(segment);
      buckets.push(bucket);
      if (buckets.length > IN_MEMORY) buckets.shift();
      return bucket;
    },
  };
  for (const [i, epoch] of [...segments].entries()) {
    const path = segmentPath(dir, epoch);
    const isLast = i === segments.length - 1;
    const sizes = noPiles();
    const bucket = segments.length - i <= IN_MEMORY ? index.begin(epoch) : undefined;
    const inMemory = bucket && fill(bucket, sizes);
    const end = await drain(
      readSegment(
        path,
        { isLast },
        {
          outcome(at) {
            if (openings.has(`${at.id}.bin`)) withOpenings.push(at.outcome());
            inMemory?.outcome?.(at);
          },
          entry(entry) {
            if (entry.type === 'segment') {
              if (entry.epoch !== epoch) throw corruptAt(path, 1, `it is of epoch ${entry.epoch}`);
              const before = index.last ? { owner: index.last.owner, head: headOf(index.last) } : compacted;
              goesOn(path, entry, before, { owner, isPart });
            }
            if (entry.type === 'weights') index.weights = entry;
            if (entry.type === 'moved') index.movedTo = entry.token;
            if (entry.type === 'continued') index.movedTo = undefined;
            if (entry.type === 'closed') heads.push(signedHead(entry));
            inMemory?.entry?.(entry);
          },
        },
      ),
    );
    if (!end) {
      // a crash while the file was begun: nothing of it was acknowledged
      segments.pop();
      buckets.pop();
      break;
    }
    if (!isLast && bucket) await assertEvidence(dir, epoch, sizes);
    Object.assign(index, { last: end, lastSizes: sizes });
  }
  return index;
}

/** @throws AssayError when a segment is not what comes after the one before it */
export function goesOn(
  path: string,
  header: SegmentEntry,
  before: Pick<Compacted, 'owner' | 'head'> | undefined,
  { owner, isPart }: LoadOptions,
): void {
  const whose = owner ?? before?.owner;
  if (whose) assertOwner(path, whose, header);
  if (!before && isPart) return;
  const from = before?.head ?? { records: 0, link: FIRST_LINK };
  if (header.records !== from.records || !equals(header.link, from.link))
    throw corruptAt(path, 1, 'it does not go on from the file before it');
}

export async function segmentsOf(dir: string): Promise<number[]> {
  const names = await readdir(join(dir, SEGMENTS)).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    // what may not be looked at is not empty
    throw invalid(`ledger ${dir}`, 'a folder that this user may read', foundInstead(error), error);
  });
  return names
    .filter((name) => /^\d{10}\.seg$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b);
}

/** A frame takes milliseconds: whoever else is on this thread has a turn after each. */
export async function drain<T>(steps: Generator<void, T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    signal?.throwIfAborted();
    await setImmediate();
  }
}

export function toVisitor(into: LedgerFold): SegmentVisitor {
  return {
    outcome(at) {
      into.outcome?.(at.outcome());
    },
    entry: (entry) => tellEntry(into, entry),
  };
}

export function tellEntry(into: LedgerFold, entry: PlainEntry): void {
  if (entry.type === 'event-started') into.started?.(entry);
  else if (entry.type === 'event-completed') into.completed?.(entry);
  else if (entry.type === 'weights') into.weights?.(entry);
  else if (entry.type === 'scored') into.scored?.(entry);
  else if (entry.type === 'breaker') into.breaker?.(entry);
  else if (entry.type === 'declared') into.declared?.(entry);
}
