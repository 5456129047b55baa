// Owns: what a validator's log says of epochs without weights and of events that it gave up. Does not own: whether it had reason to.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

export interface OwnWords {
  /** why no weights of an epoch were set, by epoch */
  readonly missed: ReadonlyMap<number, string>;
  /** why an event came to nothing, by block */
  readonly dropped: ReadonlyMap<number, string>;
}

const ONE_EPOCH: ReadonlySet<string> = new Set([
  'weights of an epoch are lost',
  'nothing was judged that this epoch could be scored by: weights are left as they are',
  'nobody scored, and the owner is not registered',
  'no weights in this epoch: what counts in it is not here',
  'weights of this epoch are on the chain already, and not by this book',
]);
const EPOCHS_OVER = 'no weights were set in epochs that are over';
const DROPPED = 'event dropped: it counts for nobody';

export async function ownWords(log: string): Promise<OwnWords> {
  const missed = new Map<number, string>();
  const dropped = new Map<number, string>();
  for await (const text of createInterface({ input: createReadStream(log, 'utf8') })) {
    const line = parsed(text);
    if (!line) continue;
    const { msg, epoch, reason, from, to, block, error } = line;
    if (ONE_EPOCH.has(String(msg))) missed.set(Number(epoch), `${msg}${reason ? `: ${reason}` : ''}`);
    if (msg === EPOCHS_OVER)
      for (let each = Number(from); each <= Number(to); each++)
        if (!missed.has(each)) missed.set(each, EPOCHS_OVER);
    if (msg === DROPPED)
      dropped.set(Number(block), String((error as { message?: unknown } | undefined)?.message));
  }
  return { missed, dropped };
}

/** A line that a kill cut off is none. */
function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
