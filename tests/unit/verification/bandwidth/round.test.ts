import { describe, expect, test } from 'vitest';
import { createReferenceCompute } from '../../../../src/compute/cpu/reference.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { verdictToString } from '../../../../src/model/verdict.js';
import { playRound, type RoundHost } from '../../../../src/testing/bandwidth-round.js';
import { createVirtualNetwork, type HostLink } from '../../../../src/testing/devices/links.js';
import { createVirtualClock } from '../../../../src/testing/virtual-clock.js';
import { paramsByClass } from '../../../../src/verification/kinds/bandwidth/params.js';

/** A megabyte a second at most: enough for ratios, and little to hash. */
const params = {
  ...paramsByClass('link-100m')!,
  segmentLeaves: 2,
  maxSegments: 30,
  windowMs: 1000,
  samples: 32,
  nominalBytesPerS: 1_500_000,
};
const compute = createReferenceCompute();
const RATE = 1_000_000;

async function round(
  count: number,
  of: (i: number) => Partial<HostLink> & Partial<RoundHost>,
  name = 'round',
  reserve = 0,
) {
  const clock = createVirtualClock();
  const network = createVirtualNetwork({ clock });
  const hosts = Array.from({ length: count }, (_, i) => {
    const { prove, skewMs, coldkey, ...host } = of(i);
    const address = host.address ?? `10.${i}.0.1`;
    const link = network.host({ upBytesPerS: RATE, downBytesPerS: RATE, ...host, address });
    return {
      link,
      address,
      ...(prove ? { prove } : {}),
      ...(coldkey ? { coldkey } : {}),
      skewMs: skewMs ?? 0,
    };
  });
  const random = createSeededRandom(name);
  return clock.runUntil(playRound({ clock, random, compute }, { params, hosts, reserve }));
}

const mean = (values: readonly (number | undefined)[]): number =>
  values.reduce<number>((sum, value) => sum + (value ?? 0), 0) / values.length;

describe('a round on virtual links', () => {
  test('credits each host its link, both ways, less what was not whole at the end', async () => {
    const results = await round(10, () => ({}));
    for (const { verdict, credit } of results) {
      expect(verdictToString(verdict)).toBe('accepted');
      expect(credit.downBytesPerS).toBeLessThanOrEqual(RATE);
      expect(credit.downBytesPerS).toBeGreaterThan(0.92 * RATE);
      expect(credit.upBytesPerS).toBeLessThanOrEqual(RATE);
      expect(credit.upBytesPerS).toBeGreaterThan(0.92 * RATE);
    }
  });

  test('loses to latency what comes before the first byte, alike for all', async () => {
    const near = await round(10, () => ({ latencyMs: 1 }));
    const far = await round(10, () => ({ latencyMs: 25 }));
    // four times 50 ms of a second: connection, nonce, hello, first byte
    expect(mean(far.map(({ credit }) => credit.downBytesPerS))).toBeGreaterThan(0.74 * RATE);
    expect(mean(near.map(({ credit }) => credit.downBytesPerS))).toBeGreaterThan(0.9 * RATE);
  });

  test('credits two hotkeys behind one link no more than the link', async () => {
    for (const sharers of [2, 4]) {
      const uplink = { bytesPerS: RATE };
      const downlink = { bytesPerS: RATE };
      const results = await round(11, (i) =>
        i < sharers ? { upThrough: [uplink], downThrough: [downlink] } : {},
      );
      const shared = results.slice(0, sharers);
      expect(mean(shared.map(({ credit }) => credit.downBytesPerS)) * sharers).toBeLessThanOrEqual(RATE);
      expect(mean(shared.map(({ credit }) => credit.upBytesPerS)) * sharers).toBeLessThanOrEqual(RATE);
      expect(mean(shared.map(({ credit }) => credit.downBytesPerS)) * sharers).toBeGreaterThan(0.6 * RATE);
    }
  });

  test('credits a sharer that is served first no more, since nobody has a time of its own', async () => {
    const downlink = { bytesPerS: RATE };
    const results = await round(11, (i) =>
      i < 2 ? { downThrough: [downlink], ...(i === 1 ? { skewMs: 10 } : {}) } : {},
    );
    const sum = results[0].credit.downBytesPerS! + results[1].credit.downBytesPerS!;
    // 1 % of skew is 1 % of link
    expect(sum).toBeLessThanOrEqual(1.01 * RATE);
  });

  test('a slow or silent source does not lower those that pull from it', async () => {
    const results = await round(10, (i) => (i === 0 ? { upBytesPerS: 1000 } : {}));
    const others = results.slice(1);
    expect(mean(others.map(({ credit }) => credit.downBytesPerS))).toBeGreaterThan(0.8 * RATE);
    expect(results[0].credit.upBytesPerS).toBe(0);
  });

  test('a slow way down is not credited by a fast way up, and the other way round', async () => {
    const results = await round(10, (i) => (i === 0 ? { downBytesPerS: RATE / 10 } : {}));
    expect(results[0].credit.downBytesPerS).toBeLessThanOrEqual(RATE / 10);
    expect(results[0].credit.upBytesPerS).toBeGreaterThan(0.8 * RATE);
  });

  test('a source that signs garbage is blamed, and its receivers are accepted', async () => {
    const corrupt = (content: Uint8Array) => content.map((byte) => byte ^ 1);
    const results = await round(10, (i) => (i === 0 ? { corrupt } : {}));
    for (const { verdict } of results) expect(verdictToString(verdict)).toBe('accepted');
  });

  test('loss bounds a stream by its round trip', async () => {
    const clean = await round(10, () => ({ latencyMs: 10 }));
    const lossy = await round(10, () => ({ latencyMs: 10, loss: 0.01 }));
    // 1.22 x 1460 B / (40 ms x sqrt(0.0199)) = 316 kB/s a stream: eight fill the link all the same
    expect(mean(lossy.map(({ credit }) => credit.downBytesPerS))).toBeCloseTo(
      mean(clean.map(({ credit }) => credit.downBytesPerS)),
      -4,
    );
    const worse = await round(10, () => ({ latencyMs: 50, loss: 0.05 }));
    expect(mean(worse.map(({ credit }) => credit.downBytesPerS))).toBeLessThan(0.45 * RATE);
  });
});
