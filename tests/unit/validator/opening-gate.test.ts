import { describe, expect, test } from 'vitest';
import { toHotkey } from '../../../src/model/ids.js';
import { createOpeningGate } from '../../../src/validator/opening-gate.js';

const [A, B] = ['a', 'b'].map(toHotkey) as [ReturnType<typeof toHotkey>, ReturnType<typeof toHotkey>];

/** Asks to enter, in the order of the calls; `inside` are the names of those that are. */
function scene(total: number, perMiner: number, miners = 1) {
  const gate = createOpeningGate({ total, perMiner, miners: () => miners });
  const inside: string[] = [];
  return {
    inside,
    async enter(name: string, miner: typeof A, bytes: number): Promise<() => void> {
      const leave = await gate.enter(miner, bytes);
      inside.push(name);
      return () => {
        leave();
        inside.splice(inside.indexOf(name), 1);
      };
    },
    /** until nothing more can happen by itself */
    settle: async () => {
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    },
  };
}

describe('the gate of openings', () => {
  test('lets in as many bytes as fit, and the next when room is given back', async () => {
    const { enter, inside, settle } = scene(100, 100);
    const first = await enter('1', A, 60);
    void enter('2', B, 60);
    void enter('3', B, 50);
    await settle();
    expect(inside).toEqual(['1']);
    first();
    await settle();
    expect(inside).toEqual(['2']);
  });

  test('lets others past a miner that has its share already', async () => {
    const { enter, inside, settle } = scene(100, 40);
    const first = await enter('a1', A, 40);
    void enter('a2', A, 40);
    void enter('b1', B, 40);
    await settle();
    expect(inside).toEqual(['a1', 'b1']);
    first();
    await settle();
    expect(inside).toEqual(['b1', 'a2']);
  });

  test('lets in alone what is larger than any bound, rather than never', async () => {
    const { enter, inside, settle } = scene(100, 40);
    const large = await enter('large', A, 1e9);
    void enter('again', A, 1);
    await settle();
    expect(inside).toEqual(['large']);
    large();
    await settle();
    expect(inside).toEqual(['again']);
  });

  test('keeps an equal share for everybody: openings that never come take their own miner’s turns only', async () => {
    const { enter, inside, settle } = scene(100, 100, 4);
    for (let slot = 0; slot < 8; slot++) void enter(`a${slot}`, A, 20);
    void enter('b', B, 20);
    await settle();
    expect(inside).toEqual(['a0', 'b']);
  });

  test('lets in first whoever was let in least', async () => {
    const { enter, inside, settle } = scene(40, 40, 1);
    const first = await enter('a1', A, 40);
    void enter('a2', A, 40);
    void enter('b1', B, 40);
    first();
    await settle();
    expect(inside).toEqual(['b1']);
  });

  test('takes room back once, however often it is given', async () => {
    const gate = createOpeningGate({ total: 10, perMiner: 10, miners: () => 1 });
    const leave = await gate.enter(A, 10);
    leave();
    leave();
    await gate.enter(A, 10);
    let entered = false;
    void gate.enter(B, 1).then(() => {
      entered = true;
    });
    await Promise.resolve();
    await Promise.resolve();
    expect(entered).toBe(false);
  });
});
