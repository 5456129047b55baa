import { describe, expect, test } from 'vitest';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { createVirtualNetwork } from '../../../../src/testing/devices/links.js';
import { createVirtualClock } from '../../../../src/testing/virtual-clock.js';
import {
  type LinkRun,
  linkFindings,
  measureLink,
} from '../../../../src/verification/calibration/bandwidth.js';
import { achieved } from '../../../../src/verification/calibration/figures.js';
import { paramsByClass } from '../../../../src/verification/kinds/bandwidth/params.js';

const never = new AbortController().signal;
const params = paramsByClass('paced')!;
const run = (streamBytesPerS: number): LinkRun => ({
  contentBytesPerS: 4e9,
  digestBytesPerS: 2e9,
  streamBytesPerS,
});

describe('findings about a link', () => {
  test('say that they are not of the line, and change nothing', () => {
    const { advice, notes, limits, figures } = linkFindings([run(400e6)], paramsByClass('link-1g')!);
    expect(advice).toEqual([]);
    expect(limits[0]).toMatch(
      /^over loopback: .* It is not the rate of its line, which only peers can measure$/,
    );
    expect(notes).toEqual([
      'this host keeps up with class link-1g: its line decides, and changes nominalBytesPerS or does not',
    ]);
    // a byte is made once and digested twice: 1.25 ns of one thread
    expect(achieved(figures.at(-1)!)).toBeCloseTo(0.5);
    expect(figures.at(-1)!.parameter).toEqual({ name: 'nominalBytesPerS', set: 125e6, here: 400e6 });
  });

  test('say when no line could make this host one of the class', () => {
    expect(linkFindings([run(400e6)], paramsByClass('link-10g')!).notes).toEqual([
      'of class link-10g this host could be credited 32 % at most, whatever its line: a smaller class is for it',
    ]);
  });
});

describe('measuring a link', () => {
  const hosts = (rate: number) => {
    const clock = createVirtualClock();
    const network = createVirtualNetwork({ clock });
    const host = (address: string) =>
      network.host({ address, upBytesPerS: rate, downBytesPerS: rate, latencyMs: 1, loss: 0 });
    const parts = {
      link: host('10.0.0.1'),
      source: host('10.1.0.1'),
      address: '10.1.0.1',
      random: createSeededRandom('measure'),
      now: () => clock.monotonic(),
    };
    return { clock, parts };
  };

  test('counts what streams carry, whatever a ticket of the class is capped at', async () => {
    const rate = 4 * params.nominalBytesPerS;
    const { clock, parts } = hosts(rate);
    const [measured] = await clock.runUntil(measureLink(parts, { params, runs: 1 }, never));
    expect(measured!.streamBytesPerS).toBeGreaterThan(0.8 * rate);
    expect(measured!.streamBytesPerS).toBeLessThanOrEqual(rate);
  });

  test('says that nothing came where nothing did', async () => {
    const { clock, parts } = hosts(1e6);
    await expect(
      clock.runUntil(measureLink({ ...parts, address: '10.9.0.1' }, { params, runs: 1 }, never)),
    ).rejects.toMatchObject({ code: 'unreachable' });
  });
});
