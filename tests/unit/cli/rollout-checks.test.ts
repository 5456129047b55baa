import { describe, expect, it } from 'vitest';
import { type RolloutShown, rolloutChecks } from '../../../src/cli/demo/rollout-checks.js';
import type { RolloutRow } from '../../../src/cli/rollout-rows.js';
import type { RolloutMinerKind } from '../../../src/testing/rollouts/miners.js';

const KINDS: readonly (readonly [string, RolloutMinerKind])[] = [
  ['a', 'honest'],
  ['b', 'honest'],
  ['c', 'best-of-n'],
  ['d', 'stale'],
  ['e', 'copies'],
  ['f', 'int8'],
];
const rowOf = ([miner, kind]: (typeof KINDS)[number]): RolloutRow => {
  const isFound = kind !== 'honest' && kind !== 'int8';
  return {
    ...{ window: 0, miner, state: 'concluded', audited: 6, limits: 0, paidTokens: 1, creditTokens: 1 },
    ...{ wrong: isFound ? 4 : 0, detector: 1, weightTokens: isFound ? 0 : 1 },
    ...(isFound ? { convicted: 0 } : {}),
  };
};
const GOOD = {
  kinds: new Map(KINDS),
  windows: [0],
  rows: KINDS.map(rowOf),
  last: KINDS.map(rowOf),
  incentives: new Map([
    ['a', 1],
    ['b', 1],
  ]),
  replayed: [{ window: 0, is: 'same' }],
} as const satisfies RolloutShown;
const oks = (shown: Partial<RolloutShown>) => rolloutChecks({ ...GOOD, ...shown }).map(({ ok }) => ok);

describe('the checks of the demo of rollouts', () => {
  it('hold of a demo that went well', () => {
    expect(oks({})).toEqual([true, true, true, true, true]);
  });

  it('hold of nothing where nobody was there, audited, convicted or judged', () => {
    const nothing = {
      kinds: new Map(),
      windows: [],
      rows: [],
      last: [],
      incentives: new Map(),
      replayed: [],
    };
    expect(oks(nothing)).toEqual([false, false, false, false, false]);
  });

  it.each<[string, Partial<RolloutShown>, number]>([
    ['an honest miner that was never audited', { rows: GOOD.rows.slice(1) }, 0],
    ['a wrong rollout of an honest one', { rows: GOOD.rows.map((row) => ({ ...row, wrong: 1 })) }, 0],
    ['a liar that was not found', { rows: GOOD.rows.filter(({ miner }) => miner !== 'd') }, 1],
    ['an honest miner that is not paid', { incentives: new Map([['a', 1]]) }, 2],
    ['a convicted one that is', { incentives: new Map([...GOOD.incentives, ['c', 1]]) }, 3],
    ['none that is convicted', { last: GOOD.last.slice(0, 2) }, 3],
    [
      'a verdict left out',
      { replayed: [...GOOD.replayed, { window: 0, miner: undefined, is: 'flaw' }] as never },
      4,
    ],
    ['a window without verdicts', { windows: [0, 1] }, 4],
  ])('fail with %s', (_what, shown, check) => {
    expect(oks(shown).flatMap((ok, i) => (ok ? [] : [i]))).toEqual([check]);
  });
});
