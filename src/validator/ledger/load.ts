// Owns: reading a folder's segments into what a ledger holds in memory. Does not own: one segment (segment.ts), writing.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { equals } from '../../model/bytes.js';
import type { Outcome } from '../../model/outcome.js';
import type { EvidenceRef } from './codec.js';
import type { EventEntry, SegmentEntry, WeightsEntry } from './entries.js';
import { assertEvidence, countEvidence, noPiles, type PileSizes } from './evidence.js';
import { FIRST_LINK } from './frames.js';
import type { OpeningFacts } from './openings.js';
import { corruptAt, headOf, readSegment, type SegmentEnd, type SegmentVisitor } from './segment.js';
import { assertOwner, type LedgerOwner } from './signed.js';

export const SEGMENTS = 'segments';
/** Segments whose outcomes are held in memory: what events under way may still be late with. */
const IN_MEMORY = 2;

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
  movedTo: string | undefined;
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

/**
 * @param owner whose it must be; without one it must be the same in all files
 * @param openings names of the files that are kept
 */
export async function load(
  dir: string,
  { owner, openings = new Set() }: { owner?: LedgerOwner; openings?: ReadonlySet<string> },
): Promise<Index> {
  const segments = await segmentsOf(dir);
  const withOpenings: OpeningFacts[] = [];
  const buckets: Bucket[] = [];
  const index = {
    segments,
    buckets,
    weights: undefined as WeightsEntry | undefined,
    movedTo: undefined as string | undefined,
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
            if (entry.type === 'segment') goesOn(path, entry, index.last, owner);
            if (entry.type === 'weights') index.weights = entry;
            if (entry.type === 'moved') index.movedTo = entry.token;
            if (entry.type === 'continued') index.movedTo = undefined;
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
function goesOn(
  path: string,
  header: SegmentEntry,
  before: SegmentEnd | undefined,
  owner: LedgerOwner | undefined,
): void {
  if (owner ?? before) assertOwner(path, owner ?? before!.owner, header);
  const from = before ? headOf(before) : { records: 0, link: FIRST_LINK };
  if (!before && header.records > 0) return; // a part of a ledger: what was before is elsewhere
  if (header.records !== from.records || !equals(header.link, from.link))
    throw corruptAt(path, 1, 'it does not go on from the file before it');
}

export async function segmentsOf(dir: string): Promise<number[]> {
  const names = await readdir(join(dir, SEGMENTS)).catch(() => []);
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
