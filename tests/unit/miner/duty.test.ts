import { describe, expect, test } from 'vitest';
import { createDuty, type DutyCaps } from '../../../src/miner/duty.js';
import type { Slot, SlotJob } from '../../../src/miner/slot.js';
import { silentLog } from '../../../src/model/log.js';

const HOUR_MS = 3_600_000;
const JOB: SlotJob = { eventId: new Uint8Array(32), basis: new Uint8Array(32), seed: new Uint8Array(32) };

/** Time that passes as a test says, and a wall clock that it can set besides. */
function createClock() {
  let [monotonic, now] = [0, 1_700_000_000_000];
  return {
    now: () => now,
    monotonic: () => monotonic,
    sleep: async () => {},
    advance(ms: number) {
      monotonic += ms;
      now += ms;
    },
    step(ms: number) {
      now += ms;
    },
  };
}

/** A slot whose work takes so long, and whose opening is so large. */
function worker({ caps, kept }: { caps: DutyCaps; kept?: string }) {
  const clock = createClock();
  let written = kept;
  const keep = async (text: string) => {
    written = text;
  };
  const duty = createDuty({ clock, log: silentLog, kept, keep }, caps);
  const slotOf = (
    index: number,
    { tag = 'host-1', kind = 'compute', ms = 2000, bytes = 1000, moved = 0 } = {},
  ): Slot =>
    duty.heed({
      claim: { index, worker: tag, kind, paramsId: new Uint8Array(32) },
      moved: () => moved,
      async start() {
        clock.advance(ms);
        return {
          commit: new Uint8Array(8),
          async next() {
            clock.advance(ms);
            return new Uint8Array(8);
          },
          async open() {
            return new Uint8Array(bytes);
          },
          release: () => {},
        };
      },
    });
  const prove = async (slot: Slot) => {
    const proving = await slot.start(JOB, new AbortController().signal);
    await proving.open(new Uint8Array());
    return proving;
  };
  return { clock, duty, slotOf, prove, written: () => written };
}

describe('proof duty', () => {
  test('counts the time of every step and the bytes of every frame, slot by slot', async () => {
    const { duty, slotOf, prove } = worker({ caps: {} });
    const proving = await prove(slotOf(0, { moved: 5000 }));
    await proving.next!({ pass: undefined, leftMs: () => 0 }, new AbortController().signal);
    await prove(slotOf(1));
    expect(duty.rows()).toEqual([
      { worker: 'host-1', slot: '0', deviceSeconds: 4, bytes: 8 + 5000 + 1000 + 8 },
      { worker: 'host-1', slot: '1', deviceSeconds: 2, bytes: 8 + 1000 },
    ]);
  });

  test('declines the event that would go beyond the cap, of all slots of the host and of no other host', async () => {
    const { slotOf, prove } = worker({ caps: { deviceSeconds: 5 } });
    const [first, second, elsewhere] = [slotOf(0), slotOf(1), slotOf(2, { tag: 'host-2' })];
    await prove(first);
    expect(first.declines!(1)).toBeUndefined(); // 2 s were used, and 2 more are within 5
    await prove(second);
    expect(first.declines!(1)).toBe('capped');
    expect(second.declines!(1)).toBe('capped');
    expect(elsewhere.declines!(1)).toBeUndefined();
  });

  test('caps bytes as well, those of a round included', async () => {
    const { slotOf, prove } = worker({ caps: { bytes: 10_000 } });
    const slot = slotOf(0, { moved: 6000 });
    await prove(slot);
    expect(slot.declines!(1)).toBe('capped');
  });

  test('a day later there is room again, and a clock that went back makes none', async () => {
    const { clock, slotOf, prove } = worker({ caps: { deviceSeconds: 3 } });
    const slot = slotOf(0);
    await prove(slot);
    clock.advance(23 * HOUR_MS);
    expect(slot.declines!(1)).toBe('capped');
    clock.step(-2 * HOUR_MS);
    expect(slot.declines!(1)).toBe('capped');
    clock.step(2 * HOUR_MS);
    clock.advance(1.1 * HOUR_MS);
    expect(slot.declines!(1)).toBeUndefined();
  });

  test('is kept over a restart', async () => {
    const before = worker({ caps: { deviceSeconds: 3 } });
    await before.prove(before.slotOf(0));
    const kept = before.written()!;
    const after = worker({ caps: { deviceSeconds: 3 }, kept });
    expect(after.slotOf(0).declines!(1)).toBe('capped');
    expect(() => worker({ caps: {}, kept: '{}' })).toThrow('duty: expected');
    expect(() => worker({ caps: {}, kept: 'no' })).toThrow('duty: expected JSON');
  });

  test('work that failed has taken its time too', async () => {
    const { clock, duty } = worker({ caps: {} });
    const slot = duty.heed({
      claim: { index: 0, worker: 'host-1', kind: 'compute', paramsId: new Uint8Array(32) },
      async start() {
        clock.advance(1500);
        throw new Error('the device is gone');
      },
    });
    await expect(slot.start(JOB, new AbortController().signal)).rejects.toThrow('gone');
    expect(duty.rows()[0]!.deviceSeconds).toBe(1.5);
  });

  test('a check is counted and never declined', async () => {
    const { duty, slotOf, prove } = worker({ caps: { deviceSeconds: 0 } });
    const check = slotOf(0, { kind: 'liveness' });
    await prove(check);
    expect(check.declines!(1)).toBeUndefined();
    expect(slotOf(0).declines!(1)).toBe('capped');
    expect(duty.rows()[0]).toMatchObject({ slot: '0 check', deviceSeconds: 2 });
  });
});
