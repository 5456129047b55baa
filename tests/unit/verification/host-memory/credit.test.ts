import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { labelCompressions } from '../../../../src/compute/spec/host-labels.js';
import {
  HOSTS,
  type HostFigures,
  hostMemoryCrossing,
  hostMemoryOutcome,
} from '../../../../src/testing/liars/host-memory-model.js';
import { creditFor, hashedPerByte } from '../../../../src/verification/kinds/host-memory/credit.js';
import {
  HOST_MEMORY_PARAMS,
  hostMemoryParamsByClass,
} from '../../../../src/verification/kinds/host-memory/params.js';

const GIB = 2 ** 30;
const large = hostMemoryParamsByClass('host-512')!;

/** A host that is exactly what the class takes a cheat's to be. */
const worst = (params: typeof large): HostFigures => ({
  cores: 128,
  memoryBytes: 2 ** 50,
  memoryBytesPerS: params.memoryBytesPerS,
  stepNs: params.stepNs,
  hashBytesPerS: params.hashBytesPerS,
  regenerateNs: params.regenerateNs,
  link: { bytesPerS: params.linkBytesPerS, readNs: params.linkReadNs },
  disk: { bytesPerS: params.diskBytesPerS, readNs: params.diskReadNs },
});

describe('host memory credit', () => {
  test('is never more than what was held, whatever is missing and however it is made up for', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...HOST_MEMORY_PARAMS),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.tuple(...Array.from({ length: 4 }, () => fc.double({ min: 0, max: 0.25, noNaN: true }))),
        fc.integer({ min: 1, max: 256 }),
        (params, of, [regenerated, linked, onDisk, either], lanes) => {
          const claimedBytes = Math.max(params.minBytes, Math.floor(of * params.maxBytes));
          const missing = { regenerated, linked, onDisk, either };
          const outcome = hostMemoryOutcome(params, worst(params), { claimedBytes, missing, lanes });
          expect(outcome.creditedBytes).toBeLessThanOrEqual(outcome.ownBytes + 1);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('takes off what could have been missing: what a round had time for, and what a step had time for', () => {
    const bytes = 400 * GIB;
    const none = { ...large, hashBytesPerS: 0, diskBytesPerS: 0, linkBytesPerS: 0 };
    // 8 s / 8 rounds, hashes of 32 bytes for each byte
    expect(hashedPerByte(large)).toBe(32);
    const made = { ...none, hashBytesPerS: large.hashBytesPerS };
    expect(creditFor(made, { lanes: 128, bytes, rounds: 8, leaves: 1 }).hostBytes).toBe(
      Math.floor(bytes - large.hashBytesPerS / 32),
    );
    // rounds take 8 * bytes / (600 + 100) GB/s at least, the rest of 16 s goes into 8 * 10^6 steps, and a disk has 20 us
    const disk = { ...none, hashBytesPerS: 1, diskBytesPerS: 100e9, regenerateNs: 1e9 };
    const stepNs = (16e9 - (8 * bytes) / 700) / 8e6;
    const share = (stepNs - 300) / 19_700;
    const { hostBytes } = creditFor(disk, { lanes: 1, bytes, rounds: 8, leaves: 1_000_000 });
    expect(hostBytes! / (bytes * (1 - share))).toBeCloseTo(1, 6);
  });

  test('pays a rate only for what no cache holds, and never at CI sizes', () => {
    const made = { lanes: 128, bytes: 4 * GIB, rounds: 100, leaves: 2 ** 20 };
    expect(creditFor(large, made).hostBytesPerS).toBeUndefined();
    const { hostBytes, hostBytesPerS } = creditFor(large, { ...made, bytes: 64 * GIB });
    expect(hostBytesPerS).toBe(Math.floor(hostBytes! / 0.08));
    const small = hostMemoryParamsByClass('host-small')!;
    expect(creditFor(small, { lanes: 2, bytes: 2 ** 21, rounds: 8, leaves: 256 })).toEqual({
      hostBytes: 1_983_870,
    });
  });

  test('falls with slow rounds and with slow steps', () => {
    const made = { lanes: 128, bytes: 400 * GIB, rounds: 7, leaves: 2 ** 20 };
    const credit = (change: Partial<typeof made>): number =>
      creditFor(large, { ...made, ...change }).hostBytes!;
    expect(credit({ rounds: 3 })).toBeLessThan(credit({}));
    expect(credit({ leaves: 2 ** 17 })).toBeLessThan(credit({}));
    expect(credit({ rounds: 1, leaves: 1 })).toBe(0);
  });

  test('costs as many compressions as the page says', () => {
    expect(labelCompressions(large)).toBe(2246);
  });
});

describe('the cost model', () => {
  const credited = (share: number) =>
    hostMemoryOutcome(large, HOSTS.large, { claimedBytes: 400 * GIB, missing: { onDisk: share } });

  test('shows a disk array that rounds alone would pay for, and the walk does not', () => {
    for (const share of [0.1, 0.2, 0.3]) {
      const outcome = credited(share);
      expect(outcome.withoutWalk).toBeGreaterThan(1.04 * outcome.heldBytes);
      expect(outcome.creditedBytes).toBeLessThan(outcome.heldBytes);
      expect(outcome.creditedBytes).toBeLessThan(0.9 * credited(0).creditedBytes);
    }
  });

  test('finds the share at which keeping less costs a tenth of the credit', () => {
    const honest = credited(0).creditedBytes;
    const crossing = hostMemoryCrossing(
      large,
      HOSTS.large,
      (share) => ({ claimedBytes: 400 * GIB, missing: { onDisk: share } }),
      { of: ({ creditedBytes }) => creditedBytes, atLeast: 0.9 * honest },
    );
    expect(crossing).toBe(0.011);
  });
});
