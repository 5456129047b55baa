import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  classOf,
  DERIVED,
  DEVICES,
  deriveParams,
  deviceByClass,
  EFFICIENCY,
  fitOf,
  MAX_HASH_SHARE,
  MIN_LABELS,
  PASS_EFFICIENCY,
  WINDOW_MS,
} from '../../../src/verification/classes.js';
import { COMPUTE_PARAMS, computeOps, creditFor } from '../../../src/verification/kinds/compute/params.js';
import { kinds } from '../../../src/verification/kinds/index.js';
import {
  creditFor as memoryCredit,
  memoryParamsByClass,
} from '../../../src/verification/kinds/memory/params.js';

const derived = (name: string) => DERIVED.find((each) => each.class === name)!;
const sides = [2048, 4096, 8192, 16_384];

describe('classes of cards', () => {
  test('have the n that the rule gives, and the table has nothing else', () => {
    const table = DERIVED.map((each) => [
      each.class,
      each.n,
      each.memoryLabels,
      each.nominalLabels,
      each.capacityLabels,
    ]);
    expect(table).toEqual([
      ['rtx-3090', 8192, 321, 293, 517],
      ['rtx-4090', 16_384, 80, 80, 151],
      ['rtx-5090', 16_384, 107, 107, 191],
      ['l40s', 16_384, 160, 97, 167],
      ['a100-80', 8192, 1072, 611, 1136],
      ['h100-pcie', 16_384, 268, 186, 345],
      ['h100-sxm', 16_384, 268, 241, 450],
      ['h200', 8192, 1890, 1745, 3600],
      ['b200', 16_384, 603, 502, 1024],
      ['b300', 8192, 3620, 2036, 4093],
    ]);
  });

  test.each(DEVICES.map((device) => [device.class, device] as const))(
    '%s: the smallest n whose labels outlast the window, and at least 64 of them',
    (_, device) => {
      const { n, restsInWindow } = deriveParams(device);
      const lasts = (side: number) => {
        const { fillMs, hashShare, memoryLabels } = fitOf(device, side);
        return fillMs >= WINDOW_MS && hashShare <= MAX_HASH_SHARE && memoryLabels >= MIN_LABELS;
      };
      expect(fitOf(device, n).memoryLabels).toBeGreaterThanOrEqual(MIN_LABELS);
      const smallest = sides.find(lasts);
      if (restsInWindow) expect([smallest, n]).toEqual([undefined, 16_384]);
      else expect(smallest).toBe(n);
    },
  );

  test('whose memory is full before any window is over are two, and are credited for what fits', () => {
    expect(DERIVED.filter(({ restsInWindow }) => restsInWindow).map((each) => each.class)).toEqual([
      'rtx-4090',
      'rtx-5090',
    ]);
    const { fillMs, nominalLabels, memoryLabels } = derived('rtx-4090');
    expect(nominalLabels).toBe(memoryLabels);
    expect(fillMs / WINDOW_MS).toBeCloseTo(0.913, 3);
  });

  test('can be credited the full published peak, and no more than a label above it', () => {
    for (const device of DEVICES) {
      const params = COMPUTE_PARAMS.find((each) => each.class === device.class)!;
      const most = creditFor(params, params.labels).opsPerS!;
      expect(most).toBeGreaterThanOrEqual(device.peakOpsPerS);
      expect(most - device.peakOpsPerS).toBeLessThan(
        (computeOps({ ...params, labels: 1 }) * 1000) / WINDOW_MS,
      );
    }
  });

  test('have one window, like every set of the compute kind', () => {
    for (const params of COMPUTE_PARAMS) expect(params.windowMs).toBe(WINDOW_MS);
  });

  test('are sets of the compute kind, each with an address of its own', () => {
    for (const { class: name } of DERIVED)
      expect(COMPUTE_PARAMS.filter((params) => params.class === name)).toHaveLength(1);
    expect(kinds.compute!.table.size).toBe(COMPUTE_PARAMS.length);
  });

  test('stand in the documents as they are computed', () => {
    const page = readFileSync(new URL('../../../docs/proofs/parameters.md', import.meta.url), 'utf8');
    const giga = (value: number, digits: number) => (value / 1e9).toFixed(digits);
    for (const device of DEVICES) {
      const { class: name, path, peakOpsPerS, memoryBytes, memoryBytesPerS, linkBytesPerS } = device;
      const peak = `${peakOpsPerS / 1e12}${path === 'fp16' ? ' (FP16)' : ''}`;
      const published = [peak, memoryBytes / 1e9, memoryBytesPerS / 1e9, linkBytesPerS / 1e9];
      const units = [device.multiprocessors, device.clockHz / 1e9];
      expect(page).toContain(`| \`${name}\` | ${[...published, ...units].join(' | ')} |`);
      const { nominal, ...of } = derived(name);
      const cells = [
        of.n,
        of.memoryLabels,
        of.fillMs.toFixed(0),
        (100 * of.hashShare).toFixed(0),
        of.nominalLabels,
        of.capacityLabels,
        (nominal.opsPerS! / 1e12).toFixed(0),
        giga(of.regenBytesPerS, 1),
        giga(nominal.deviceBytes!, 1),
        giga(nominal.deviceBytesPerS!, 0),
      ];
      expect(page).toContain(`| \`${name}\` | ${cells.join(' | ')} |`);
    }
  });

  // worked out by hand before there was code: lost share of memory at n = 8192 and 16384 with 60 GB/s from outside, G at 60 % of peak
  test.each([
    ['rtx-4090', [9.8, 8.4]],
    ['a100-80', [4.8, 4.1]],
    ['h100-sxm', [4.6, 3.4]],
    ['h200', [3.2, 2.4]],
    ['b200', [3.5, 2.2]],
  ])('%s: the lost share is that of the design', (name, lost) => {
    const device = deviceByClass(name)!;
    const at = (n: number) => {
      const regenerated = (EFFICIENCY * device.peakOpsPerS) / (2 * n);
      return (100 * (regenerated + 60e9)) / (PASS_EFFICIENCY * device.memoryBytesPerS);
    };
    // the design rounds, and takes 8 TB/s or 7.7 for the B200
    expect(Math.abs(at(8192) - lost[0]!)).toBeLessThan(0.3);
    expect(Math.abs(at(16_384) - lost[1]!)).toBeLessThan(0.4);
  });

  test('of a memory too small for 64 labels are none', () => {
    const small = { ...deviceByClass('rtx-3090')!, class: 'tiny', memoryBytes: 250e6 };
    expect(() => deriveParams(small)).toThrow(
      'tiny: memory: expected room for 64 labels of 2048 x 2048, got 250000000 bytes',
    );
    expect(deriveParams({ ...small, memoryBytes: 2e9 })).toMatchObject({ n: 4096, restsInWindow: true });
  });
});

describe('the class of what was proven', () => {
  test('is a card’s own where it proves what is expected of it, 100 ms away as well', () => {
    for (const { class: name, nominal } of DERIVED) {
      expect(classOf(nominal)?.class).toBe(name);
      const late = Object.fromEntries(Object.entries(nominal).map(([key, value]) => [key, value * 0.951]));
      expect(classOf(late)).toBeDefined();
    }
  });

  test('is one that it meets in everything: a share of a card is a smaller card, or none', () => {
    const half = (name: string) =>
      Object.fromEntries(Object.entries(derived(name).nominal).map(([key, value]) => [key, value / 2]));
    expect(classOf(half('h100-sxm'))?.class).toBe('rtx-5090');
    expect(classOf(half('b200'))?.class).toBe('h100-sxm');
    expect(classOf(half('rtx-3090'))).toBeUndefined();
  });

  test('is found by a card that nobody listed, under whichever class it begins with', () => {
    // 48 GB, as fast as an L40S and with a tenth more bandwidth: what its labels and rounds would be by the rules of this table
    const figures = { ...deviceByClass('l40s')!, class: 'unlisted', memoryBytesPerS: 960e9 };
    const provenUnder = (name: string) => {
      const params = memoryParamsByClass(name)!;
      const { labelMs } = fitOf(figures, params.n);
      const labels = Math.min(params.labels, Math.floor((0.9 * figures.memoryBytes) / params.n ** 2));
      const roundMs = (labels * params.n ** 2 * 1000) / (0.85 * figures.memoryBytesPerS);
      return memoryCredit(params, {
        windowLabels: Math.floor(params.windowMs / labelMs),
        labels,
        rounds: Math.floor(params.passMs / roundMs),
      });
    };
    expect(classOf(provenUnder('rtx-3090'))?.class).toBe('rtx-3090'); // no more of its memory than that
    expect(classOf(provenUnder('l40s'))?.class).toBe('l40s');
  });

  test('hangs on memory: cards of equal products are told apart by what they hold and read', () => {
    const { nominal } = derived('a100-80');
    const ada = { ...nominal, ...derived('rtx-4090').nominal, opsPerS: nominal.opsPerS! * 1.1 };
    expect(classOf(ada)?.class).toBe('rtx-4090');
    expect(classOf({ opsPerS: nominal.opsPerS! })).toBeUndefined();
  });
});
