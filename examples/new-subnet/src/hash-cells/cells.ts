// Owns: what a cell is, and what binds all of them to one session: the same for prover and verifier.
// Does not own: how many are made (prove.ts), which are looked at (issue.ts).
import type { Challenge } from 'assay';
import { hashInto, sha256, u32le, utf8 } from 'assay/model';
import type { HashCellsParams } from './params.js';

type Of = Pick<Challenge<HashCellsParams>, 'params' | 'basis' | 'seed'>;

/** First byte of every node of the tree over the cells. */
export const NODE_TAG = 1;

const CELL = utf8('hash-cells/1/cell');
const ROOT = utf8('hash-cells/1/root');

/** A chain of hashes that begins with the session's seed and the cell's index: nobody knows it before the Go. */
export function cellAt({ params: { steps }, seed }: Of, index: number): Uint8Array {
  const state = sha256(CELL, seed, u32le(index));
  for (let step = 0; step < steps; step++) hashInto(state, state, 0);
  return state;
}

/** Work for another seed, another epoch or another number of cells has another one. */
export const boundRoot = ({ basis, seed }: Of, count: number, root: Uint8Array): Uint8Array =>
  sha256(ROOT, seed, basis, u32le(count), root);
