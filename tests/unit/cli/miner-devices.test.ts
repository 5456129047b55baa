import { describe, expect, test } from 'vitest';
import { assignDevices, needsDevices } from '../../../src/cli/miner-devices.js';
import { parseSlots } from '../../../src/cli/wanted-slots.js';
import type { FoundDevice, FoundDevices } from '../../../src/compute/find-devices.js';

const device = (id: string, problem?: string): FoundDevice => ({
  id,
  name: id,
  memoryBytes: 1e9,
  choice:
    id === 'cpu' ? { device: 'cpu', threads: 0 } : { device: id.startsWith('cuda') ? 'cuda' : 'webgpu' },
  problem,
});
const found = (...devices: FoundDevice[]): FoundDevices => ({
  devices: [...devices, device('cpu')],
  absent: [],
  driver: undefined,
});
const ids = (slots: string[], of: FoundDevices) =>
  assignDevices(parseSlots(slots), of).map((each) => each?.id);

describe('devices of slots', () => {
  test('classes of cards take the cards in turn, each kind for itself; others the CPUs or none', () => {
    const slots = ['memory:h200', 'compute:h200', 'memory:h200', 'compute:cpu-2048', 'bandwidth:link-1g'];
    expect(ids(slots, found(device('cuda:0'), device('cuda:1')))).toEqual([
      'cuda:0',
      'cuda:0',
      'cuda:1',
      'cpu',
      undefined,
    ]);
  });

  test('a device that is named is taken, also twice, and for a class of other devices', () => {
    const slots = ['memory:h200@cuda:1', 'memory:h200@cuda:1', 'compute:h200@cpu', 'compute:cpu-2048@cuda:0'];
    const two = found(device('cuda:0'), device('cuda:1'));
    expect(ids(slots, two)).toEqual(['cuda:1', 'cuda:1', 'cpu', 'cuda:0']);
  });

  test('a card that a slot of the kind names is not given to another one unasked', () => {
    const two = found(device('cuda:0'), device('cuda:1'));
    expect(ids(['memory:h200', 'memory:h200@cuda:0', 'compute:h200'], two)).toEqual([
      'cuda:1',
      'cuda:0',
      'cuda:0',
    ]);
  });

  test('an adapter stands in where no driver of cards does, and not beside one', () => {
    expect(ids(['compute:gpu-4096'], found(device('webgpu')))).toEqual(['webgpu']);
    expect(() => ids(['memory:h200', 'memory:h200'], found(device('cuda:0'), device('webgpu')))).toThrow(
      /more slots of memory than the one device here; where several share one, say which: memory:h200@cuda:0/,
    );
  });

  test('cards with a problem are passed over, and named where there is no other', () => {
    const bad = device('cuda:0', 'it is lost');
    expect(ids(['memory:h200'], found(bad, device('cuda:1')))).toEqual(['cuda:1']);
    expect(() => ids(['compute:h200'], found(bad))).toThrow(
      /compute:h200 is a class of cards, and none can be used here: cuda:0: it is lost; to prove .* compute:h200@cpu/,
    );
    expect(() => ids(['compute:h200@cuda:0'], found(bad))).toThrow(/cuda:0: it is lost/);
  });

  test('what there is none of says why', () => {
    const none: FoundDevices = { ...found(), absent: [{ backend: 'cuda', why: 'no driver: install it' }] };
    expect(() => ids(['memory:h200'], none)).toThrow(/none can be used here: no driver: install it$/);
    expect(() => ids(['memory:h200@cuda:3'], none)).toThrow(
      /no device cuda:3 here \(no driver: install it\); there are cpu/,
    );
    expect(() => ids(['memory:h200@cpu'], none)).toThrow(/memory of its own/);
    expect(() => ids(['storage:nvme@cpu'], none)).toThrow(/storage does not compute/);
  });

  test('a host of CPUs is not asked for drivers', () => {
    expect(needsDevices(parseSlots(['compute:cpu-2048', 'host-memory:host-64']))).toBe(false);
    expect(needsDevices(parseSlots(['compute:cpu-2048@cpu']))).toBe(true);
    expect(needsDevices(parseSlots(['memory:h200']))).toBe(true);
  });

  test.each(['compute:a@', 'compute:a@b@c', '@cpu'])('%s is no slot', (text) => {
    expect(() => parseSlots([text])).toThrow(/expected kind:class or kind:class@device/);
  });
});
