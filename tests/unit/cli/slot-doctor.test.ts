// Small proofs of the slots that are about to be claimed.
import { describe, expect, test } from 'vitest';
import { createSlotDoctor, type ExaminedSlot } from '../../../src/cli/slot-doctor.js';
import type { Compute } from '../../../src/compute/compute.js';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { systemClock } from '../../../src/model/clock.js';
import { AssayError } from '../../../src/model/errors.js';
import { kinds } from '../../../src/verification/kinds/index.js';
import { createHandClock } from '../../support/hand-clock.js';
import { toy } from '../../support/own-subnet.js';

const slotOn = (compute: Compute, index = 0, kind = 'compute', className = 'cpu-2048'): ExaminedSlot => ({
  index,
  kind: kinds[kind]!,
  className,
  devices: { compute },
});
const about = { hotkey: new Uint8Array(32), worker: 'host-1' };
const never = new AbortController().signal;

const lost = (): Compute => ({
  name: 'lost',
  loadOperand: () =>
    Promise.reject(new AssayError('unreachable', 'the card fell off the bus', { address: 'cuda:0' })),
});

describe('the doctor of slots', () => {
  test('a slot that is proven is claimed, one whose device is lost rests with the reason and a fix', async () => {
    const slots = [slotOn(createReferenceCompute()), slotOn(lost(), 1)];
    const doctor = createSlotDoctor({ clock: systemClock, slots: () => slots }, about);
    const [good, bad] = await doctor.examine(never);
    // a busy machine may be late
    expect(good!.said).toMatch(/^(accepted|rejected:window)$/);
    expect(bad).toMatchObject({ index: 1, state: 'failed', said: 'the card fell off the bus' });
    expect(bad!.fix).toMatch(/driver/);
    expect(doctor.rests(1, 'compute')).toBe('the card fell off the bus');
    expect(doctor.rests(0, 'compute') === undefined).toBe(good!.state === 'proven');
    slots[1] = slotOn(createReferenceCompute(), 1);
    const again = await doctor.examine(never, [bad!]);
    expect(again.map(({ index }) => index)).toEqual([1]);
    expect(doctor.rests(1, 'compute') === undefined).toBe(again[0]!.state === 'proven');
  });

  test('a slot of a subnet’s own kind is proven under its own class, as there is no small one', async () => {
    const slot = { ...slotOn(createReferenceCompute(), 2), kind: toy, className: 'toy' };
    const doctor = createSlotDoctor({ clock: systemClock, slots: () => [slot] }, about);
    expect(await doctor.examine(never)).toMatchObject([
      { index: 2, kind: 'toy', class: 'toy', state: 'proven', said: 'accepted' },
    ]);
    const other = createSlotDoctor({ clock: systemClock, slots: () => [{ ...slot, className: 'b' }] }, about);
    expect(await other.examine(never)).toMatchObject([
      { state: 'skipped', said: 'this build has no small proof of it' },
    ]);
  });

  test('a device that hangs costs its slot 45 s, and not the others; all of them together three minutes', async () => {
    const clock = createHandClock();
    const hangs: Compute = { name: 'hangs', loadOperand: () => new Promise(() => {}) };
    const slots = [0, 1, 2, 3, 4].map((index) => slotOn(hangs, index));
    const doctor = createSlotDoctor({ clock, slots: () => slots }, about);
    let done = false;
    const examined = doctor.examine(never).finally(() => {
      done = true;
    });
    while (!done) {
      if (clock.sleepers > 0) clock.advance(45_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await examined).map(({ state, said }) => [state, said])).toEqual([
      ...Array(4).fill(['failed', 'no proof within 45 s']),
      ['skipped', 'not looked at: the time was up'],
    ]);
    expect(doctor.rests(4, 'compute')).toBeUndefined();
  });

  test('one that failed and was not come to again has failed still: or nobody would ever look at it again', async () => {
    const clock = createHandClock();
    const hangs: Compute = { name: 'hangs', loadOperand: () => new Promise(() => {}) };
    const slots = [0, 1, 2, 3, 4].map((index) => slotOn(lost(), index));
    const doctor = createSlotDoctor({ clock, slots: () => slots }, about);
    const before = await doctor.examine(never);
    expect(before.map(({ state }) => state)).toEqual(Array(5).fill('failed'));
    for (const index of slots.keys()) slots[index] = slotOn(hangs, index);
    let done = false;
    const examined = doctor.examine(never, before).finally(() => {
      done = true;
    });
    while (!done) {
      if (clock.sleepers > 0) clock.advance(45_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await examined).at(-1)).toMatchObject({
      index: 4,
      state: 'failed',
      said: 'the card fell off the bus',
    });
  });

  test('a plot is looked at only where its hotkey is known', async () => {
    const { className } = kinds.storage!.facts([...kinds.storage!.table.values()][0]);
    const slots = [slotOn(createReferenceCompute(), 0, 'storage', className)];
    const doctor = createSlotDoctor({ clock: systemClock, slots: () => slots }, { worker: 'rack-1' });
    expect(await doctor.examine(never)).toMatchObject([
      { state: 'skipped', said: 'a plot is for a hotkey, which is not here' },
    ]);
  });

  test('ends with whoever asked', async () => {
    const hangs: Compute = { name: 'hangs', loadOperand: () => new Promise(() => {}) };
    const stop = new AbortController();
    const doctor = createSlotDoctor({ clock: systemClock, slots: () => [slotOn(hangs)] }, about);
    const examined = doctor.examine(stop.signal);
    stop.abort(new Error('asked to end'));
    await expect(examined).rejects.toThrow('asked to end');
  });
});
