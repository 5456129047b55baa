import { describe, expect, test } from 'vitest';
import { createReferenceCompute } from '../../../../src/compute/cpu/reference.js';
import {
  createChain,
  fold,
  LeafHasher,
  operandMatrix,
  operandSource,
  TAG,
} from '../../../../src/compute/spec/chain.js';
import { Transcript } from '../../../../src/compute/spec/transcript.js';
import { toHex, utf8 } from '../../../../src/model/bytes.js';
import { sha256 } from '../../../../src/model/hash.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { decodeCommit } from '../../../../src/verification/kinds/compute/codec.js';
import { type ComputeParams, paramsByClass } from '../../../../src/verification/kinds/compute/params.js';
import { computeProof } from '../../../../src/verification/kinds/index.js';
import { UNHURRIED } from '../../../../src/verification/proof.js';
import { naiveChain, naiveLeaf, naiveOperand } from './naive-chain.js';

const paced = paramsByClass('paced')!;
const basis = sha256(utf8('golden basis'));
const seed = sha256(utf8('golden seed'));
const { signal } = new AbortController();

async function labelsOf(
  params: ComputeParams,
  ofSeed = seed,
): Promise<{ operands: Uint8Array[]; labels: Uint8Array[] }> {
  const { n, labels: count } = params;
  const transcript = new Transcript(createChain(ofSeed, n, count));
  const multiplier = await createReferenceCompute().loadOperand(operandMatrix(basis, n), n);
  const operands: Uint8Array[] = [];
  const labels: Uint8Array[] = [];
  for (let j = 1; j <= count; j++) {
    const a = new Uint8Array(n * n);
    transcript.operand(a);
    const label = new Uint8Array(n * n);
    fold(await multiplier.multiply(new Int8Array(a.buffer)), label);
    operands.push(a);
    labels.push(label.slice());
    transcript.append(label);
  }
  return { operands, labels };
}

const digest = (bytes: Uint8Array): string => toHex(sha256(bytes)).slice(0, 32);

describe('the chain', () => {
  test.each([
    [16, 12],
    [32, 9],
  ])('at n=%i with %i labels is that of the second implementation', async (n, count) => {
    const params = { ...paced, n, labels: count };
    const naive = naiveChain(basis, seed, n, count);
    const { operands, labels } = await labelsOf(params);
    for (let j = 1; j <= count; j++) {
      expect([...operands[j - 1]], `A_${j}`).toEqual(naive.operands[j].flat());
      expect([...labels[j - 1]], `L_${j}`).toEqual(naive.labels[j].flat());
    }
    const compute = createReferenceCompute();
    const proving = await computeProof.prove({ compute, ...UNHURRIED }, { params, basis, seed }, signal);
    expect(toHex(decodeCommit(params, proving.commit)!.root)).toBe(naive.root.toString('hex'));
  });

  // agreed by both implementations and kept: a change here is a new version of the protocol
  test('has these digests at n=16', async () => {
    const { labels } = await labelsOf({ ...paced, n: 16, labels: 12 });
    const b = operandMatrix(basis, 16);
    expect({
      operand: digest(new Uint8Array(b.buffer)),
      origin: digest(createChain(seed, 16, 12).origin()),
      labels: [labels[0], labels[1], labels[5], labels[11]].map(digest),
      edges: [...createChain(seed, 16, 24).backEdges].join(' '),
    }).toEqual({
      operand: '7016d51768d1c593325b188e0d481842',
      origin: 'a260b15954dda5cb49f390de5783f1d3',
      labels: [
        'ff941b705a1c1fbff7779b17d8ba6da1',
        'a8ab441983bf5be161e7018693aef902',
        '48d2526603bfb6e966fa31936c7c7b89',
        '831cac419040e231714c5e14a1f600a7',
      ],
      edges: '0 0 0 0 0 1 2 0 1 5 6 3 1 5 1 4 10 5 0 2 16 14 15 11 6',
    });
  });

  test('has this commit for the class paced', async () => {
    const compute = createReferenceCompute();
    const proving = await computeProof.prove(
      { compute, ...UNHURRIED },
      { params: paced, basis, seed },
      signal,
    );
    expect(toHex(proving.commit)).toBe(
      '0850122072d718e342b6aca418b4767fbaf5bac32839260d043f6eff3040033f91de4b8f',
    );
  });

  test('changes every A_j when one bit of the seed flips', async () => {
    const params = { ...paced, n: 16, labels: 10 };
    const { operands } = await labelsOf(params);
    for (const bit of [0, 7, 100, 131, 255]) {
      const other = seed.slice();
      other[bit >> 3] ^= 1 << (bit & 7);
      const changed = await labelsOf(params, other);
      operands.forEach((a, j) => {
        const differing = a.filter((byte, i) => byte !== changed.operands[j][i]).length;
        expect(differing, `bit ${bit}, A_${j + 1}`).toBeGreaterThan(0.9 * 256);
      });
    }
  });

  test('takes back edges uniformly from 0..j-4, and 0 for the first four labels', () => {
    const seen = new Map<number, number>();
    const trials = 3000;
    for (let trial = 0; trial < trials; trial++) {
      const { backEdges } = createChain(createSeededRandom(`edges-${trial}`).bytes(32), 16, 12);
      for (let j = 1; j <= 4; j++) expect(backEdges[j]).toBe(0);
      for (let j = 5; j <= 12; j++) expect(backEdges[j]).toBeLessThanOrEqual(j - 4);
      seen.set(backEdges[12], (seen.get(backEdges[12]) ?? 0) + 1);
    }
    expect([...seen.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const expected = trials / 9;
    const chi2 = [...seen.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chi2).toBeLessThan(26.1); // 8 degrees of freedom, one in a thousand
  });

  test('makes rows and columns of label 0 alone as they are in the whole', () => {
    for (const n of [16, 64, 256]) {
      const chain = createChain(seed, n, 4);
      const origin = chain.origin();
      for (const i of [0, 1, 15, n - 1]) {
        expect([...chain.originRow(i)]).toEqual([...origin.subarray(i * n, (i + 1) * n)]);
        expect([...chain.originColumn(i)]).toEqual(Array.from({ length: n }, (_, k) => origin[k * n + i]));
      }
    }
  });

  test('makes rows of the operand alone as they are in the whole, within [-64, 63]', () => {
    const b = operandMatrix(basis, 64);
    const source = operandSource(basis, 64);
    for (const row of [0, 1, 40, 63]) {
      const raw = [...source.rawRows(row, 1)].map((byte) => (byte & 127) - 64);
      expect(raw).toEqual([...b.subarray(row * 64, (row + 1) * 64)]);
    }
    expect(Math.min(...b)).toBe(-64);
    expect(Math.max(...b)).toBe(63);
    expect([...b]).toEqual(naiveOperand(basis, 64).flat());
  });

  test('binds the tweak of a row to both leaves it is made of', () => {
    const chain = createChain(seed, 16, 4);
    const leaf = new Uint8Array(32);
    const other = Uint8Array.of(1, ...leaf.subarray(1));
    const x = chain.tweakRow(2, 3, leaf, leaf);
    expect(x % 2).toBe(1);
    expect(chain.tweakRow(2, 3, leaf, leaf)).toBe(x);
    for (const changed of [
      chain.tweakRow(2, 3, other, leaf),
      chain.tweakRow(2, 3, leaf, other),
      chain.tweakRow(2, 4, leaf, leaf),
      chain.tweakRow(3, 3, leaf, leaf),
    ])
      expect(changed).not.toBe(x);
  });

  test('hashes long rows in chunks of 1 KiB, rows and columns apart', () => {
    for (const n of [16, 1024, 2048, 4096]) {
      const bytes = createSeededRandom(`leaf-${n}`).bytes(n);
      const out = new Uint8Array(64);
      new LeafHasher(TAG.rowLeaf, n).into(bytes, out, 0);
      new LeafHasher(TAG.columnLeaf, n).into(bytes, out, 32);
      expect(toHex(out.subarray(0, 32))).toBe(naiveLeaf(1, [...bytes]).toString('hex'));
      expect(toHex(out.subarray(32))).toBe(naiveLeaf(2, [...bytes]).toString('hex'));
    }
  });

  test('folds every byte of an accumulator', () => {
    const out = new Uint8Array(5);
    fold(Int32Array.of(0, 1, -1, 0x123456, -4_194_303), out);
    expect([...out]).toEqual([
      0,
      1,
      255,
      0x56 ^ 0x34 ^ 0x12,
      (-4_194_303 ^ (-4_194_303 >> 8) ^ (-4_194_303 >> 16)) & 255,
    ]);
    expect(out[3]).toBe(0x70);
  });

  test('keeps labels close to uniform over a long chain', async () => {
    const { labels } = await labelsOf({ ...paced, n: 64, labels: 24 });
    const counts = new Array<number>(256).fill(0);
    for (const byte of labels[23]) counts[byte]++;
    const expected = (64 * 64) / 256;
    const chi2 = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chi2).toBeLessThan(330); // 255 degrees of freedom, one in a thousand
  });
});
