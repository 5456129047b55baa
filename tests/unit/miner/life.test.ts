// A miner's life with its steps handed in: what comes after what, and what an operator hears of it.
import { beforeAll, describe, expect, test } from 'vitest';
import type { Head } from '../../../src/chain/chain.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { createCallers } from '../../../src/miner/callers.js';
import { createLife, type LifeParts, type Registering } from '../../../src/miner/life.js';
import type { MinerEnd, Serving } from '../../../src/miner/miner.js';
import { createSessions } from '../../../src/miner/sessions.js';
import type { MinerAlert, SlotFinding } from '../../../src/miner/status.js';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import { recordingLog } from '../../support/logs.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';

beforeAll(readyKeys);

const FAILED: SlotFinding = {
  index: 0,
  kind: 'compute',
  class: 'cpu-2048',
  state: 'failed',
  said: 'rejected',
  fix: 'cool it',
};

interface Setting {
  readonly isRegistered?: boolean;
  readonly register?: LifeParts['register'];
  readonly examine?: LifeParts['examine'];
}

function living({ isRegistered = true, register, examine }: Setting) {
  const clock = createVirtualClock();
  const { log, lines } = recordingLog();
  const hotkey = toHotkey(devKeypair('miner').address);
  const stop = new AbortController();
  const alerts: MinerAlert[] = [];
  const phases: string[] = [];
  const chain = { isRegistered, block: 100, heads: new Set<(head: Head) => void>() };
  const runs: { end(how: MinerEnd): void; fail(error: Error): void }[] = [];
  const life = createLife(
    {
      clock,
      log,
      sessions: createSessions(),
      callers: createCallers({ clock, tell: () => {} }),
      tell: (alert) => alerts.push(alert),
      onPhase: ({ phase }) => phases.push(phase),
      examine,
      register,
      registrationRao: async () => 7n,
      reader: {
        head: async () => ({ number: chain.block, hash: new Uint8Array(32) }),
        subnet: async () => ({
          ...subnet([neuron(0), ...(chain.isRegistered ? [neuron(5, { hotkey })] : [])]),
          block: chain.block,
        }),
        watchHeads: (onHead, signal) =>
          new Promise<void>((resolve) => {
            chain.heads.add(onHead);
            signal.addEventListener('abort', () => {
              chain.heads.delete(onHead);
              resolve();
            });
          }),
      },
      serve: (signal, onReady) =>
        new Promise<MinerEnd>((end, fail) => {
          runs.push({ end, fail });
          signal.addEventListener('abort', () => end('asked'));
          const place = { uid: 5, axon: { ip: '127.0.0.2', port: 1 }, isOnChain: true };
          const address = { host: '127.0.0.2', port: 1 };
          const serving = {
            address,
            isEnding: () => false,
            head: () => chain.block,
            slots: () => [],
            place: () => place,
          };
          onReady(address, serving as unknown as Serving);
        }),
    },
    { netuid: NETUID, hotkey },
  );
  const settle = () => clock.runUntil(clock.sleep(1));
  const blocks = async (count: number) => {
    for (let i = 0; i < count; i++) {
      chain.block++;
      for (const onHead of [...chain.heads]) onHead({ number: chain.block, hash: new Uint8Array(32) });
      await settle();
    }
  };
  const running = life.run(stop.signal);
  return { life, clock, chain, runs, stop, running, alerts, phases, lines, settle, blocks };
}

describe('the life of a miner', () => {
  test('examines, serves and drains, in this order, and says so', async () => {
    const { running, stop, phases, settle, life } = living({ examine: async () => [] });
    await settle();
    expect(life.status()).toMatchObject({
      phase: 'serving',
      uid: 5,
      axon: { ip: '127.0.0.2', isOnChain: true },
    });
    stop.abort();
    await running;
    expect(phases).toEqual(['examining', 'serving', 'draining']);
  });

  test('waits for its registration, says what that costs, and serves once it has it', async () => {
    const { running, stop, chain, runs, alerts, phases, settle, blocks, life } = living({
      isRegistered: false,
    });
    await settle();
    expect(life.status()).toMatchObject({ phase: 'waiting', why: 'its registration', registrationRao: '7' });
    expect(alerts).toMatchObject([{ kind: 'not-registered', costRao: '7' }]);
    await blocks(20);
    expect(runs).toHaveLength(0);
    chain.isRegistered = true;
    await blocks(6);
    expect(runs).toHaveLength(1);
    expect(life.status()).toMatchObject({ phase: 'serving' });
    expect(life.status().registrationRao).toBeUndefined();
    stop.abort();
    await running;
    expect(phases).toEqual(['waiting', 'serving', 'draining']);
  });

  test('says what it waits for once an hour, however the price moves', async () => {
    const { running, stop, lines, settle, blocks } = living({ isRegistered: false });
    await settle();
    await blocks(310);
    expect(lines.filter(({ msg }) => msg.startsWith('not registered'))).toHaveLength(2);
    stop.abort();
    await running;
  });

  test('that is let go by the chain drains, waits and serves again, and does not die of it', async () => {
    const { running, stop, chain, runs, phases, settle, blocks } = living({});
    await settle();
    chain.isRegistered = false;
    runs[0]!.end('deregistered');
    await settle();
    expect(phases.at(-1)).toBe('waiting');
    chain.isRegistered = true;
    await blocks(6);
    expect([runs.length, phases.at(-1)]).toEqual([2, 'serving']);
    stop.abort();
    await running;
  });

  test('that finds itself unregistered when it announces waits as well; any other fault of serving ends it', async () => {
    const { running, chain, runs, phases, settle, blocks } = living({});
    await settle();
    chain.isRegistered = false;
    runs[0]!.fail(new AssayError('chain-unknown', 'no neuron', { what: 'neuron' }));
    await settle();
    expect(phases.at(-1)).toBe('waiting');
    chain.isRegistered = true;
    await blocks(6);
    const broken = new AssayError('unreachable', 'port taken', { address: '127.0.0.2:1' });
    runs[1]!.fail(broken);
    await expect(running).rejects.toBe(broken);
  });

  test('buys one registration, and not a second one when that is lost', async () => {
    const bought: number[] = [];
    const setting = living({
      isRegistered: false,
      register: async (): Promise<Registering> => {
        bought.push(setting.chain.block);
        setting.chain.isRegistered = true;
        return { is: 'sent' };
      },
    });
    const { running, stop, chain, runs, settle, blocks } = setting;
    await settle();
    expect([bought.length, runs.length]).toEqual([1, 1]);
    chain.isRegistered = false;
    runs[0]!.end('deregistered');
    await settle();
    await blocks(40);
    expect(bought).toHaveLength(1);
    stop.abort();
    await running;
  });

  test.each([
    ['too dear', async (): Promise<Registering> => ({ is: 'too-dear', costRao: 9n }), 3],
    ['never sent', async (): Promise<Registering> => ({ is: 'unsent', error: new Error('no node') }), 3],
    [
      'refused by the chain',
      () =>
        Promise.reject(
          new AssayError('chain-rejected', 'no', { call: 'c', error: 'NotEnoughBalanceToStake' }),
        ),
      3,
    ],
    // it may have landed, or may yet
    [
      'lost sight of',
      () => Promise.reject(new AssayError('timeout', 'no block', { what: 'b', afterMs: 1 })),
      1,
    ],
  ])(
    'a registration that is %s is tried again only where nothing was sent',
    async (_name, register, times) => {
      let tries = 0;
      const { running, stop, settle, blocks } = living({
        isRegistered: false,
        register: () => {
          tries++;
          return register();
        },
      });
      await settle();
      await blocks(10);
      expect(tries).toBe(times);
      stop.abort();
      await running;
    },
  );

  test('says aloud which slot failed, why and what to do, and looks again until it is well', async () => {
    const looks: (readonly SlotFinding[] | undefined)[] = [];
    const { running, stop, clock, alerts, lines, settle, life } = living({
      examine: async (_signal, only) => {
        looks.push(only);
        return looks.length < 3 ? [FAILED] : [{ ...FAILED, state: 'proven', said: 'accepted' }];
      },
    });
    await settle();
    expect(alerts).toEqual([
      expect.objectContaining({
        kind: 'slot-failed',
        slot: '0 compute:cpu-2048',
        why: 'rejected',
        fix: 'cool it',
      }),
    ]);
    expect(lines.find(({ level }) => level === 'error')).toMatchObject({ why: 'rejected', fix: 'cool it' });
    await clock.runUntil(clock.sleep(61_000));
    expect([looks.length, looks[1]]).toEqual([2, [FAILED]]);
    await clock.runUntil(clock.sleep(121_000));
    expect(life.status().doctor).toMatchObject([{ state: 'proven' }]);
    await clock.runUntil(clock.sleep(24 * 3600_000));
    expect([looks.length, alerts.length]).toEqual([3, 1]);
    stop.abort();
    await running;
  });

  test('ends at once while it waits', async () => {
    const { running, stop, settle, phases } = living({ isRegistered: false });
    await settle();
    stop.abort();
    await running;
    expect(phases).toEqual(['waiting']);
  });
});
