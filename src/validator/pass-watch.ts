// Owns: seeing which block of an event's hold is the Pass, head by head. Does not own: what follows from it (dispatch.ts).
import type { Head } from '../chain/chain.js';
import { AssayError } from '../model/errors.js';
import { drawsPass, type Hold } from '../verification/draw.js';
import type { Beacon } from './dispatch.js';

export interface PassWatch {
  /** the block of the Pass, when it was seen; rejects when it was missed */
  readonly seen: Promise<Beacon>;
  /** Synchronous where no candidate was skipped: nothing may stand between a beacon and the frames that wait for it. */
  onHead(head: Head, seenAt: number): void;
  miss(error: Error): void;
}

/** @param hashOf of a block that was never told as a head: that one drew is only known too late, that none did is worth knowing */
export function watchPass(
  event: { readonly block: number; readonly hold: Hold },
  hashOf: (block: number) => Promise<Uint8Array>,
): PassWatch {
  const { block, hold } = event;
  const { promise: seen, resolve, reject: miss } = withResolvers<Beacon>();
  seen.catch(() => {}); // whoever waits for it sees the rejection; nobody may be waiting yet
  let next = hold.first;
  let behind: Promise<void> | undefined;

  function decide(head: Head, seenAt: number): void {
    const offset = head.number - block;
    next = Math.max(next, offset + 1);
    if (offset <= hold.last && drawsPass(head.hash, offset, hold)) resolve({ hash: head.hash, seenAt });
  }

  async function catchUp(head: Head, seenAt: number): Promise<void> {
    for (; next < head.number - block && next <= hold.last; next++)
      if (drawsPass(await hashOf(block + next), next, hold))
        throw new AssayError('timeout', `the Pass, block ${block + next}, was not seen`, {
          what: 'head',
          afterMs: 0,
        });
    decide(head, seenAt);
  }

  return {
    seen,
    miss,
    onHead(head, seenAt) {
      const offset = head.number - block;
      if (offset < hold.first) return;
      // the same number again is another block of a fork
      if (!behind && offset <= next) decide(head, seenAt);
      else behind = (behind ?? Promise.resolve()).then(() => catchUp(head, seenAt)).catch(miss);
    },
  };
}

function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: Error) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  return { promise, resolve, reject };
}
