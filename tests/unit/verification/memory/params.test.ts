import { describe, expect, test } from 'vitest';
import { SESSION_LIMITS } from '../../../../src/protocol/limits.js';
import { limits } from '../../../../src/verification/kinds/memory/codec.js';
import { memoryProof } from '../../../../src/verification/kinds/memory/index.js';
import {
  blocksOf,
  creditFor,
  MEMORY_PARAMS,
  memoryParamsByClass,
  nominalFor,
  parseParams,
  placeOf,
  rowsOfBlock,
} from '../../../../src/verification/kinds/memory/params.js';

const h100 = memoryParamsByClass('h100-sxm')!;

describe('memory parameters', () => {
  test('of every class fit their frames, and their nominal device is credited what it counts', () => {
    for (const params of MEMORY_PARAMS) {
      expect(parseParams(JSON.parse(JSON.stringify(params)))).toEqual(params);
      // a Commit carries nonces of 16 bytes and their tags besides
      expect(limits(params).commitBytes + 200 * 18).toBeLessThan(SESSION_LIMITS.frameBytes);
      expect(params.nominalRounds).toBeLessThanOrEqual(params.maxRounds);
      expect(params.nominalLabels).toBeLessThanOrEqual(params.labels);
      const { deviceBytes = 0 } = nominalFor(params);
      expect(deviceBytes).toBeGreaterThan(0.5 * params.labels * params.n ** 2);
      expect(deviceBytes).toBeLessThan(params.labels * params.n ** 2);
      expect(memoryProof.facts(params).phases.map(({ from }) => from)).toEqual(['go', 'go', 'pass']);
    }
  });

  test('credit H100-class figures as the page says', () => {
    const { windowLabels, labels, rounds } = {
      windowLabels: h100.nominalLabels,
      labels: h100.labels,
      rounds: h100.nominalRounds,
    };
    const credit = creditFor(h100, { windowLabels, labels, rounds });
    const bytes = labels * h100.n ** 2;
    expect(1 - credit.deviceBytes! / bytes).toBeCloseTo(0.104, 3);
    expect(credit.deviceBytesPerS).toBeCloseTo((credit.deviceBytes! * rounds) / 2, -3);
  });

  test('take off what could be made again: more of it for slow rounds, and for who shows that it works fast', () => {
    const at = (windowLabels: number, rounds: number) =>
      creditFor(h100, { windowLabels, labels: h100.labels, rounds }).deviceBytes!;
    for (let rounds = 21; rounds <= h100.maxRounds; rounds++)
      expect(at(10, rounds)).toBeGreaterThan(at(10, rounds - 1));
    expect(at(1000, 79)).toBeLessThan(at(100, 79));
    // what the class is planned with shows nothing more than it assumes
    expect(at(h100.nominalLabels, 79)).toBe(at(1, 79));
    // claimed memory that takes a whole phase to read once is no memory at all
    expect(creditFor(h100, { windowLabels: 1, labels: 100, rounds: 1 }).deviceBytes).toBe(0);
  });

  test('claim work alone until the last commit is there', () => {
    const credit = creditFor(h100, { windowLabels: 5, labels: undefined, rounds: undefined });
    expect(Object.keys(credit)).toEqual(['opsPerS', 'hashBytesPerS']);
  });
});

test('every block of a label lies in the rows that are opened for it', () => {
  for (const n of [64, 128, 4096, 16_384]) {
    const blocks = blocksOf({ n }, 2);
    const seen = new Set<string>();
    for (const block of [0, 1, blocks / 2 - 1, blocks / 2, blocks - 1]) {
      const { label, row, at } = placeOf({ n }, block);
      expect(label).toBe(block < blocks / 2 ? 1 : 2);
      expect(row + rowsOfBlock({ n })).toBeLessThanOrEqual(n);
      expect(at + 4096).toBeLessThanOrEqual(Math.max(n, 4096));
      seen.add(`${label}/${row}/${at}`);
    }
    expect(seen.size).toBe(new Set([0, 1, blocks / 2 - 1, blocks / 2, blocks - 1]).size);
  }
});
