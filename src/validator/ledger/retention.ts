// Owns: what a ledger forgets, and in which order: evidence first, outcomes into a state later. Does not own: openings
// (openings.ts), when to do it (whoever runs the validator).
import { rm } from 'node:fs/promises';
import { unsupported } from '../../model/errors.js';
import { writeCompacted } from './compacted.js';
import type { EventEntry } from './entries.js';
import { evidenceFiles, removeEvidence } from './evidence.js';
import { drain, type LedgerFold, load, segmentPath, segmentsOf, toVisitor } from './load.js';
import { headOf, readSegment, type SegmentVisitor } from './segment.js';
import { type LedgerHead, type LedgerWriter, ownerOf, signedHead } from './signed.js';

export interface EvidenceLimits {
  /** sessions of segments before it go. @default none do */
  readonly keepFrom?: number | undefined;
  /** of all sessions; over it what was not rejected goes first, the oldest of each first. @default any number */
  readonly maxBytes?: number | undefined;
}

/**
 * Takes whole files: one of rejections and one of the rest for each segment, never of the newest one. What outcomes say of
 * them stays, digests included.
 * @returns bytes that went
 */
export async function expireEvidence(
  dir: string,
  { keepFrom = 0, maxBytes = Number.POSITIVE_INFINITY }: EvidenceLimits,
): Promise<number> {
  const files = await evidenceFiles(dir);
  const newest = Math.max(...files.map(({ segment }) => segment));
  let left = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let gone = 0;
  for (const file of files) {
    if (file.segment === newest || (file.segment >= keepFrom && left <= maxBytes)) continue;
    await removeEvidence(file);
    left -= file.bytes;
    gone += file.bytes;
  }
  return gone;
}

/** What outcomes are folded into, `ScoringState` for one. */
export interface FoldedState extends LedgerFold {
  snapshot(): string;
}

export interface CompactInput {
  /** segments before it go */
  readonly keepFrom: number;
  /** hex SHA-256 of the policy of `stateFrom` */
  readonly policy: string;
  /** goes on from a snapshot that an earlier compaction left */
  readonly stateFrom: (snapshot: string | undefined) => FoldedState;
}

/**
 * For who has the folder. An event that was begun before `keepFrom` and completed after it keeps its segment: a state says
 * nothing of events under way.
 * @returns epochs that are in the state; their files are still there (`removeCompacted`)
 * @throws AssayError `unsupported` where what is left is under another policy
 */
export async function compact(
  { dir, writer }: { readonly dir: string; readonly writer: LedgerWriter },
  { keepFrom, policy, stateFrom }: CompactInput,
): Promise<readonly number[]> {
  const owner = ownerOf(writer);
  const index = await load(dir, { owner });
  const before = index.compacted;
  if (before && before.policy !== policy)
    throw unsupported('compacting', `what is left of older epochs is under the policy ${before.policy}`);
  const going = index.segments.slice(0, -1).filter((epoch) => epoch < keepFrom);
  const kept = index.segments.filter((epoch) => !going.includes(epoch));
  const late = new Set<string>();
  for (const epoch of kept.slice(0, 2)) {
    const isLast = epoch === index.segments.at(-1);
    for (const event of await eventsIn(segmentPath(dir, epoch), isLast, 'event-completed')) late.add(event);
  }
  const state = stateFrom(before?.state);
  const heads = [...(before?.heads ?? [])];
  let head: LedgerHead | undefined;
  const gone: number[] = [];
  for (const epoch of going) {
    const path = segmentPath(dir, epoch);
    const begun = await eventsIn(path, false, 'event-started');
    if (begun.some((event) => late.has(event))) break;
    const end = await drain(readSegment(path, { isLast: false }, toVisitor(state)));
    heads.push(signedHead(end!.closed!)); // not the last one: it has its signature
    head = headOf(end!);
    gone.push(epoch);
  }
  if (!head) return [];
  await writeCompacted({ dir, writer }, { owner, head, policy, state: state.snapshot(), heads });
  return gone;
}

/** Files of epochs up to `last`, which are compacted; those that a crash left behind an earlier compaction, too. */
export async function removeCompacted(dir: string, last: number): Promise<void> {
  for (const epoch of await segmentsOf(dir))
    if (epoch <= last) await rm(segmentPath(dir, epoch), { force: true });
  for (const each of await evidenceFiles(dir)) if (each.segment <= last) await removeEvidence(each);
}

async function eventsIn(path: string, isLast: boolean, type: EventEntry['type']): Promise<readonly string[]> {
  const events: string[] = [];
  const visitor: SegmentVisitor = {
    entry(entry) {
      if (entry.type === type) events.push(entry.event);
    },
  };
  await drain(readSegment(path, { isLast }, visitor));
  return events;
}
