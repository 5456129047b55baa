import { describe, expect, test } from 'vitest';
import { type Bay, createBay, type JointResult, type Membership } from '../../../src/miner/joint-go.js';
import type { Slot, SlotJob } from '../../../src/miner/slot.js';
import { toHex } from '../../../src/model/bytes.js';
import { toHotkey } from '../../../src/model/ids.js';
import { createVirtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.js';
import { slotSeed } from '../../../src/verification/seed.js';
import { bytes16, bytes32 } from '../../support/sessions.js';
import { TOY_COMMIT, TOY_PARAMS_ID } from '../../support/toy-kind.js';

const WORK_MS = 1000;
const BEACON = bytes32('beacon');
const [A, B, C] = ['a', 'b', 'c'].map(bytes16) as [Uint8Array, Uint8Array, Uint8Array];
const eventOf = (name: string) => ({ eventId: bytes32(name), basis: bytes32('basis') });

interface Job extends SlotJob {
  readonly startedAt: number;
  readonly signal: AbortSignal;
}

interface Scene {
  readonly bay: Bay;
  readonly clock: VirtualClock;
  readonly jobs: Job[];
  readonly prepared: string[];
  /** most jobs at work or unreleased at one time */
  readonly most: () => number;
  readonly released: () => number;
}

async function scene(
  body: (scene: Scene) => Promise<void>,
  setting: { fail?: Error; signal?: AbortSignal } = {},
): Promise<void> {
  const clock = createVirtualClock();
  const jobs: Job[] = [];
  const prepared: string[] = [];
  let now = 0;
  let most = 0;
  let released = 0;
  const slot: Slot = {
    claim: { index: 2, worker: 'host-1', kind: 'toy', paramsId: TOY_PARAMS_ID },
    prepare: async (basis) => void prepared.push(toHex(basis)),
    async start(job, signal) {
      jobs.push({ ...job, startedAt: clock.monotonic(), signal });
      most = Math.max(most, ++now);
      try {
        signal.throwIfAborted();
        await clock.sleep(WORK_MS, signal);
        signal.throwIfAborted();
        if (setting.fail) throw setting.fail;
      } catch (error) {
        now--;
        throw error;
      }
      return {
        commit: TOY_COMMIT,
        open: async (request) => request,
        release: () => {
          now--;
          released++;
        },
      };
    },
  };
  const signal = setting.signal ?? new AbortController().signal;
  const bay = createBay({ slot, clock, hotkey: bytes32('miner') }, signal);
  await clock.runUntil(body({ bay, clock, jobs, prepared, most: () => most, released: () => released }));
}

let validators = 0;
/** A validator of its own unless named. */
const another = () => toHotkey(`validator ${validators++}`);

function armed(bay: Bay, name = 'event', validator = another()): Membership {
  const joined = bay.arm(eventOf(name), validator);
  if (typeof joined === 'string') throw new Error(`not armed: ${joined}`);
  return joined;
}

function gone(member: Membership, nonce: Uint8Array, beacon = BEACON): Promise<JointResult> {
  const going = member.go({ nonce, beacon, at: 0 });
  if (typeof going === 'string') throw new Error(`not gone: ${going}`);
  return going;
}

const hex = (nonces: readonly Uint8Array[]) => nonces.map(toHex);

describe('the joint start', () => {
  test('is at once when everybody who armed has gone', () =>
    scene(async ({ bay, clock, jobs }) => {
      const [a, b] = [armed(bay), armed(bay)];
      const first = gone(a, A);
      await clock.sleep(100);
      const second = gone(b, B);
      await Promise.all([first, second]);
      expect(jobs.map(({ startedAt }) => startedAt)).toEqual([100]);
    }));

  test('is 300 ms after the first Go when somebody is missing', () =>
    scene(async ({ bay, clock, jobs }) => {
      const [a] = [armed(bay), armed(bay)];
      await clock.sleep(50);
      const { nonces } = await gone(a!, A);
      expect(jobs[0]!.startedAt).toBe(350);
      expect(hex(nonces)).toEqual([toHex(A)]);
    }));

  test('waits no longer for one that leaves', () =>
    scene(async ({ bay, clock, jobs }) => {
      const [a, b] = [armed(bay), armed(bay)];
      const result = gone(a, A);
      await clock.sleep(120);
      b.leave();
      await result;
      expect(jobs[0]!.startedAt).toBe(120);
    }));

  test('gives all validators the same work and the same nonces, in ascending order whoever was first', () =>
    scene(async ({ bay, jobs }) => {
      const members = [armed(bay), armed(bay), armed(bay)];
      const results = await Promise.all(members.map((member, i) => gone(member, [B, C, A][i]!)));
      const ascending = hex([A, B, C]).sort();
      for (const { nonces, proving } of results) {
        expect(hex(nonces)).toEqual(ascending);
        expect(proving).toBe(results[0]!.proving);
      }
      expect(jobs).toHaveLength(1);
      expect(toHex(jobs[0]!.seed)).toBe(
        toHex(
          slotSeed({
            beacon: BEACON,
            nonces: [A, B, C],
            hotkey: bytes32('miner'),
            worker: 'host-1',
            slot: 2,
            eventId: bytes32('event'),
            paramsId: TOY_PARAMS_ID,
          }),
        ),
      );
    }));

  test('leaves out a Go that comes after it, and that validator sees so in the set', () =>
    scene(async ({ bay, clock, jobs }) => {
      const [a, b] = [armed(bay), armed(bay)];
      const first = gone(a, A);
      await clock.sleep(301);
      const { nonces } = await gone(b, B);
      expect(hex(nonces)).toEqual([toHex(A)]);
      expect((await first).nonces).toBe(nonces);
      expect(jobs).toHaveLength(1);
    }));

  test('prepares the operand when the event is first armed, once', () =>
    scene(async ({ bay, prepared }) => {
      armed(bay);
      armed(bay);
      expect(prepared).toEqual([toHex(bytes32('basis'))]);
    }));
});

describe('disagreement', () => {
  test('of a second validator about the beacon is refused, and the first goes on', () =>
    scene(async ({ bay }) => {
      const [a, b] = [armed(bay), armed(bay)];
      const first = gone(a, A);
      expect(b.go({ nonce: B, beacon: bytes32('another beacon'), at: 0 })).toBe('disagrees');
      expect(hex((await first).nonces)).toEqual([toHex(A)]);
    }));

  test('about the basis is refused at the Arm', () =>
    scene(async ({ bay }) => {
      armed(bay);
      expect(bay.arm({ ...eventOf('event'), basis: bytes32('another basis') }, another())).toBe('disagrees');
    }));
});

describe('one slot', () => {
  test('never runs two events: the first that goes wins, the others are refused until it is over', () =>
    scene(async ({ bay, clock, jobs, most }) => {
      const a = armed(bay, 'one');
      const b = armed(bay, 'two');
      const first = gone(a, A);
      expect(b.go({ nonce: B, beacon: BEACON, at: 0 })).toBe('busy');
      const c = armed(bay, 'three'); // armed while another works: it may be over by the Go
      await first;
      expect(c.go({ nonce: C, beacon: BEACON, at: 0 })).toBe('busy');
      c.leave();
      b.leave();
      a.leave();
      await clock.sleep(1);
      await gone(armed(bay, 'three'), C);
      expect(jobs.map(({ eventId }) => toHex(eventId))).toEqual(hex([bytes32('one'), bytes32('three')]));
      expect(most()).toBe(1);
    }));

  test('has one event armed by each validator at a time, until that one goes or leaves', () =>
    scene(async ({ bay }) => {
      const [one, two] = [another(), another()];
      const first = armed(bay, '1', one);
      expect(bay.arm(eventOf('2'), one)).toBe('busy');
      expect(bay.arm(eventOf('1'), one)).toBe('busy');
      armed(bay, '2', two);
      first.leave();
      first.leave();
      const second = armed(bay, '3', one);
      first.leave(); // of an event long left: nothing of the present one
      expect(bay.arm(eventOf('4'), one)).toBe('busy');
      await gone(second, A);
      second.leave();
      armed(bay, '4', one);
    }));

  test('is not held by a validator that armed and never went', () =>
    scene(async ({ bay, clock, released }) => {
      const [a, absent] = [armed(bay), armed(bay)];
      await gone(a, A);
      a.leave();
      await clock.sleep(1);
      expect(released()).toBe(1);
      expect(absent.go({ nonce: B, beacon: BEACON, at: 0 })).toBe('busy');
      await gone(armed(bay, 'next'), B);
      absent.leave();
      expect(armed(bay, 'after next').go({ nonce: C, beacon: BEACON, at: 0 })).toBe('busy'); // the next event still runs
    }));

  test('is not held by a work that nobody waits for when it would begin', () =>
    scene(async ({ bay, clock }) => {
      const [a, absent] = [armed(bay), armed(bay)];
      const result = gone(a, A).catch((error: unknown) => error);
      a.leave();
      await clock.sleep(301);
      expect(await result).toBeInstanceOf(DOMException);
      expect(typeof bay.arm(eventOf('next'), another())).toBe('object');
      absent.leave();
    }));
});

describe('leaving', () => {
  test('of the last one aborts work that has not finished', () =>
    scene(async ({ bay, clock, jobs, released }) => {
      const [a, b] = [armed(bay), armed(bay)];
      const results = [gone(a, A), gone(b, B)].map((each) => each.catch((error: unknown) => error));
      await clock.sleep(500);
      a.leave();
      expect(jobs[0]!.signal.aborted).toBe(false);
      b.leave();
      expect(jobs[0]!.signal.aborted).toBe(true);
      for (const error of await Promise.all(results)) expect(error).toBeInstanceOf(DOMException);
      expect(released()).toBe(0);
      expect(typeof bay.arm(eventOf('next'), another())).toBe('object');
    }));

  test('of the last one releases finished work, once, however often it leaves', () =>
    scene(async ({ bay, clock, released }) => {
      const a = armed(bay);
      await gone(a, A);
      a.leave();
      a.leave();
      await clock.sleep(1);
      expect(released()).toBe(1);
    }));

  test('before any Go leaves nothing behind', () =>
    scene(async ({ bay, jobs }) => {
      for (let i = 0; i < 20; i++) armed(bay, `event ${i}`).leave();
      expect(typeof bay.arm(eventOf('next'), another())).toBe('object');
      expect(jobs).toEqual([]);
    }));

  test('after a failure of the work frees the slot', () => {
    const fail = new Error('the device is gone');
    return scene(
      async ({ bay }) => {
        const a = armed(bay);
        await expect(gone(a, A)).rejects.toBe(fail);
        a.leave();
        await expect(gone(armed(bay, 'next'), B)).rejects.toBe(fail);
      },
      { fail },
    );
  });

  test('the end of the miner aborts what is at work', () => {
    const stop = new AbortController();
    return scene(
      async ({ bay, clock, jobs }) => {
        const result = gone(armed(bay), A).catch((error: unknown) => error);
        await clock.sleep(10);
        stop.abort();
        expect(jobs[0]!.signal.aborted).toBe(true);
        expect(await result).toBeInstanceOf(DOMException);
      },
      { signal: stop.signal },
    );
  });
});
