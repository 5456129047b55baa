// Owns: what hash-cells must hold to: the suite that every proof kind passes, and numbers of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReferenceCompute } from 'assay/compute';
import { createSeededRandom } from 'assay/model';
import { proofConformance } from 'assay/testing';
import { hashCells } from '../src/hash-cells/index.js';
import { EXAMPLE, type HashCellsParams } from '../src/hash-cells/params.js';
import { makesUpCells, replays } from './liars.js';

const SMALL: HashCellsParams = { ...EXAMPLE, steps: 4, cells: 96, nominalCells: 96, samples: 6 };

const suite = proofConformance({
  kind: hashCells,
  devices: { compute: createReferenceCompute() },
  params: SMALL,
  tiny: { ...SMALL, steps: 1, cells: 16, samples: 3 },
  others: [
    { ...SMALL, steps: 5 },
    { ...SMALL, samples: 5 },
  ],
  liars: [
    makesUpCells(0.1, createSeededRandom('a tenth')),
    makesUpCells(0.5, createSeededRandom('a half')),
    replays,
  ],
});
for (const { name, run } of suite) test(`hash-cells ${name}`, run);

test('a cell more is credited as a cell more', () => {
  const creditOf = (count: number) => {
    const commit = new Uint8Array(36);
    new DataView(commit.buffer).setUint32(0, count, true);
    return hashCells.credit(EXAMPLE, [commit]);
  };
  assert.deepEqual(creditOf(4096), { hashBytesPerS: 16_777_216 });
  assert.deepEqual(creditOf(4097), { hashBytesPerS: 16_781_312 });
  assert.equal(creditOf(15), undefined, 'fewer than are looked at');
  assert.equal(creditOf(65_537), undefined, 'more than the parameters allow');
});

test('a nominal slot counts one', () => {
  assert.deepEqual(hashCells.facts(EXAMPLE).nominal, { hashBytesPerS: 16_777_216 });
});

test('stops in time: what is left of the window is asked before each turn', async () => {
  let asked = 0;
  const pace = { leftMs: () => (asked++ < 3 ? 1000 : 0) };
  const challenge = { params: SMALL, basis: new Uint8Array(32), seed: new Uint8Array(32) };
  const proving = await hashCells.prove(
    { compute: createReferenceCompute(), ...pace },
    { ...challenge, params: { ...SMALL, cells: 60_000 } },
    new AbortController().signal,
  );
  assert.deepEqual(hashCells.credit({ ...SMALL, cells: 60_000 }, [proving.commit]), {
    hashBytesPerS: 128 * 4 * 32,
  });
  proving.release();
});
