// Owns: the miner's work: as many cells as fit in the window, committed to by one root, opened where asked.
// Does not own: when the window began and how long is left of it (`leftMs`, handed in).
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Challenge, Proving } from 'assay';
import { AssayError, createMerkleTree, HASH_BYTES, pathLength } from 'assay/model';
import { boundRoot, cellAt, NODE_TAG } from './cells.js';
import { decodeRequest, encodeCommit, encodeOpening } from './codec.js';
import type { HashCellsParams } from './params.js';

/** Between two looks at the clock and at the signal. */
const CELLS_A_TURN = 32;
/** Share of the window that is left for the tree. */
const TREE = 0.05;

/** @throws the signal's reason when it aborts */
export async function prove(
  pace: { leftMs(): number },
  challenge: Challenge<HashCellsParams>,
  signal: AbortSignal,
): Promise<Proving> {
  const { cells: most, samples, windowMs } = challenge.params;
  const cells = new Uint8Array(most * HASH_BYTES);
  let count = 0;
  while (count < most && (count < samples || pace.leftMs() > TREE * windowMs)) {
    // frames of other sessions, and Ctrl-C, have their turn
    await nextTurn();
    signal.throwIfAborted();
    for (const end = Math.min(most, count + CELLS_A_TURN); count < end; count++)
      cells.set(cellAt(challenge, count), count * HASH_BYTES);
  }
  return committed(challenge, cells.subarray(0, count * HASH_BYTES));
}

/** What is done with cells once they are there, however they came to be. */
export function committed(challenge: Challenge<HashCellsParams>, cells: Uint8Array): Proving {
  const { params } = challenge;
  const count = cells.length / HASH_BYTES;
  let tree: ReturnType<typeof createMerkleTree> | undefined = createMerkleTree(cells, NODE_TAG);
  return {
    commit: encodeCommit({ count, bound: boundRoot(challenge, count, tree.root) }),
    async open(request) {
      const indices = decodeRequest(params, count, request);
      if (!indices) throw refused('request', `${params.samples} rising indices below ${count}`);
      const { root, leaf, path } = tree ?? throwReleased();
      const siblings = (index: number): Uint8Array => {
        const out = new Uint8Array(HASH_BYTES * pathLength(count));
        path(index, out, 0);
        return out;
      };
      return encodeOpening({
        root,
        cells: indices.map((index) => ({ cell: leaf(index), path: siblings(index) })),
      });
    },
    release() {
      tree = undefined;
    },
  };
}

const throwReleased = (): never => {
  throw refused('work', 'what was not released yet');
};

const refused = (what: string, expected: string) =>
  new AssayError('invalid-input', `${what}: expected ${expected}`, { what, expected, got: 'other' });
