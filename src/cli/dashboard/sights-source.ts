// Owns: what a validator's dial-out saw of ports, read from the evidence beside its ledger, also while it is written. Does not own: the
// ledger (validator/ledger), what follows from a sight (dashboard/suspicions).
import { open } from 'node:fs/promises';
import { z } from 'zod';
import type { Observations } from '../../dashboard/suspicions/observations.js';
import type { Hotkey } from '../../model/ids.js';
import { errnoOf } from '../../model/invalid-input.js';
import type { Outcome } from '../../model/outcome.js';
import { type EvidenceFile, evidenceFiles } from '../../validator/ledger/evidence.js';

/** Newest segments whose evidence is read. */
const SEGMENTS = 2;
/** Of each file so much of its end, at first: an epoch of a full subnet has more, and says the same of each port again. */
const FIRST_BYTES = 16 << 20;
const CHUNK_BYTES = 1 << 20;
/** A line of more is a session of many frames: it is passed over. */
const MOST_LINE = 4 << 20;
/** Outcomes whose miner is remembered, and sights that wait for their outcome. */
const MOST_KNOWN = 16_384;
const MARK = '"sight":{';

const lineSchema = z.object({
  id: z.string(),
  session: z.object({
    sight: z.object({
      ip: z.string().max(64),
      port: z.int().min(0).max(65_535),
      answered: z.boolean(),
      calledFrom: z.string().max(64).optional(),
    }),
  }),
});
type Seen = z.infer<typeof lineSchema>;

export interface SightsSource {
  /** as a fold of the ledger: it says whose session a line is */
  outcome(outcome: Outcome): void;
  /** What is there now. */
  read(): Promise<void>;
}

export function createSightsSource(
  { dir }: { readonly dir: string },
  into: Pick<Observations, 'sight'>,
): SightsSource {
  const minerOf = new Map<string, Hotkey>();
  const waiting = new Map<string, Seen>();
  /** by path: whole lines up to there were read */
  const offsets = new Map<string, number>();

  function tell({ id, session: { sight } }: Seen, hotkey: Hotkey): void {
    into.sight({ ...sight, hotkey, outcome: id });
  }

  function take(line: string): void {
    if (!line.includes(MARK)) return;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return; // a hole, or the first half of a line: replay says what is wrong with evidence, not we
    }
    const { data } = lineSchema.safeParse(value);
    if (!data) return;
    const hotkey = minerOf.get(data.id);
    if (hotkey === undefined) keep(waiting, data.id, data);
    else tell(data, hotkey);
  }

  async function readFile({ path, bytes }: EvidenceFile): Promise<void> {
    const from = offsets.get(path) ?? Math.max(0, bytes - FIRST_BYTES);
    if (bytes <= from) return;
    const file = await open(path, 'r').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined; // it was not kept any longer
      throw error;
    });
    if (!file) return;
    try {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      let rest = Buffer.alloc(0);
      let isSkipped = from > 0 && !offsets.has(path);
      let at = from;
      while (at < bytes) {
        const { bytesRead } = await file.read(chunk, 0, Math.min(CHUNK_BYTES, bytes - at), at);
        if (bytesRead === 0) break;
        at += bytesRead;
        let data = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
        for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10)) {
          if (!isSkipped) take(data.toString('utf8', 0, end));
          isSkipped = false;
          data = data.subarray(end + 1);
        }
        rest = data;
        if (rest.length <= MOST_LINE) continue;
        rest = Buffer.alloc(0);
        isSkipped = true;
      }
      // what has no end yet is read again
      offsets.set(path, at - rest.length);
    } finally {
      await file.close();
    }
  }

  return {
    outcome({ id, miner }) {
      const seen = waiting.get(id);
      if (seen) {
        waiting.delete(id);
        tell(seen, miner);
      }
      keep(minerOf, id, miner);
    },
    async read() {
      const files = await evidenceFiles(dir);
      const newest = [...new Set(files.map(({ segment }) => segment))]
        .sort((a, b) => b - a)
        .slice(0, SEGMENTS);
      for (const file of files) if (newest.includes(file.segment)) await readFile(file);
      for (const path of offsets.keys()) if (!files.some((file) => file.path === path)) offsets.delete(path);
    },
  };
}

function keep<T>(all: Map<string, T>, id: string, value: T): void {
  all.set(id, value);
  if (all.size > MOST_KNOWN) all.delete(all.keys().next().value!);
}
