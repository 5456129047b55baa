import { describe, expect, test } from 'vitest';
import { createLineUp } from '../../../src/validator/line-up.js';

function scene() {
  let start!: (value: string) => void;
  let fail!: (error: Error) => void;
  const line = createLineUp(
    new Promise<string>((resolve, reject) => {
      start = resolve;
      fail = reject;
    }),
  );
  const order: string[] = [];
  const enter = async (address: string, name: string) => {
    const value = await line.enter(address);
    order.push(`${name} ${value}`);
  };
  return { start, fail, enter, order };
}

describe('sessions that wait for one block', () => {
  test('go on host by host, whoever came first: slots of one device are not apart by the time of all others', async () => {
    const { start, enter, order } = scene();
    const all = ['c', 'a', 'b', 'a', 'c', 'a'].map((host, i) => enter(`10.0.0.${host}`, `${host}${i}`));
    start('go');
    await Promise.all(all);
    expect(order).toEqual(['a1 go', 'a3 go', 'a5 go', 'b2 go', 'c0 go', 'c4 go']);
  });

  test('5,000 slots of 700 hosts: those of a host follow one another without a gap', async () => {
    const { start, enter, order } = scene();
    const all = Array.from({ length: 5000 }, (_, i) => enter(`10.0.${i % 700}`, `${i % 700}`));
    start('');
    await Promise.all(all);
    let changes = 0;
    for (const [i, name] of order.entries()) if (name !== order[i - 1]) changes++;
    expect(changes).toBe(700);
  });

  test('whoever comes later goes at once', async () => {
    const { start, enter, order } = scene();
    start('go');
    await Promise.resolve();
    await enter('10.0.0.1', 'late');
    expect(order).toEqual(['late go']);
  });

  test('are all told when the block is missed', async () => {
    const { fail, enter, order } = scene();
    const all = [enter('a', '1'), enter('b', '2')];
    fail(new Error('missed'));
    expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(order).toEqual([]);
  });
});
