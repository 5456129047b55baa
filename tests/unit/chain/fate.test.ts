import { describe, expect, it } from 'vitest';
import type { Connection, Subscription } from '../../../src/chain/subtensor/connection.js';
import { rejected, toChainError, unreachable } from '../../../src/chain/subtensor/errors.js';
import { type FollowOptions, sendAndFollow } from '../../../src/chain/subtensor/fate.js';
import { RpcFailure } from '../../../src/chain/subtensor/socket.js';
import { malformed } from '../../../src/chain/subtensor/storage.js';
import { silentLog } from '../../../src/model/log.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';

const HEX = '0x0bad';
const EXTRINSIC = { hex: HEX, from: 11, death: 20, call: 'SubtensorModule.set_weights' };

/** A chain that makes a block every ten seconds, behind a connection that a test breaks. */
function scene({ finalityLag = 2, keepsBodies = true } = {}) {
  const clock = createVirtualClock();
  const bodies = new Map<string, string[]>();
  const chain: string[] = [];
  let salt = '';
  const push = (...extrinsics: string[]) => {
    const hash = `0x${chain.length}${salt}`;
    bodies.set(hash, ['0xtime', ...extrinsics]);
    chain.push(hash);
    return hash;
  };
  for (let i = 0; i <= 10; i++) push();
  const header = (number: number) => ({ number: `0x${Math.max(0, number).toString(16)}` });
  const best = () => chain.length - 1;
  let away = false;
  let lose = () => {};
  let onStatus: (status: unknown) => void = () => {};
  let asked = 0;
  const sends: unknown[] = [];
  let refusal: Error | undefined;
  const connection = {
    url: 'ws://x',
    isConnected: true,
    isClosed: false,
    whenConnected: async () => {
      while (away) await clock.sleep(100);
    },
    status: () => ({ head: away ? undefined : { number: best() } }),
    leave: () => true,
    async request(method: string, [arg]: readonly unknown[]) {
      if (away) throw unreachable('ws://x');
      if (method === 'chain_getFinalizedHead') return 'final';
      if (method === 'chain_getHeader') return header(arg === 'final' ? best() - finalityLag : best());
      if (method === 'chain_getBlockHash') return (arg as number[]).map((number) => chain[number] ?? null);
      asked++;
      const extrinsics = bodies.get(String(arg));
      return extrinsics && keepsBodies ? { block: { extrinsics } } : null;
    },
    async subscribe(
      _kind: unknown,
      params: readonly unknown[],
      on: (status: unknown) => void,
    ): Promise<Subscription> {
      sends.push(params[0]);
      if (refusal) throw refusal;
      onStatus = on;
      const lost = new Promise<void>((resolve) => {
        lose = resolve;
      });
      return { lost, stop: () => {} };
    },
  };
  const parts = {
    connection: connection as unknown as Connection, // what sendAndFollow uses of it
    clock,
    log: silentLog,
    limits: { fatePollMs: 1_000, blockHashesPerRequest: 4 },
  };
  return {
    clock,
    push,
    sends,
    status: (status: unknown) => onStatus(status),
    loseWatch: () => lose(),
    goAway: (is: boolean) => {
      away = is;
    },
    refuse: (error: Error) => {
      refusal = error;
    },
    /** Takes blocks back to `number`; those made next are others. */
    fork: (number: number) => {
      chain.length = number + 1;
      salt += 'f';
    },
    bodiesAsked: () => asked,
    send: (options?: FollowOptions) => sendAndFollow(parts, EXTRINSIC, options),
    /** Blocks until `done` settles. */
    async mine<T>(done: Promise<T>, at: Record<number, string[]> = {}): Promise<T> {
      let settled = false;
      done.then(
        () => {
          settled = true;
        },
        () => {
          settled = true;
        },
      );
      const mining = async () => {
        while (!settled && chain.length < 60) {
          await clock.sleep(10_000);
          push(...(at[chain.length] ?? []));
        }
      };
      const miner = mining();
      const result = await clock.runUntil(done.finally(() => {}));
      await clock.runUntil(miner);
      return result;
    },
  };
}

describe('an extrinsic on its way', () => {
  it('is in the block that the watch names', async () => {
    const { send, status } = scene();
    const { included } = await send();
    status('ready');
    status({ broadcast: ['peer'] });
    status({ inBlock: '0xb10c' });
    expect(await included).toBe('0xb10c');
  });

  it('is waited for until it is final when asked, over a fork that takes it back', async () => {
    const { send, status } = scene();
    const { included } = await send({ finalized: true });
    status({ inBlock: '0xaa' });
    status({ retracted: '0xaa' });
    status({ inBlock: '0xbb' });
    status({ finalized: '0xbb' });
    expect(await included).toBe('0xbb');
  });

  it.each([
    ['invalid', 'Invalid'],
    [{ usurped: '0x12' }, 'Usurped'],
  ])('is rejected by the status %j', async (said, error) => {
    const { send, status } = scene();
    const { included } = await send();
    status(said);
    await expect(included).rejects.toMatchObject({ code: 'chain-rejected', data: { error } });
  });

  it('is found in its block when the watch is lost, and was sent once', async () => {
    const { send, loseWatch, mine, goAway, sends, clock } = scene();
    const { included } = await send();
    goAway(true);
    loseWatch();
    void clock.sleep(45_000).then(() => goAway(false));
    expect(await mine(included, { 13: [HEX] })).toBe('0x13');
    expect(sends).toEqual([HEX]);
  });

  it('is looked for when the answer to sending was lost', async () => {
    const { send, refuse, mine } = scene();
    refuse(unreachable('ws://x'));
    const { included } = await send();
    expect(await mine(included, { 12: [HEX] })).toBe('0x12');
  });

  it('is looked for when a full pool dropped it: others may still have it', async () => {
    const { send, status, mine } = scene();
    const { included } = await send();
    status('dropped');
    expect(await mine(included, { 12: [HEX] })).toBe('0x12');
  });

  const answered = (code: number, message: string) =>
    toChainError(new RpcFailure(code, message, undefined), {
      url: 'ws://x',
      what: 'author_submitAndWatchExtrinsic',
      call: EXTRINSIC.call,
    });

  it.each([
    ['an internal error', answered(-32603, 'upstream timed out')],
    ['a server error', answered(-32000, 'request timeout')],
    ['no JSON-RPC', malformed('author_submitAndWatchExtrinsic')],
  ])('is looked for when the answer to sending was %s: the pool may have it', async (_, error) => {
    const { send, refuse, mine } = scene();
    refuse(error);
    const { included } = await send();
    expect(await mine(included, { 12: [HEX] })).toBe('0x12');
  });

  it.each([
    ['a refusal by the pool', rejected(EXTRINSIC.call, 'Stale')],
    ['a method that the node has not', answered(-32601, 'Method not found')],
    ['parameters that the node did not take', answered(-32602, 'Invalid params')],
  ])('is not looked for after %s', async (_, error) => {
    const { send, refuse } = scene();
    refuse(error);
    await expect(send()).rejects.toBe(error);
  });

  it.each([['invalid'], [{ usurped: '0x12' }]])('is in its block though the pool says %j', async (said) => {
    const { send, status, push } = scene();
    const { included } = await send();
    push(HEX);
    status(said);
    expect(await included).toBe('0x11');
  });

  it('given up by the pool is waited for until its block is final when asked', async () => {
    const { send, status, push, clock } = scene({ finalityLag: 2 });
    const { included } = await send({ finalized: true });
    push(HEX);
    status('invalid');
    let block: string | undefined;
    void included.then((hash) => {
      block = hash;
    });
    await clock.runUntil(clock.sleep(3_000));
    expect(block).toBeUndefined();
    push();
    push();
    expect(await clock.runUntil(included)).toBe('0x11');
  });

  it('is looked for when the node ends the watch', async () => {
    const { send, status, mine } = scene();
    const { included } = await send();
    status(undefined);
    expect(await mine(included, { 12: [HEX] })).toBe('0x12');
  });

  it('is looked for once its era is over though the watch says nothing', async () => {
    const lost = scene();
    const { included } = await lost.send();
    await expect(lost.mine(included)).rejects.toMatchObject({ data: { error: 'AncientBirthBlock' } });

    const there = scene();
    const sent = await there.send();
    expect(await there.mine(sent.included, { 14: [HEX] })).toBe('0x14');
  });

  it('can never be in a block once the last one that could have it is final', async () => {
    const { send, loseWatch, mine, clock, bodiesAsked } = scene({ finalityLag: 2 });
    const { included } = await send();
    loseWatch();
    await expect(mine(included)).rejects.toMatchObject({
      code: 'chain-rejected',
      data: { call: 'SubtensorModule.set_weights', error: 'AncientBirthBlock' },
    });
    // block 19 is the last for it, final when 21 is there, the eleventh made; seen within a poll
    expect(Math.floor(clock.monotonic() / 1_000)).toBeGreaterThanOrEqual(110);
    // each body once
    expect(bodiesAsked()).toBe(9);
  });

  it('is not called impossible by a node that does not keep the blocks', async () => {
    const { send, loseWatch, clock, push } = scene({ keepsBodies: false });
    const { included, stop } = await send();
    loseWatch();
    for (let i = 0; i < 30; i++) push();
    let decided = false;
    included
      .catch(() => {})
      .finally(() => {
        decided = true;
      });
    await clock.runUntil(clock.sleep(60_000));
    expect(decided).toBe(false);
    stop();
  });

  it('found on a fork that goes is looked for further when it is to be final', async () => {
    const { send, loseWatch, clock, push, fork } = scene({ finalityLag: 2 });
    const { included } = await send({ finalized: true });
    loseWatch();
    push(HEX);
    await clock.runUntil(clock.sleep(2_000));
    fork(10);
    push();
    push(HEX);
    push();
    await clock.runUntil(clock.sleep(2_000));
    push();
    expect(await clock.runUntil(included)).toBe('0x12f');
  });
});
