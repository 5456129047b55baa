// The walk where writing down, closing, or a checkpoint fails: memory and ledger stay one.
import { beforeAll, describe, expect, it } from 'vitest';
import { devKeypair, readyKeys } from '../../../../src/keys/keypair.js';
import { equals } from '../../../../src/model/bytes.js';
import { AssayError } from '../../../../src/model/errors.js';
import { toHotkey } from '../../../../src/model/ids.js';
import { createMemoryShelf } from '../../../../src/rollouts/shelf.js';
import { createVirtualClock } from '../../../../src/testing/virtual-clock.js';
import type { Alarm } from '../../../../src/validator/rollouts/alarms.js';
import { memoryRolloutLedger, type RolloutEntry } from '../../../../src/validator/rollouts/ledger.js';
import {
  createRolloutValidator,
  type RolloutValidatorStatus,
  type WindowJudge,
} from '../../../../src/validator/rollouts/run.js';
import { recordingLog } from '../../../support/logs.js';
import { chainByClock, GENESIS, NETUID, rulesOf } from '../../../support/rollout-chain.js';

const MINER = toHotkey(devKeypair('one').address);
const POLICY = {
  temperature: '1',
  candidates: 64,
  maxTokens: 8,
  stopIds: [0],
  rolloutsPerGroup: 2,
  environmentDigest: new Uint8Array(32).fill(9),
};
const DUE_MS = 1_700_000_000_000;
const MINUTE = 60_000;

/** Window `window`, whose audit's round is out when the test begins. */
const collected = (window: number): RolloutEntry => ({
  type: 'collected',
  window,
  startBlock: 10 + 40 * window,
  deadlineBlock: 30 + 40 * window,
  context: {
    beacon: { kind: 'dev-chain', round: 0n, signature: new Uint8Array(32) },
    ...{ genesis: GENESIS, netuid: NETUID, window },
    checkpointDigest: new Uint8Array(32).fill(window),
    policyDigest: new Uint8Array(32),
  },
  round: 0n,
  deliveries: [{ miner: MINER, is: 'refused', manifest: new Uint8Array(32), reason: 'other-window' }],
});

interface Judging extends WindowJudge {
  /** windows that count */
  readonly closed: number[];
}
const judgeOf = (own: Partial<WindowJudge> & { readonly closing?: (window: number) => void }): Judging => {
  const closed: number[] = [];
  return {
    closed,
    async *judge({ collected: { window }, judged }) {
      if (!judged.has(MINER)) yield { miner: MINER, record: Uint8Array.of(window) };
    },
    close({ window }) {
      own.closing?.(window);
      return () => void closed.push(window);
    },
    credit: () => new Map([[MINER, closed.length]]),
    prove: () => {},
    alarms: () => [],
    ...own,
  };
};

describe('the walk through windows', () => {
  beforeAll(readyKeys);

  /** Runs until so many of the windows that the ledger begins with are over. */
  async function walk(
    judge: WindowJudge,
    ledger: ReturnType<typeof memoryRolloutLedger>,
    {
      over,
      keepCheckpoints,
      telling = () => {},
    }: {
      over: number;
      keepCheckpoints?: (kept: readonly Uint8Array[]) => Promise<void>;
      telling?: () => void;
    },
  ) {
    const clock = createVirtualClock();
    const world = chainByClock(clock, [MINER]);
    // no window of its own is begun: those of the ledger are enough
    world.fails = () => new Error('the line is down');
    const { log, lines } = recordingLog();
    const statuses: (RolloutValidatorStatus & { readonly afterMs: number })[] = [];
    const stop = new AbortController();
    const validator = createRolloutValidator(
      {
        ...world,
        ...{ clock, log, ledger, judge, keepCheckpoints, holdersOf: () => [] },
        shelf: createMemoryShelf({ maxBytes: 2 ** 40 }),
        onStatus(status) {
          statuses.push({ ...status, afterMs: clock.now() - DUE_MS });
          if (statuses.filter(({ is }) => is === 'judged' || is === 'lapsed').length === over) stop.abort();
          telling();
        },
      },
      { ...rulesOf(new Uint8Array(32)), policy: POLICY, vocabulary: 300, quota: 16 },
    );
    await clock.runUntil(validator.run(stop.signal));
    return { statuses, lines, validator };
  }
  const typesOf = (entries: readonly RolloutEntry[]) =>
    entries.map(({ type, window }) => `${type} ${window}`);

  it('writes no end down that could not be closed, and closes none that could not be written down', async () => {
    let fails = 2;
    const judge = judgeOf({
      closing: () => {
        if (fails-- > 0) throw new Error('a standing that does not add up');
      },
    });
    const entries = [collected(0), collected(1)];
    const ledger = memoryRolloutLedger(entries);
    let full = 2;
    const seen: string[] = [];
    const { statuses } = await walk(
      judge,
      {
        ...ledger,
        async append(entry) {
          if (entry.type === 'judged' && entry.window === 1 && full-- > 0) {
            seen.push(`counted ${judge.closed.join()}`);
            throw new Error('full');
          }
          await ledger.append(entry);
        },
      },
      { over: 2 },
    );
    expect(typesOf(entries)).toEqual([
      'collected 0',
      'collected 1',
      'verdict 0',
      'judged 0',
      'verdict 1',
      'judged 1',
    ]);
    expect(judge.closed).toEqual([0, 1]);
    expect(seen).toEqual(['counted 0', 'counted 0']);
    expect(statuses.map(({ is, why }) => [is, why])).toEqual([
      ['pending', 'a standing that does not add up'],
      ['pending', 'a standing that does not add up'],
      ['judged', undefined],
      ['pending', 'full'],
      ['pending', 'full'],
      ['judged', undefined],
    ]);
    // whoever begins from the ledger comes to the same
    const again = judgeOf({});
    await walk(again, memoryRolloutLedger([...entries, collected(2)]), { over: 1 });
    expect(again.closed).toEqual([0, 1, 2]);
  });

  it('does not end a window twice because whoever is told of it fails', async () => {
    const entries = [collected(0), collected(1)];
    const judge = judgeOf({});
    const { statuses, lines } = await walk(judge, memoryRolloutLedger(entries), {
      over: 2,
      telling: () => {
        throw new Error('the pipe is closed');
      },
    });
    expect(statuses.map(({ is, window }) => `${is} ${window}`)).toEqual(['judged 0', 'judged 1']);
    expect(typesOf(entries).filter((one) => one.startsWith('judged'))).toEqual(['judged 0', 'judged 1']);
    expect(lines.filter(({ msg }) => msg === 'a status could not be told')).toHaveLength(2);
  });

  it('does not judge a window again, nor give up the next, because old files could not be removed', async () => {
    const entries = [collected(0), collected(1)];
    const judge = judgeOf({});
    const kept: number[][] = [];
    const { statuses, lines } = await walk(judge, memoryRolloutLedger(entries), {
      over: 2,
      keepCheckpoints: async (digests) => {
        kept.push([0, 1].filter((n) => digests.some((one) => equals(one, new Uint8Array(32).fill(n)))));
        throw new Error('EROFS');
      },
    });
    expect(statuses.map(({ is, window }) => `${is} ${window}`)).toEqual(['judged 0', 'judged 1']);
    expect(judge.closed).toEqual([0, 1]);
    // those of windows that are still to be judged are kept
    expect(kept[0]).toEqual([0, 1]);
    expect(lines.filter(({ msg }) => /could not be removed/.test(msg)).length).toBeGreaterThan(0);
  });

  it('waits an hour for a checkpoint that nobody gives, and a day for what fails here', async () => {
    const timeUntilLapse = async (error: Error) => {
      const judge = judgeOf({
        async *judge({ collected: { window } }) {
          if (window === 0) throw error;
          yield { miner: MINER, record: Uint8Array.of(window) };
        },
      });
      const { statuses } = await walk(judge, memoryRolloutLedger([collected(0), collected(1)]), { over: 2 });
      const ends = statuses.filter(({ is }) => is !== 'pending');
      expect(ends.map(({ is, window }) => `${is} ${window}`)).toEqual(['lapsed 0', 'judged 1']);
      expect(judge.closed).toEqual([1]);
      return { why: ends[0]!.why, minutes: Math.round(ends[0]!.afterMs / MINUTE) };
    };
    const gone = new AssayError('unreachable', 'checkpoint 00: nobody has it', { address: '00' });
    expect(await timeUntilLapse(gone)).toEqual({
      why: 'its checkpoint was not to be had',
      minutes: expect.toSatisfy((minutes: number) => minutes >= 60 && minutes <= 62),
    });
    expect(await timeUntilLapse(new Error('the session is gone'))).toEqual({
      why: 'it could not be judged here in time',
      minutes: expect.toSatisfy((minutes: number) => minutes >= 1440 && minutes <= 1442),
    });
  });

  it('names alarms in every status, and in the log when they begin and end', async () => {
    const evasive = { is: 'evasive', miner: MINER } as const;
    const after: readonly (readonly Alarm[])[] = [
      [{ is: 'broken' }],
      [{ is: 'broken' }, evasive],
      [evasive],
      [],
    ];
    const judge: Judging = judgeOf({ alarms: () => after[judge.closed.length - 1] ?? [] });
    const entries = after.map((_, window) => collected(window));
    const { statuses, lines } = await walk(judge, memoryRolloutLedger(entries), { over: after.length });
    expect(statuses.map(({ alarms }) => alarms)).toEqual(after);
    const said = lines.filter(({ msg, is }) => is !== undefined && msg !== 'window judged');
    expect(said.map(({ level, window, is }) => [level, window, is])).toEqual([
      ['error', 0, 'broken'],
      ['error', 1, 'evasive'],
      ['warn', 2, 'broken'],
      ['warn', 3, 'evasive'],
    ]);
  });

  it('holds no windows in memory that nothing hangs on any more', async () => {
    const windows = Array.from({ length: 16 }, (_, window) => window);
    const ledger = memoryRolloutLedger(windows.map(collected));
    const before: number[] = [];
    await walk(judgeOf({}), { ...ledger, forget: (window) => void before.push(window) }, { over: 16 });
    expect(before.slice(0, 15)).toEqual(windows.slice(0, 15).map((window) => window - 11));
  });

  it('does not begin on a ledger that is not whole', async () => {
    const entries = [collected(0), { type: 'judged', window: 0 } as const];
    await expect(walk(judgeOf({}), memoryRolloutLedger(entries), { over: 1 })).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('judged, and the verdict is not here'),
    });
  });
});
