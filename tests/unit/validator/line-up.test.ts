import { describe, expect, test } from 'vitest';
import { createLineUp } from '../../../src/validator/line-up.js';
import { bytes32 } from '../../support/sessions.js';

/** Each that is told takes `eachMs` to hand its frame over. */
function scene(eachMs = 0) {
  let now = 1000;
  let start!: (block: string) => void;
  let fail!: (error: Error) => void;
  const line = createLineUp(
    { monotonic: () => now },
    new Promise<{ hash: Uint8Array; seenAt: number }>((resolve, reject) => {
      start = (block) => resolve({ hash: bytes32(block), seenAt: now });
      fail = reject;
    }),
  );
  const order: string[] = [];
  const ends: (() => number)[] = [];
  const enter = async (address: string, name = address) => {
    const { line: own } = await line.enter(address);
    order.push(name);
    now += eachMs;
    own?.handedOver();
    ends.push(() => (own ? own.lastAt - own.beganAt : Number.NaN));
  };
  return { start, fail, enter, order, ends, lengthMs: () => line.lengthMs() };
}

const HOSTS = Array.from({ length: 12 }, (_, i) => `10.0.0.${i}`);

async function orderAt(block: string, hosts = HOSTS): Promise<string[]> {
  const { start, enter, order } = scene();
  const all = hosts.map((host) => enter(host));
  start(block);
  await Promise.all(all);
  return order;
}

describe('sessions that wait for one block', () => {
  test('go on host by host, whoever came first: slots of one device are not apart by the time of all others', async () => {
    const { start, enter, order } = scene();
    const all = ['c', 'a', 'b', 'a', 'c', 'a'].map((host, i) => enter(`10.0.0.${host}`, `${host}${i}`));
    start('block');
    await Promise.all(all);
    expect(order).toEqual(['b2', 'c0', 'c4', 'a1', 'a3', 'a5']);
  });

  test('5,000 slots of 700 hosts: those of a host follow one another without a gap', async () => {
    const { start, enter, order } = scene();
    const all = Array.from({ length: 5000 }, (_, i) => enter(`10.0.${i % 700}`, `${i % 700}`));
    start('block');
    await Promise.all(all);
    let changes = 0;
    for (const [i, name] of order.entries()) if (name !== order[i - 1]) changes++;
    expect(changes).toBe(700);
  });

  test('go in an order that hangs on the block, not on who came first: the same for all validators', async () => {
    const order = await orderAt('block 1');
    expect(await orderAt('block 1', [...HOSTS].reverse())).toEqual(order);
    expect(await orderAt('block 2')).not.toEqual(order);
  });

  test('are first and last as often as each other', async () => {
    const first = new Map<string, number>();
    const last = new Map<string, number>();
    for (let block = 0; block < 600; block++) {
      const order = await orderAt(`block ${block}`);
      first.set(order[0]!, (first.get(order[0]!) ?? 0) + 1);
      last.set(order.at(-1)!, (last.get(order.at(-1)!) ?? 0) + 1);
    }
    // 50 each, of 600 with probability 1/12: a standard deviation of 6.8
    for (const host of HOSTS)
      for (const count of [first.get(host)!, last.get(host)!]) expect(Math.abs(count - 50)).toBeLessThan(30);
  });

  test('all know when the last of them was handed over: no byte of any leaves before', async () => {
    const { start, enter, ends, lengthMs } = scene(3);
    const all = HOSTS.map((host) => enter(host));
    start('block');
    await Promise.all(all);
    expect(lengthMs()).toBe(36);
    expect(ends.map((end) => end())).toEqual(HOSTS.map(() => 36));
  });

  test('whoever comes later goes at once, in no line', async () => {
    const { start, enter, order, ends, lengthMs } = scene(3);
    start('block');
    await Promise.resolve();
    await enter('10.0.0.1', 'late');
    expect(order).toEqual(['late']);
    expect(ends[0]!()).toBeNaN();
    expect(lengthMs()).toBe(0);
  });

  test('are all told when the block is missed', async () => {
    const { fail, enter, order } = scene();
    const all = [enter('a', '1'), enter('b', '2')];
    fail(new Error('missed'));
    expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(order).toEqual([]);
  });
});
