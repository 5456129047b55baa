// A slot that somebody pays for: proofs keep out of its way, and leave where they are in it.
import { describe, expect, test } from 'vitest';
import { createLeases, type Lease, parseLeases, withLease, withoutLease } from '../../../src/miner/leases.js';
import type { Slot } from '../../../src/miner/slot.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import { recordingLog } from '../../support/logs.js';
import { bytes32 } from '../../support/sessions.js';

const JOB = { eventId: bytes32('e'), basis: bytes32('b'), seed: bytes32('s') };

async function scene(first: readonly Lease[] = []) {
  const clock = createVirtualClock();
  const { log, lines } = recordingLog();
  const told: string[] = [];
  const written = { leases: first, fails: false };
  const leases = await createLeases({
    clock,
    log,
    read: async () => {
      if (written.fails) throw new Error('no disk');
      return written.leases;
    },
  });
  const slot = (index: number, kind = 'toy'): Slot =>
    leases.heed({
      claim: { index, worker: 'host-1', kind, paramsId: bytes32('p') },
      prepare: async () => void told.push(`prepare ${index}`),
      async start(_job, signal) {
        signal.addEventListener('abort', () => told.push(`abort ${index}`));
        return {
          commit: Uint8Array.of(1),
          next: async () => Uint8Array.of(2),
          open: async (request) => request,
          release: () => void told.push(`release ${index}`),
        };
      },
    });
  return { clock, leases, lines, told, written, slot };
}

describe('a leased slot', () => {
  test('says so, is not prepared and not begun; others and its check are', async () => {
    const { slot, told } = await scene([{ slot: 1 }]);
    const [free, leased, check] = [slot(0), slot(1), slot(1, 'liveness')];
    expect([free, leased, check].map((each) => each.isLeased?.())).toEqual([false, true, true]);
    await leased.prepare?.(bytes32('b'));
    await free.prepare?.(bytes32('b'));
    expect(told).toEqual(['prepare 0']);
    const signal = new AbortController().signal;
    await expect(leased.start(JOB, signal)).rejects.toMatchObject({ code: 'refused' });
    expect((await check.start(JOB, signal)).commit).toEqual(Uint8Array.of(1));
  });

  test('is given back by the proof on it within two seconds, and no other is', async () => {
    const { clock, leases, slot, told, written } = await scene();
    const stop = new AbortController();
    const running = leases.run(stop.signal);
    await clock.runUntil(
      (async () => {
        const proving = await slot(1).start(JOB, stop.signal);
        await slot(2).start(JOB, stop.signal);
        expect(await proving.next!({ pass: undefined, leftMs: () => 1 }, stop.signal)).toEqual(
          Uint8Array.of(2),
        );
        written.leases = [{ slot: 1 }];
        await clock.sleep(2_000);
        await clock.sleep(1);
        expect(told).toEqual(['abort 1', 'release 1']);
        stop.abort();
        await running;
      })(),
    );
  });

  test('is free again when its time is over, and stays leased while what is written cannot be read', async () => {
    const { clock, leases, slot, written, lines } = await scene();
    const stop = new AbortController();
    const running = leases.run(stop.signal);
    await clock.runUntil(
      (async () => {
        const at = slot(3);
        written.leases = [{ slot: 3, untilMs: clock.now() + 10_000 }];
        await clock.sleep(2_001);
        written.fails = true;
        await clock.sleep(4_000);
        expect(at.isLeased?.()).toBe(true);
        expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1);
        await clock.sleep(4_000);
        expect(at.isLeased?.()).toBe(false);
        stop.abort();
        await running;
      })(),
    );
  });
});

test('what is written of leases is one a slot, without those that are over', () => {
  const before: Lease[] = [{ slot: 1, untilMs: 50 }, { slot: 2 }];
  expect(withLease(before, { slot: 2, untilMs: 90 }, 60)).toEqual([{ slot: 2, untilMs: 90 }]);
  expect(withoutLease(before, 2, 10)).toEqual([{ slot: 1, untilMs: 50 }]);
  expect(parseLeases({ leases: before }, 'leases.json')).toEqual(before);
  expect(() => parseLeases({ leases: [{ slot: -1 }] }, 'leases.json')).toThrow('leases.json');
});
