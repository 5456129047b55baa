// Owns: provers of hash-cells that lie, each as well as its lie allows. Does not own: that they are caught (hash-cells.test.ts).
import { HASH_BYTES, type Random, sha256, utf8 } from 'assay/model';
import type { Liar } from 'assay/testing';
import { cellAt } from '../src/hash-cells/cells.js';
import type { HashCellsParams } from '../src/hash-cells/params.js';
import { committed, prove } from '../src/hash-cells/prove.js';

/** Makes up the last part of its cells: it is accepted when no sample falls on one of them. */
export function makesUpCells(share: number, random: Random): Liar<HashCellsParams> {
  const honest = ({ cells }: HashCellsParams): number => Math.round(cells * (1 - share));
  return {
    name: `makes up ${share * 100} % of its cells`,
    reasons: ['label'],
    async prove(_devices, challenge, signal) {
      signal.throwIfAborted();
      const cells = random.bytes(challenge.params.cells * HASH_BYTES);
      for (let i = 0; i < honest(challenge.params); i++) cells.set(cellAt(challenge, i), i * HASH_BYTES);
      return committed(challenge, cells);
    },
    acceptance({ params }) {
      // samples are drawn without repetition
      let chance = 1;
      for (let k = 0; k < params.samples; k++) chance *= (honest(params) - k) / (params.cells - k);
      return Math.max(0, chance);
    },
  };
}

/** Shows what it made for another session, all of it right. */
export const replays: Liar<HashCellsParams> = {
  name: 'shows the work of another session',
  reasons: ['seed'],
  prove: (devices, challenge, signal) =>
    prove(devices, { ...challenge, seed: sha256(utf8('another session')) }, signal),
  acceptance: () => 0,
};
