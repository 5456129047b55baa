import { describe, expect, test } from 'vitest';
import {
  createBay,
  type JoinRefusal,
  type JointEvent,
  type JointResult,
  type Membership,
} from '../../../src/miner/joint-go.js';
import type { Slot, SlotJob } from '../../../src/miner/slot.js';
import { toHex } from '../../../src/model/bytes.js';
import { type Hotkey, toHotkey } from '../../../src/model/ids.js';
import { createVirtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.js';
import { passSeed, slotSeed } from '../../../src/verification/seed.js';
import { bytes16, bytes32 } from '../../support/sessions.js';
import { TOY_COMMIT, TOY_PARAMS_ID } from '../../support/toy-kind.js';

/** of one slot */
interface Bay {
  arm(event: JointEvent, validator: Hotkey): Membership | JoinRefusal;
}

const WORK_MS = 1000;
const BEACON = bytes32('beacon');
const [A, B, C] = ['a', 'b', 'c'].map(bytes16) as [Uint8Array, Uint8Array, Uint8Array];
const eventOf = (name: string) => ({ eventId: bytes32(name), basis: bytes32('basis') });

interface Job extends SlotJob {
  readonly startedAt: number;
  readonly signal: AbortSignal;
}

interface Step {
  readonly pass: string | undefined;
  readonly at: number;
  readonly leftMs: number;
}

interface Scene {
  /** the same index under other parameters */
  readonly other: Bay;
  readonly steps: Step[];
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
  setting: {
    fail?: Error;
    signal?: AbortSignal;
    phases?: NonNullable<Slot['phases']>;
    /** ms that each further step takes. @default 100 */
    stepMs?: number;
    offer?: () => Promise<Uint8Array>;
    shareOf?: (validator: string) => number;
  } = {},
): Promise<void> {
  const clock = createVirtualClock();
  const jobs: Job[] = [];
  const prepared: string[] = [];
  const steps: Step[] = [];
  let now = 0;
  let most = 0;
  let released = 0;
  const slot: Slot = {
    claim: { index: 2, worker: 'host-1', kind: 'toy', paramsId: TOY_PARAMS_ID },
    ...(setting.phases ? { phases: setting.phases } : {}),
    ...(setting.offer ? { offer: setting.offer } : {}),
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
        async next({ pass, leftMs }, stop) {
          stop.throwIfAborted();
          steps.push({ pass: pass && toHex(pass), at: clock.monotonic(), leftMs: leftMs() });
          await clock.sleep(setting.stepMs ?? 100, stop);
          stop.throwIfAborted();
          return Uint8Array.of(steps.length);
        },
        open: async (request) => request,
        release: () => {
          now--;
          released++;
        },
      };
    },
  };
  const signal = setting.signal ?? new AbortController().signal;
  const shareOf = setting.shareOf ? { shareOf: setting.shareOf } : {};
  const both = createBay({ clock, hotkey: bytes32('miner'), ...shareOf }, signal);
  const bay: Bay = { arm: (event, validator) => both.arm(slot, event, validator) };
  const renamed = { ...slot, claim: { ...slot.claim, paramsId: bytes32('other parameters') } };
  const other: Bay = { arm: (event, validator) => both.arm(renamed, event, validator) };
  await clock.runUntil(
    body({ bay, other, clock, jobs, steps, prepared, most: () => most, released: () => released }),
  );
}

let validators = 0;
/** A validator of its own unless named. */
const another = () => toHotkey(`validator ${validators++}`);

function armed(bay: Bay, name = 'event', validator = another()): Membership {
  const joined = bay.arm(eventOf(name), validator);
  if (typeof joined === 'string') throw new Error(`not armed: ${joined}`);
  return joined;
}

function gone(member: Membership, nonce: Uint8Array, beacon = BEACON, at = 0): Promise<JointResult> {
  const going = member.go({ nonce, beacon, at });
  if (typeof going === 'string') throw new Error(`not gone: ${going}`);
  return going;
}

const hex = (nonces: readonly Uint8Array[]) => nonces.map(toHex);

describe('the joint start', () => {
  test('is one index’s: what is armed under old and new parameters does not run beside each other', () =>
    scene(async ({ bay, other, jobs, most }) => {
      const [old, next] = [armed(bay), armed(other)];
      const running = gone(old, A);
      expect(next.go({ nonce: B, beacon: BEACON, at: 0 })).toBe('busy');
      const { nonces } = await running;
      expect(hex(nonces)).toEqual([toHex(A)]);
      old.leave();
      const after = armed(other);
      await gone(after, B);
      const seed = (nonce: Uint8Array, paramsId: Uint8Array) =>
        toHex(
          slotSeed({
            ...{ beacon: BEACON, nonces: [nonce], hotkey: bytes32('miner'), worker: 'host-1', slot: 2 },
            ...{ eventId: bytes32('event'), paramsId },
          }),
        );
      const seeds = [seed(A, TOY_PARAMS_ID), seed(B, bytes32('other parameters'))];
      expect(jobs.map((job) => toHex(job.seed))).toEqual(seeds);
      expect(most()).toBe(1);
    }));

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

  test('gives way to an event behind which more of the stake stands, and to no other', () =>
    scene(
      async ({ bay, clock, jobs, released }) => {
        const small = armed(bay, 'own event', toHotkey('small'));
        const [large, other] = ['large', 'other'].map((name) => armed(bay, 'event', toHotkey(name)));
        const lost = gone(small, C);
        const failed = expect(lost).rejects.toThrow();
        await clock.sleep(50);
        const kept = gone(large!, A); // 0.6 and 0.2 stand behind it, 0.2 behind what runs
        await failed;
        const { nonces } = await Promise.all([kept, gone(other!, B)]).then(([first]) => first);
        expect(hex(nonces)).toEqual(hex([A, B]).sort());
        expect(jobs.map(({ eventId }) => toHex(eventId))).toEqual(hex(['own event', 'event'].map(bytes32)));
        expect(jobs.map((job) => job.signal.aborted)).toEqual([true, false]);
        // as many, or fewer, take nothing away
        const again = armed(bay, 'later', toHotkey('small'));
        expect(again.go({ nonce: C, beacon: BEACON, at: 0 })).toBe('busy');
        expect(released()).toBe(0);
      },
      { shareOf: (validator) => ({ small: 0.2, large: 0.6, other: 0.2 })[validator] ?? 0 },
    ));

  test('counts from the earliest Go that is in, whichever was confirmed first', () =>
    scene(async ({ bay, clock, jobs }) => {
      const [a, b] = [armed(bay), armed(bay)];
      await clock.sleep(500);
      const first = gone(a, A, BEACON, 480);
      await Promise.all([first, gone(b, B, BEACON, 450)]);
      expect(jobs[0]!.goneAt).toBe(450);
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

describe('a session of several phases', () => {
  const PHASES: NonNullable<Slot['phases']> = [
    { from: 'go', withinMs: 2000 },
    { from: 'go', withinMs: 5000 },
    { from: 'pass', withinMs: 1000 },
    { from: 'pass', withinMs: 2000 },
  ];
  const PASS = bytes32('pass beacon');
  const passed = (member: Membership, nonce: Uint8Array, at: number, beacon = PASS) =>
    member.pass({ nonce, beacon, at });
  const bodies = async (member: Membership, from: number, to: number) => {
    const commits = [];
    for (let phase = from; phase <= to; phase++) commits.push(await member.commit(phase));
    return commits.map(({ body, nonces }) => [body[0], hex(nonces)]);
  };

  test('goes on by itself with the steps from Go, and with those from the Pass when all have sent it', () =>
    scene(
      async ({ bay, clock, jobs, steps }) => {
        const [a, b] = [armed(bay), armed(bay)];
        const results = [gone(a, A, BEACON, 0), gone(b, B, BEACON, 10)];
        await Promise.all(results);
        expect(await bodies(a, 1, 1)).toEqual([[1, hex([A, B]).sort()]]);
        expect(await a.commit(1)).toBe(await b.commit(1));
        await clock.sleep(3000);
        expect(steps).toHaveLength(1);
        const at = clock.monotonic();
        expect(passed(a, C, at)).toBeUndefined();
        await clock.sleep(150);
        expect(passed(b, A, at + 150)).toBeUndefined();
        const set = hex([A, C]).sort();
        expect(await bodies(b, 2, 3)).toEqual([
          [2, set],
          [3, set],
        ]);
        const { seed } = jobs[0]!;
        const pass = toHex(passSeed({ seed, beacon: PASS, nonces: [A, C] }));
        // a tenth of each phase is kept for the way back; counted from the first frame's arrival
        expect(steps).toEqual([
          { pass: undefined, at: 1000, leftMs: 4500 - 1000 },
          { pass, at: at + 150, leftMs: 900 - 150 },
          { pass, at: at + 250, leftMs: 1800 - 250 },
        ]);
      },
      { phases: PHASES },
    ));

  test('waits 300 ms for a Pass that does not come, and leaves out one that is later', () =>
    scene(
      async ({ bay, clock, steps }) => {
        const [a, b] = [armed(bay), armed(bay)];
        await Promise.all([gone(a, A), gone(b, B)]);
        await a.commit(1);
        const at = clock.monotonic();
        passed(a, A, at);
        await a.commit(2);
        expect(steps[1]!.at).toBe(at + 300);
        expect(passed(b, B, clock.monotonic())).toBeUndefined();
        expect(await bodies(b, 2, 3)).toEqual([
          [2, hex([A])],
          [3, hex([A])],
        ]);
      },
      { phases: PHASES },
    ));

  test('does not wait for one that left, was left out of the Go, or never went', () =>
    scene(
      async ({ bay, clock, steps }) => {
        const [a, b, late, never] = [armed(bay), armed(bay), armed(bay), armed(bay)];
        void gone(a, A);
        await gone(b, B);
        await gone(late, C);
        await a.commit(1);
        b.leave();
        const at = clock.monotonic();
        passed(a, A, at);
        await a.commit(2);
        expect(steps[1]!.at).toBe(at);
        never.leave();
      },
      { phases: PHASES },
    ));

  test('goes on without one that leaves while its Pass is waited for', () =>
    scene(
      async ({ bay, clock, steps }) => {
        const [a, b] = [armed(bay), armed(bay)];
        await Promise.all([gone(a, A), gone(b, B)]);
        await a.commit(1);
        const at = clock.monotonic();
        passed(a, A, at);
        await clock.sleep(120);
        b.leave();
        await a.commit(2);
        expect(steps[1]!.at).toBe(at + 120);
      },
      { phases: PHASES },
    ));

  test('refuses another beacon of the Pass than the first, and nobody else notices', () =>
    scene(
      async ({ bay }) => {
        const [a, b] = [armed(bay), armed(bay)];
        await Promise.all([gone(a, A), gone(b, B)]);
        await a.commit(1);
        passed(a, A, 0);
        expect(passed(b, B, 0, bytes32('another'))).toBe('disagrees');
        b.leave();
        expect(await bodies(a, 2, 2)).toEqual([[2, hex([A])]]);
      },
      { phases: PHASES },
    ));

  test('is let go by the last one that leaves, in whatever phase: what is at work stops, and is released once', () =>
    scene(
      async ({ bay, clock, released }) => {
        for (const [i, ms] of [50, 1050, 3000].entries()) {
          const a = armed(bay, `event ${i}`);
          const result = gone(a, A).catch(() => {});
          await clock.sleep(ms);
          a.leave();
          await result;
          await clock.sleep(1);
          expect(released()).toBe(i); // the first one never began to hold anything
        }
        const a = armed(bay, 'event 3');
        await gone(a, A);
        await a.commit(1);
        passed(a, A, 0);
        await clock.sleep(50);
        const next = a.commit(3).catch((error: unknown) => error);
        a.leave();
        expect(await next).toBeInstanceOf(DOMException);
        await clock.sleep(1);
        expect(released()).toBe(3);
        expect(passed(a, A, 0)).toBe('busy');
      },
      { phases: PHASES },
    ));

  test('of other holds are other events: the first that goes has the slot', () =>
    scene(
      async ({ bay }) => {
        const armedWith = (first: number) => {
          const hold = { first, last: first };
          return bay.arm({ ...eventOf('event'), hold }, another()) as Membership;
        };
        const [a, b] = [armedWith(1), armedWith(2)];
        await gone(a, A);
        expect(b.go({ nonce: B, beacon: BEACON, at: 0 })).toBe('busy');
      },
      { phases: PHASES },
    ));

  test('of a device that cannot go on fails for all, and says why', () =>
    scene(
      async ({ bay }) => {
        const a = armed(bay);
        const { proving } = await gone(a, A);
        delete (proving as { next?: unknown }).next;
        await expect(a.commit(1)).rejects.toMatchObject({ code: 'unsupported' });
        a.leave();
      },
      { phases: PHASES },
    ));
});

describe('a slot that meets others', () => {
  test('works for one validator at a time, told by that one alone', () =>
    scene(
      async ({ bay, clock, jobs }) => {
        const [a, b] = [armed(bay), armed(bay)];
        const brief = bytes16('brief');
        const result = a.go({ nonce: A, beacon: BEACON, at: 0, brief });
        expect(b.go({ nonce: B, beacon: BEACON, at: 0 })).toBe('busy');
        expect(hex((await (result as Promise<JointResult>)).nonces)).toEqual([toHex(A)]);
        expect(jobs.map(({ brief: told, startedAt }) => [told && toHex(told), startedAt])).toEqual([
          [toHex(brief), 0],
        ]);
        a.leave();
        await clock.sleep(1);
        await gone(armed(bay), B);
      },
      { offer: async () => bytes16('offer') },
    ));
});
