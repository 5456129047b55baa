import { describe, expect, test } from 'vitest';
import { assertClasses, openSlots, type SlotOptions } from '../../../src/cli/miner-slots.js';
import { parseSlots } from '../../../src/cli/wanted-slots.js';
import type { FoundDevice } from '../../../src/compute/find-devices.js';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { kinds } from '../../../src/verification/kinds/index.js';
import { builtInFile } from '../../../src/verification/parameter-file.js';
import { toy } from '../../support/own-subnet.js';

const door: NonNullable<SlotOptions['link']>['door'] = {
  guest: { prefix: new Uint8Array(8), take: async () => {} },
  mayDial: () => false,
  tell() {},
  admitBy() {},
};

const cpu: FoundDevice = {
  id: 'cpu',
  name: 'CPU',
  memoryBytes: 1e9,
  choice: { device: 'cpu', threads: 1 },
  problem: undefined,
};

const open = (slots: readonly string[], of: Partial<SlotOptions> = {}) =>
  openSlots(
    { log: silentLog, clock: systemClock },
    {
      wanted: parseSlots(slots),
      kinds,
      worker: 'host-7',
      threads: 1,
      plots: [],
      link: { host: '127.0.0.1', port: 0, door },
      findDevices: async () => ({
        devices: [cpu],
        absent: [{ backend: 'cuda', why: 'no driver' }],
        driver: undefined,
      }),
      ...of,
    },
    new AbortController().signal,
  );

describe('slots of a miner', () => {
  test('are opened in their order, each under its own kind and class, and closed', async () => {
    const { under, close } = await open([
      'compute:cpu-2048',
      'host-memory:host-8',
      'liveness:live',
      'bandwidth:link-100m',
    ]);
    const { slots, resting } = under(builtInFile(kinds).sets);
    expect(resting).toEqual([]);
    expect(slots.map(({ claim }) => [claim.index, claim.kind, claim.worker])).toEqual([
      [0, 'compute', 'host-7'],
      [1, 'host-memory', 'host-7'],
      [1, 'liveness', 'host-7'], // the check of the slot before it
      [2, 'bandwidth', 'host-7'],
    ]);
    expect(slots.map(({ phases }) => phases!.length)).toEqual([1, 4, 1, 1]);
    expect((await slots[3]!.offer!()).length).toBeGreaterThan(32); // port and key
    await close();
  });

  test.each([
    [['compute'], /expected kind:class/],
    [['compute:'], /expected kind:class/],
    [['compute:a:b'], /expected kind:class/],
    [['comput:cpu-2048'], /no kind comput; there are .*compute/],
    [['constructor:cpu-2048'], /no kind constructor/],
    [['memory:h100-sxm'], /memory:h100-sxm is a class of cards, and none can be used here: no driver/],
    [['storage:nvme'], /needs --plot/],
  ])('%s are refused with a reason', async (slots, why) => {
    await expect((async () => open(slots))()).rejects.toThrow(why);
  });

  test.each([
    [
      'compute:h900',
      /^slot: compute has no class h900; .* shows them; a card without a class takes one by size: gpu-16384, gpu-4096, gpu-8192$/,
    ],
    ['compute:paced', /^slot: compute:paced is for simulated devices$/],
  ])('%s is in no table that it could be claimed from', (slot, why) => {
    const from = { kinds, sets: builtInFile(kinds).sets };
    expect(() => assertClasses(parseSlots(['compute:cpu-2048', slot]), from)).toThrow(why);
  });

  test('of a subnet’s own kind can be had on localnets, and on a live chain what nobody pays there is refused', () => {
    const own = { ...kinds, [toy.kind]: toy };
    const from = { kinds: own, sets: builtInFile(own).sets };
    expect(() => assertClasses(parseSlots(['toy:toy']), from)).not.toThrow();
    expect(() => assertClasses(parseSlots(['toy:toy']), { ...from, isLive: true })).toThrow(
      /^slot: toy:toy is for localnets: no live chain pays for it$/,
    );
  });

  test('keep their index where a file has no set for one of them, which rests and says why', async () => {
    const { under, close } = await open(['compute:cpu-2048', 'compute:own', 'liveness:live']);
    const { slots, resting } = under(builtInFile(kinds).sets);
    expect(slots.map(({ claim }) => [claim.index, claim.kind])).toEqual([
      [0, 'compute'],
      [1, 'liveness'],
    ]);
    expect(resting).toEqual([
      { slot: 'compute:own', why: expect.stringMatching(/^compute has no class own;/) },
    ]);
    await close();
  });
});
