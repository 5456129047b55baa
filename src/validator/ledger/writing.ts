// Owns: where the next entry goes: into the newest segment, or into one of its own epoch. Does not own: what is worth an entry
// (ledger.ts).
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AssayError } from '../../model/errors.js';
import type { Outcome } from '../../model/outcome.js';
import type { EvidenceRef } from './codec.js';
import { LEDGER_VERSION, type LedgerEntry, type OutcomeEntry, type PlainEntry } from './entries.js';
import { type EvidenceWriter, noPiles, openEvidence } from './evidence.js';
import { syncFolder } from './folder.js';
import { FIRST_LINK } from './frames.js';
import { type Bucket, type Index, segmentPath, segmentsOf } from './load.js';
import { beginSegment, headOf, openSegment, type SegmentWriter } from './segment.js';
import { type LedgerHead, type LedgerWriter, signedHead } from './signed.js';

export interface Writing {
  outcome(outcome: Outcome, line: string, after?: Promise<void>): Promise<void>;
  entry(entry: Exclude<LedgerEntry, OutcomeEntry>): Promise<void>;
  /** A last entry, and the signature over all of it. */
  end(entry: PlainEntry): Promise<void>;
  /** A first entry here, of what came from elsewhere. */
  goOn(token: string | undefined): Promise<void>;
  head(): LedgerHead | undefined;
  close(): Promise<void>;
}

/** The segment that is written to. */
interface Current {
  readonly segment: SegmentWriter;
  readonly evidence: EvidenceWriter;
  readonly bucket: Bucket;
}

/**
 * An entry of a later epoch ends the segment, which is signed, and begins the next one. So does any entry where the segment is of an
 * older version: what is written from then on stands behind a header that an older build refuses.
 */
export async function openWriting(dir: string, writer: LedgerWriter, index: Index): Promise<Writing> {
  const { last } = index;
  let current: Promise<Current | undefined> = Promise.resolve(undefined);
  let ended = false;
  /** where the ledger stands between two segments */
  let head: LedgerHead | undefined = last ? headOf(last) : index.compacted?.head;
  let segment: SegmentWriter | undefined;
  let isOlder = last !== undefined && last.header.version !== LEDGER_VERSION;
  if (last && !last.closed) {
    const evidence = await openEvidence(dir, last.header.epoch, index.lastSizes);
    segment = await openSegment(segmentPath(dir, last.header.epoch), last);
    current = Promise.resolve({ segment, evidence, bucket: index.buckets.at(-1)! });
  }

  /** The segment for an entry of `epoch`: appends wait for it in the order of the calls. */
  function at(epoch: number): Promise<Current> {
    const before = current;
    const next = before.then((open) =>
      open && epoch <= open.segment.epoch && !isOlder ? open : roll(open, epoch),
    );
    // a disk that was full for a moment must not end the ledger
    current = next.catch(async () => (segment ? before : undefined));
    return next;
  }

  async function finish({ segment: open, evidence }: Current): Promise<void> {
    index.heads.push(signedHead(await open.finish(writer)));
    head = open.head();
    segment = undefined;
    await evidence.close();
  }

  async function roll(open: Current | undefined, epoch: number): Promise<Current> {
    if (open && segment) {
      await finish(open);
    }
    const from = head ?? { records: 0, link: FIRST_LINK };
    const number = head ? Math.max(epoch, head.epoch + 1) : epoch;
    const evidence = await openEvidence(dir, number, noPiles());
    const path = segmentPath(dir, number);
    if ((await mkdir(dirname(path), { recursive: true })) !== undefined) await syncFolder(dir);
    // begun, and kept from the disk by a crash or for want of room: not the last one any more, it would be a torn ledger
    for (const left of await segmentsOf(dir))
      if (left > (head?.epoch ?? -1)) await rm(segmentPath(dir, left), { force: true });
    segment = await beginSegment(path, writer, number, from);
    isOlder = false;
    await syncFolder(dirname(path));
    index.segments.push(number);
    return { segment, evidence, bucket: index.begin(number) };
  }

  const refuseEnded = () => {
    if (ended) throw new AssayError('internal', 'ledger was handed over', { what: dir });
  };

  return {
    async outcome(outcome, line, after) {
      refuseEnded();
      after?.catch(() => {});
      const { segment, evidence, bucket } = await at(outcome.epoch);
      const kept = evidence.append(outcome, line, after);
      let ref: EvidenceRef | undefined;
      const known = kept.then((place) => {
        ref = place;
      });
      await segment.append({ recorded: () => ({ outcome, evidence: ref! }) }, known);
      bucket.outcomes.set(outcome.id, { outcome, evidence: ref! });
    },
    async entry(entry) {
      refuseEnded();
      const { segment, bucket } = await at(entry.epoch);
      await segment.append({ entry });
      if (entry.type === 'weights') index.weights = entry;
      else if (entry.type === 'event-started' || entry.type === 'event-completed') bucket.events.push(entry);
    },
    async end(entry) {
      refuseEnded();
      ended = true;
      const open = await at(entry.epoch);
      await open.segment.append({ entry });
      await finish(open);
    },
    async goOn(token) {
      const epoch = (segment?.head() ?? head)?.epoch ?? 0;
      const open = await at(epoch);
      await open.segment.append({ entry: { type: 'continued', epoch: open.segment.epoch, token } });
    },
    head: () => segment?.head() ?? head,
    async close() {
      const open = await current;
      if (!open || !segment) return;
      await segment.close();
      await open.evidence.close();
    },
  };
}
