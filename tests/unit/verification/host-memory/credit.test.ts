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
import fc from '../../../support/properties.js';

const GIB = 2 ** 30;
const large = hostMemoryParamsByClass('host-512')!;

/** A host whose cores, links and drives are what the class takes a cheat's to be; its memory, and how many drives there are, is not said. */
const worst = (params: typeof large, memoryBytesPerS: number, drivesBytesPerS: number): HostFigures => ({
  cores: 128,
  memoryBytes: 2 ** 50,
  memoryBytesPerS,
  stepNs: params.stepNs,
  hashBytesPerS: params.hashBytesPerS,
  regenerateNs: params.regenerateNs,
  link: { bytesPerS: params.linkBytesPerS, readNs: params.linkReadNs },
  disk: { bytesPerS: drivesBytesPerS, readNs: params.diskReadNs },
});

describe('host memory credit', () => {
  test('is never more than what was held, whatever is missing and however it is made up for', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...HOST_MEMORY_PARAMS),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.tuple(...Array.from({ length: 4 }, () => fc.double({ min: 0, max: 0.25, noNaN: true }))),
        fc.integer({ min: 1, max: 256 }),
        // GB/s of the memory, and of all drives together
        fc.tuple(
          fc.double({ min: 1, max: 2000, noNaN: true }),
          fc.double({ min: 1, max: 2000, noNaN: true }),
        ),
        (params, of, [regenerated, linked, onDisk, either], lanes, [memory, drives]) => {
          const claimedBytes = Math.max(params.minBytes, Math.floor(of * params.maxBytes));
          const missing = { regenerated, linked, onDisk, either };
          const outcome = hostMemoryOutcome(params, worst(params, memory * 1e9, drives * 1e9), {
            claimedBytes,
            missing,
            lanes,
          });
          expect(outcome.creditedBytes).toBeLessThanOrEqual(outcome.ownBytes + 1);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('takes off what a step had time for, and of what comes over links what a round had time for', () => {
    const bytes = 400 * GIB;
    const made = { lanes: 128, bytes, rounds: 8, leaves: 1_000_000 };
    // hashes of 32 bytes for each byte
    expect(hashedPerByte(large)).toBe(32);
    // 16 s in 8 * 10^6 steps
    const stepNs = 2000;
    const slow = { ...large, hashBytesPerS: 1, regenerateNs: 1e9, linkBytesPerS: 0, diskReadNs: 1e9 };
    const kept = (change: Partial<typeof large>) =>
      creditFor({ ...slow, ...change }, made).hostBytes! / bytes;
    expect(kept({})).toBeCloseTo(1, 5);
    expect(kept({ diskReadNs: 20_000 })).toBeCloseTo(1 - (stepNs - 300) / 19_700, 5);
    // 128 labels of 4 KiB at 24 GB/s
    const makeNs = (128 * 4096) / 24;
    expect(kept({ hashBytesPerS: 768e9, regenerateNs: 500 })).toBeCloseTo(1 - stepNs / makeNs, 5);
    expect(kept({ linkBytesPerS: 50e9 })).toBeCloseTo(1 - 50e9 / bytes, 5);
    expect(kept({ linkBytesPerS: 1e15, linkReadNs: 8000 })).toBeCloseTo(1 - (stepNs - 300) / 7700, 5);
  });

  test('does not hang on how many drives there are: half of the bytes on them earn nothing at any rate', () => {
    const params = hostMemoryParamsByClass('host-64')!;
    const cheat = { claimedBytes: 48 * GIB, missing: { onDisk: 0.5 } };
    for (const gigabytesPerS of [14, 28, 56, 100, 1000]) {
      const disk = { bytesPerS: gigabytesPerS * 1e9, readNs: 70_000 };
      expect(hostMemoryOutcome(params, { ...HOSTS.server, disk }, cheat).creditedBytes).toBe(0);
    }
  });

  test('pays a rate only for what no cache holds, and never at CI sizes', () => {
    const made = { lanes: 128, bytes: 4 * GIB, rounds: 100, leaves: 2 ** 20 };
    expect(creditFor(large, made).hostBytesPerS).toBeUndefined();
    const { hostBytes, hostBytesPerS } = creditFor(large, { ...made, bytes: 64 * GIB });
    expect(hostBytesPerS).toBe(Math.floor(hostBytes! / 0.08));
    const small = hostMemoryParamsByClass('host-small')!;
    expect(creditFor(small, { lanes: 2, bytes: 2 ** 21, rounds: 8, leaves: 256 })).toEqual({
      hostBytes: 1_923_391,
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
    expect(crossing).toBe(0.009);
  });
});
