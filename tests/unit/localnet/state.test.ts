import { beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../../src/chain/codec/runtime.js';
import { readyKeys } from '../../../src/keys/keypair.js';
import { State } from '../../../src/localnet/state.js';
import fc from '../../support/properties.js';

const { Tempo, Keys, NetworksAdded } = runtime.SubtensorModule.storage;
const hotkey = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
beforeAll(readyKeys);

describe('state', () => {
  it('reads defaults where nothing is stored', () => {
    const state = new State(10);
    expect(state.get(Tempo, 1)).toBe(360);
    expect(state.has(Tempo, 1)).toBe(false);
  });

  it('remembers what each of the last blocks held', () => {
    const state = new State(10);
    for (let block = 1; block <= 5; block++) {
      state.open(block);
      if (block !== 3) state.put(Tempo, [1], block * 10);
      if (block === 4) state.delete(Tempo, 1);
    }
    const seen = [0, 1, 2, 3, 4, 5].map((block) => state.at(block).get(Tempo, 1));
    expect(seen).toEqual([360, 10, 20, 20, 360, 50]);
    expect(state.at(4).has(Tempo, 1)).toBe(false);
    expect(state.at(2).keys(Tempo)).toEqual([[1]]);
    expect(state.at(4).keys(Tempo)).toEqual([]);
  });

  it('forgets blocks beyond its history, and nothing that later ones inherit', () => {
    const state = new State(3);
    state.open(1);
    state.put(Tempo, [1], 11);
    state.put(Tempo, [2], 22);
    for (let block = 2; block <= 50; block++) {
      state.open(block);
      state.put(Keys, [1, block], hotkey);
      if (block > 2) state.delete(Keys, 1, block - 1);
      if (block === 20) state.put(Tempo, [2], 33);
    }
    expect(state.oldest).toBe(47);
    expect(state.at(47).get(Tempo, 1)).toBe(11);
    expect(state.at(47).get(Tempo, 2)).toBe(33);
    expect(state.at(48).keys(Keys, 1)).toEqual([[1, 48]]);
    expect(state.keys(Keys, 1)).toEqual([[1, 50]]);
  });

  it('takes back what was written since a mark', () => {
    const state = new State(10);
    state.open(1);
    state.put(Tempo, [1], 10);
    state.open(2);
    state.put(Tempo, [1], 20);
    const mark = state.mark();
    state.put(Tempo, [1], 30);
    state.put(NetworksAdded, [1], true);
    state.delete(Tempo, 1);
    state.rollback(mark);
    expect(state.get(Tempo, 1)).toBe(20);
    expect(state.keys(NetworksAdded)).toEqual([]);
    expect(state.at(1).get(Tempo, 1)).toBe(10);
  });

  it('is what a copy of everything at every block would be, whatever is written, taken back, reverted and pruned', () => {
    const history = 6;
    const step = fc.oneof(
      fc.record({ type: fc.constant('put' as const), key: fc.nat(4), value: fc.nat(999) }),
      fc.record({ type: fc.constant('delete' as const), key: fc.nat(4) }),
      fc.record({ type: fc.constant('block' as const) }),
      fc.record({ type: fc.constant('undo' as const), writes: fc.array(fc.tuple(fc.nat(4), fc.nat(999))) }),
      fc.record({ type: fc.constant('revert' as const), depth: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const state = new State(history);
        const copies: Map<number, number>[] = [new Map()];
        const now = (): Map<number, number> => copies.at(-1)!;
        for (const each of steps) {
          if (each.type === 'put') {
            state.put(Tempo, [each.key], each.value);
            now().set(each.key, each.value);
          } else if (each.type === 'delete') {
            state.delete(Tempo, each.key);
            now().delete(each.key);
          } else if (each.type === 'block') {
            state.open(copies.length);
            copies.push(new Map(now()));
          } else if (each.type === 'undo') {
            const mark = state.mark();
            for (const [key, value] of each.writes)
              if (value % 2 === 0) state.put(Tempo, [key], value);
              else state.delete(Tempo, key);
            state.rollback(mark);
          } else {
            const to = Math.max(state.oldest, copies.length - 1 - each.depth);
            state.revert(to);
            copies.length = to + 1;
          }
          for (let block = state.oldest; block < copies.length; block++) {
            const seen = new Map(
              state
                .at(block)
                .keys(Tempo)
                .map(([key]) => [key, state.at(block).get(Tempo, key)]),
            );
            expect(seen).toEqual(new Map([...copies[block]!].sort(([a], [b]) => a - b)));
          }
          expect(state.keys(Tempo)).toHaveLength(now().size);
        }
      }),
      { numRuns: 150 },
    );
  });
});
