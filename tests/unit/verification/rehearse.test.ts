import { describe, expect, test } from 'vitest';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { createVirtualNetwork } from '../../../src/testing/devices/links.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import { paramsByClass } from '../../../src/verification/kinds/bandwidth/params.js';
import { bandwidthProof } from '../../../src/verification/kinds/index.js';
import { rehearse } from '../../../src/verification/rehearse.js';

const params = { ...paramsByClass('paced')!, segmentLeaves: 2, samples: 16, nominalBytesPerS: 250_000 };
const compute = createReferenceCompute();

/** A host on a line of `rate`, and as many ends as there are sources on lines that are no bound. */
function meeting(rate: number) {
  const clock = createVirtualClock();
  const network = createVirtualNetwork({ clock });
  const host = (address: string, bytesPerS: number) =>
    network.host({ address, upBytesPerS: bytesPerS, downBytesPerS: bytesPerS, latencyMs: 1, loss: 0 });
  const link = host('10.0.0.1', rate);
  const ends = Array.from({ length: params.sources }, (_, i) => {
    const address = `10.${i + 1}.0.1`;
    return { address, devices: { compute, link: host(address, 100 * rate) } };
  });
  const parts = {
    kind: bandwidthProof,
    devices: { compute, link },
    random: createSeededRandom('rehearsal'),
    now: () => clock.monotonic(),
    reserve: 0.1,
    meets: { address: '10.0.0.1', ends },
  };
  return { clock, parts };
}

describe('a rehearsal of a kind whose slots meet', () => {
  test('is credited both ways, no more than its line, by ends that give and take', async () => {
    const rate = 200_000;
    const { clock, parts } = meeting(rate);
    const { verdict, credit, share } = await clock.runUntil(
      rehearse(parts, params, new AbortController().signal),
    );
    expect(verdict).toEqual({ kind: 'accepted' });
    for (const way of [credit.downBytesPerS!, credit.upBytesPerS!]) {
      expect(way).toBeGreaterThan(0.5 * rate);
      expect(way).toBeLessThanOrEqual(rate);
    }
    expect(share).toBeGreaterThan(0.5 * (rate / params.nominalBytesPerS));
  });

  test('says so where there is nobody to meet', async () => {
    const { parts } = meeting(200_000);
    const alone = { ...parts, meets: { ...parts.meets, ends: [] } };
    await expect(rehearse(alone, params, new AbortController().signal)).rejects.toThrow(
      'meets: expected ends that this kind can meet, got none',
    );
  });
});
