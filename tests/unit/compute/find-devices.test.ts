import { describe, expect, test } from 'vitest';
import type { NvidiaCard, NvidiaHost } from '../../../src/compute/cuda/nvml.js';
import { findDevices } from '../../../src/compute/find-devices.js';
import { AssayError } from '../../../src/model/errors.js';

const state = {
  temperatureC: 40,
  powerW: 100,
  powerLimitW: 700,
  clockHz: 345e6,
  memoryClockHz: 2.6e9,
  usedBytes: 0,
  busyPercent: 0,
  processes: [],
};
const card = (index: number, more: Partial<NvidiaCard> = {}): NvidiaCard => ({
  index,
  uuid: `GPU-${index}`,
  name: 'NVIDIA H200',
  pciBusId: '0:17:0.0',
  memoryBytes: 141e9,
  capability: 90,
  maxClockHz: 1.98e9,
  maxMemoryClockHz: 3.2e9,
  link: { generation: 5, width: 16 },
  ecc: true,
  mig: false,
  slices: [],
  computeMode: 'default',
  state,
  ...more,
});
const host = (cards: NvidiaCard[], more: Partial<NvidiaHost> = {}): NvidiaHost => ({
  driver: { version: '550.54.15', cuda: 12_040 },
  cards,
  silent: [],
  ...more,
});
const missing = async (): Promise<never> => {
  throw new AssayError('unsupported', 'it: not here: install it', {
    what: 'it',
    why: 'not here: install it',
  });
};
const find = (nvidia: NvidiaHost, adapters: readonly { name: string; software: boolean }[] = []) =>
  findDevices({ listNvidia: async () => nvidia, listWebGpu: async () => adapters });

describe('devices of a host', () => {
  test('cards come first, each with what opens it, and the CPU is always there', async () => {
    const { devices, driver } = await find(host([card(0), card(1)]), [
      { name: 'NVIDIA H200', software: false },
    ]);
    expect(devices.map(({ id, choice, problem }) => ({ id, choice, problem }))).toEqual([
      { id: 'cuda:0', choice: { device: 'cuda', uuid: 'GPU-0' }, problem: undefined },
      { id: 'cuda:1', choice: { device: 'cuda', uuid: 'GPU-1' }, problem: undefined },
      { id: 'webgpu', choice: { device: 'webgpu', adapter: 'NVIDIA H200' }, problem: undefined },
      { id: 'cpu', choice: { device: 'cpu', threads: 0 }, problem: undefined },
    ]);
    expect(driver).toEqual({ version: '550.54.15', cuda: 12_040 });
  });

  test('adapters have a name each, software last', async () => {
    const { devices } = await find(host([]), [
      { name: 'llvmpipe', software: true },
      { name: 'Intel Arc A770', software: false },
      { name: 'AMD Radeon PRO W7900', software: false },
    ]);
    expect(devices.map(({ id, name }) => `${id} ${name}`).slice(0, 3)).toEqual([
      'webgpu Intel Arc A770',
      'webgpu:1 AMD Radeon PRO W7900',
      'webgpu:2 llvmpipe',
    ]);
  });

  test('slices of a card are devices, the card that was cut is none', async () => {
    const slices = [
      { uuid: 'MIG-a', memoryBytes: 20e9 },
      { uuid: 'MIG-b', memoryBytes: 40e9 },
    ];
    const { devices } = await find(host([card(0, { mig: true, slices })]));
    expect(devices.slice(0, -1).map(({ id, choice, memoryBytes }) => [id, choice, memoryBytes])).toEqual([
      ['cuda:0.0', { device: 'cuda', uuid: 'MIG-a' }, 20e9],
      ['cuda:0.1', { device: 'cuda', uuid: 'MIG-b' }, 40e9],
    ]);
  });

  test.each([
    [
      'a card without tensor cores',
      host([card(0, { capability: 61 })]),
      /compute capability 6.1 has no int8/,
    ],
    ['an old driver', host([card(0)], { driver: { version: '470', cuda: 11_040 } }), /takes CUDA 11.4/],
    ['a card that is prohibited', host([card(0, { computeMode: 'prohibited' })]), /nvidia-smi -c DEFAULT/],
    ['a card without slices', host([card(0, { mig: true })]), /has no slice/],
    ['a lost card', host([], { silent: [{ index: 3, why: 'GPU is lost' }] }), /GPU is lost: look for Xid/],
  ])('%s says what is wrong', async (_, nvidia, words) => {
    const { devices } = await find(nvidia);
    expect(devices[0].problem).toMatch(words);
  });

  test('what there is none of is said, with the reason', async () => {
    const { devices, absent } = await findDevices({ listNvidia: missing, listWebGpu: missing });
    expect(devices.map(({ id }) => id)).toEqual(['cpu']);
    expect(absent).toEqual([
      { backend: 'cuda', why: 'not here: install it' },
      { backend: 'webgpu', why: 'not here: install it' },
    ]);
    const none = await find(host([]));
    expect(none.absent).toEqual([{ backend: 'cuda', why: 'the NVIDIA driver sees no card' }]);
  });
});
