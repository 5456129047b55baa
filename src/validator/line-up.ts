// Owns: in which order one block reaches the sessions that wait for it, and from when to when our own line of them leaves.
// Does not own: when the block is (validator.ts), what is late (dispatch.ts).
import { compare, utf8 } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import { sha256 } from '../model/hash.js';

/** Sessions that wait for one block. */
export interface LineUp<Block> {
  /** Resolves with the block, or rejects with it; whoever comes later goes at once, and is in no line. */
  enter(address: string): Promise<Block & { readonly line?: Line }>;
  /** ms from the first of the line to the last; 0 before it leaves */
  lengthMs(): number;
}

/**
 * A line as it leaves, in one turn of the event loop: signing and handing over frames is all that happens in it, and no byte of
 * any frame leaves before the turn is over. So no peer has a hand in how long it takes.
 */
export interface Line {
  /** monotonic ms at which it began to leave */
  readonly beganAt: number;
  /** monotonic ms at which its last frame so far was handed over */
  readonly lastAt: number;
  /** Called by each when its frame is. */
  handedOver(): void;
}

const TAG = utf8('assay/1/line');

/**
 * Signing and handing over a frame takes some 0.1 ms: over thousands of slots that adds up to more than slots that share a
 * device may be apart. Those of one address follow one another at once, so that their windows are the same to within a
 * hundredth (64 slots: 6 ms). The order of addresses hangs on the block's own hash: whoever is last where the line is too long
 * is another one each time, it is nobody's choice, and the same for all validators, whose frames a miner waits for together.
 */
export function createLineUp<Block extends { readonly hash: Uint8Array }>(
  clock: Pick<Clock, 'monotonic'>,
  start: Promise<Block>,
): LineUp<Block> {
  interface Place {
    readonly address: string;
    readonly go: (line: Line) => void;
  }
  let places: Place[] | undefined = [];
  let line: { beganAt: number; lastAt: number } | undefined;

  function leave(hash: Uint8Array): void {
    const inOrder = ordered(places!, hash);
    places = undefined;
    const beganAt = clock.monotonic();
    const leaving = {
      beganAt,
      lastAt: beganAt,
      handedOver() {
        leaving.lastAt = clock.monotonic();
      },
    };
    line = leaving;
    for (const { go } of inOrder) go(leaving);
  }
  start.then(
    ({ hash }) => leave(hash),
    () => leave(new Uint8Array()), // all of them are told of it
  );

  return {
    enter: async (address) => {
      const waiting = places;
      if (!waiting) return start;
      const left = await new Promise<Line>((go) => waiting.push({ address, go }));
      return { ...(await start), line: left };
    },
    lengthMs: () => (line ? line.lastAt - line.beganAt : 0),
  };
}

function ordered<P extends { readonly address: string }>(places: readonly P[], hash: Uint8Array): P[] {
  const drawn = new Map<string, Uint8Array>();
  for (const { address } of places)
    if (!drawn.has(address)) drawn.set(address, sha256(TAG, hash, utf8(address)));
  return [...places].sort((a, b) => compare(drawn.get(a.address)!, drawn.get(b.address)!));
}
