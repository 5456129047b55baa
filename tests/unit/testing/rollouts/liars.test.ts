// Every liar before the whole audit, an honest miner in the same windows beside it. Weights are random and small: that a check finds its
// liar is tested here; how often, on which weights, is measured (docs/rollouts/calibration.md).
import { beforeAll, describe, expect, it } from 'vitest';
import { readyKeys } from '../../../../src/keys/keypair.js';
import type { RolloutLiar } from '../../../../src/testing/rollouts/liars/liar.js';
import { type Judge, measure, meet } from '../../../../src/testing/rollouts/liars/meet.js';
import { honestMiner, rolloutLiars } from '../../../../src/testing/rollouts/liars/rollout-liars.js';
import type { Mining } from '../../../../src/testing/rollouts/liars/window.js';
import { NEW_STANDING } from '../../../../src/verification/rollouts/standing.js';
import { liarWindows } from '../../../support/liar-windows.js';

const { signal } = new AbortController();
/** In which a check must find what it is named for: a near model shows at one token in hundreds. */
const WINDOWS = 12;

let judge: Judge;
let miningOf: (window: number) => Mining;
beforeAll(async () => {
  await readyKeys();
  ({ judge, miningOf } = liarWindows('liars.test'));
});

/** The first window in which one of its named checks finds the liar; undefined in none. */
async function foundIn(liar: RolloutLiar, by: Judge, windows: number): Promise<number | undefined> {
  for (let window = 1; window <= windows; window++) {
    const mining = miningOf(window);
    const handed = await liar.make(mining, signal);
    const of = { window: mining.window, hotkey: mining.key.publicKey, handed };
    const { findings } = await meet(by, of, signal);
    if (liar.caughtBy.some((check) => findings.has(check))) return window;
  }
  return undefined;
}

describe('a liar about a window of rollouts is found by the check that is named for it', () => {
  for (const liar of rolloutLiars.filter(({ caughtBy }) => caughtBy.length > 0))
    it(`${liar.name}: ${liar.lie}`, async () => {
      // what bytes show, they show at once
      expect(await foundIn(liar, judge, liar.of === 'bytes' ? 1 : WINDOWS)).toBeDefined();
    });

  it('of which there is one of each that was asked for, by a name of its own', () => {
    const names = rolloutLiars.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining([
        ...['other-seed', 'best-of-4', 'int8', 'int4', 'stale-1', 'stale-2', 'stale-5', 'stale-10'],
        ...['temperature-0.7', 'temperature-0.9', 'eos-suppressed', 'eos-padded', 'prompt-swapped'],
        ...['group-dropped', 'copied', 'steered', 'swapped-file', 'swapped-manifest', 'zip-bomb'],
        ...['oversized-manifest', 'oversized-file', 'malformed-manifest', 'malformed-file', 'others-file'],
      ]),
    );
    // a step or two moves too little for any check: nothing is named, and nothing claimed
    expect(rolloutLiars.filter(({ caughtBy }) => caughtBy.length === 0).map(({ name }) => name)).toEqual([
      'stale-1',
      'stale-2',
    ]);
  });
});

describe('an honest miner in those windows', () => {
  it('has nothing held against it, is paid whole, and its detector stays where it began', async () => {
    let before = NEW_STANDING;
    for (let window = 1; window <= WINDOWS; window++) {
      const mining = miningOf(window);
      const handed = await honestMiner.make(mining, signal);
      const of = { window: mining.window, hotkey: mining.key.publicKey, handed, before };
      const { findings, record } = await meet(judge, of, signal);
      expect([...findings]).toEqual([]);
      expect(record.state).toBe('concluded');
      expect(record.picks.map(({ outcome }) => outcome)).toEqual(new Array(6).fill('valid'));
      before = record.after;
    }
    expect(before.counts.every(({ audited, valid }) => audited === valid)).toBe(true);
    for (const value of before.detector.values) expect(value).toBeLessThanOrEqual(2n ** 32n);
  });
});

describe('a check that is not made', () => {
  it('misses its liars: a tolerance of everything finds none of those of tokens', async () => {
    const blind = { ...judge, rules: { ...judge.rules, tolerance: Number.MAX_SAFE_INTEGER } };
    for (const name of ['other-seed', 'int4', 'temperature-0.7', 'steered', 'copied']) {
      const liar = rolloutLiars.find((one) => one.name === name)!;
      expect(await foundIn(liar, blind, 2), name).toBeUndefined();
    }
  });
});

describe('rates over windows', () => {
  it('count windows that were missed, rollouts that were wrong, and windows to each conviction', async () => {
    const liar = (name: string): RolloutLiar => rolloutLiars.find((one) => one.name === name)!;
    const rates = (name: string) => measure(judge, liar(name), { windows: 3, miningOf }, signal);
    expect(await rates('other-seed')).toEqual({
      name: 'other-seed',
      windows: 3,
      missed: 0,
      judged: 18,
      wrong: 18,
      convicted: [1, 1, 1],
    });
    expect(await rates('swapped-file')).toMatchObject({ missed: 0, judged: 0, convicted: [] });
    expect(await measure(judge, honestMiner, { windows: 3, miningOf }, signal)).toMatchObject({
      missed: 3,
      judged: 18,
      wrong: 0,
      convicted: [],
    });
  });
});
