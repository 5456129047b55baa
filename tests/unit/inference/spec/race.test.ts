import { describe, expect, test } from 'vitest';
import {
  liftOf,
  likelihoodOf,
  raceZ,
  SCORE_UNIT,
  Z_UNIT,
} from '../../../../src/inference/spec/distribution.js';
import { firstWord } from '../../../../src/inference/spec/philox.js';
import {
  choose,
  type Judged,
  judge,
  MARGIN_UNIT,
  type Place,
  type Row,
  rowOf,
  sentinel,
  toleranceUnits,
} from '../../../../src/inference/spec/race.js';
import { gumbelOf, uniformOf, wordAt } from '../../../../src/inference/spec/stream.js';

const KEY = { k0: 0x0123_4567, k1: 0x89ab_cdef };
/** Numbers in (0, 1) from a stream that no test is about: a million of them take no time. */
type Draws = () => number;
function drawsOf(seed: number): Draws {
  let next = 0;
  return () => uniformOf(firstWord(next++, 0, seed, 0xffff_ffff));
}
const normal = (draws: Draws) => Math.sqrt(-2 * Math.log(draws())) * Math.cos(2 * Math.PI * draws());

/** Logits of a whole vocabulary. */
const drawnLogits = (draws: Draws, vocabulary: number, scale = 2) =>
  Float32Array.from({ length: vocabulary }, () => scale * normal(draws));

/** The highest of them, as a model gives them. */
function topOf(logits: Float32Array, candidates: number): Row {
  const order = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b).slice(0, candidates);
  return { ids: Int32Array.from(order), logits: Float32Array.from(order, (id) => logits[id]!) };
}

function chosen(row: Row, temperature: number, place: Place): number {
  const choice = choose(row, temperature, place);
  if (choice.kind !== 'chosen') throw new Error(choice.why);
  return choice.token;
}

function judged(...input: Parameters<typeof judge>): Judged {
  const judgement = judge(...input);
  if (judgement.kind !== 'judged') throw new Error(judgement.why);
  return judgement;
}

const at = (position: number, key = KEY): Place => ({ key, position });
const FAULT = { kind: 'fault', why: expect.stringContaining('not finite') };

describe('the choice', () => {
  test.each([1, 0.7, 2])('samples the softmax over the candidates at temperature %f', (temperature) => {
    const draws = drawsOf(10 * temperature);
    const row = topOf(drawnLogits(draws, 40, 1), 12);
    const counts = new Map<number, number>();
    const trials = 40_000;
    for (let position = 0; position < trials; position++) {
      const token = chosen(row, temperature, at(position));
      counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    let chiSquare = 0;
    for (const id of row.ids) {
      const likelihood = likelihoodOf(row, temperature, id);
      if (likelihood.kind === 'fault') throw new Error(likelihood.why);
      const expected = likelihood.probability * trials;
      chiSquare += ((counts.get(id) ?? 0) - expected) ** 2 / expected;
    }
    // 11 degrees of freedom: above 31.3 once in a thousand
    expect(chiSquare).toBeLessThan(31.3);
  });

  test('is the arg max of logits over temperature and draws', () => {
    const draws = drawsOf(2);
    for (let position = 0; position < 400; position++) {
      const row = topOf(drawnLogits(draws, 60, 12), 30);
      const score = (i: number) => row.logits[i]! / 0.7 + gumbelOf(wordAt(KEY, row.ids[i]!, position));
      const best = [...row.ids.keys()].reduce((a, b) => (score(b) > score(a) ? b : a));
      expect(chosen(row, 0.7, at(position))).toBe(row.ids[best]);
    }
  });

  test('of equal scores is the lowest id, in whatever order they come', () => {
    // beside 2^80 a draw is nothing
    for (const ids of [
      [7, 3, 5],
      [3, 5, 7],
      [5, 7, 3],
    ])
      expect(chosen({ ids: Int32Array.from(ids), logits: new Float32Array(3).fill(2 ** 80) }, 1, at(0))).toBe(
        3,
      );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'is a fault for a logit of %f',
    (bad) => {
      const row = { ids: Int32Array.of(1, 2), logits: Float32Array.of(1, bad) };
      expect(choose(row, 1, at(0))).toEqual(FAULT);
      expect(judge({ temperature: 1, vocabulary: 9, tolerance: 0 }, row, at(0), 1)).toEqual(FAULT);
      expect(likelihoodOf(row, 1, 1)).toEqual(FAULT);
      expect(liftOf(row, 1)).toEqual(FAULT);
    },
  );

  test('of no candidates is a fault', () => {
    const none = { ids: new Int32Array(0), logits: new Float32Array(0) };
    expect(choose(none, 1, at(0)).kind).toBe('fault');
    expect(judge({ temperature: 1, vocabulary: 9, tolerance: 0 }, none, at(0), 1, 0).kind).toBe('fault');
  });

  test('reads one row of many', () => {
    const candidates = {
      rows: 2,
      perRow: 2,
      ids: Int32Array.of(1, 2, 3, 4),
      logits: Float32Array.of(9, 8, 7, 6),
    };
    expect(rowOf(candidates, 1)).toEqual({ ids: Int32Array.of(3, 4), logits: Float32Array.of(7, 6) });
  });
});

describe('the banded rule', () => {
  const VOCABULARY = 120;

  /** Honest engines whose logits are off by less than half of delta each; most of the vocabulary near the cut. */
  function honest(delta: number, candidates: number, temperature: number, seed: number) {
    const draws = drawsOf(seed);
    const rules = { temperature, vocabulary: VOCABULARY, tolerance: toleranceUnits(delta) };
    const noisy = (logits: Float32Array) => logits.map((l) => l + (draws() - 0.5) * delta * 0.999);
    const counted = { violations: 0, foreign: 0, above: 0 };
    for (let position = 0; position < 1500; position++) {
      const logits = drawnLogits(draws, VOCABULARY, position % 2 === 0 ? 1 : 0.2);
      const mine = topOf(noisy(logits), candidates);
      const token = chosen(mine, temperature, at(position));
      const row = topOf(logits, candidates);
      const { violation, margin } = judged(rules, row, at(position), token, logits[token]);
      if (violation) counted.violations++;
      if (margin > 0) counted.above++;
      if (!row.ids.includes(token)) counted.foreign++;
    }
    return counted;
  }

  test.each([
    [0.4, 8, 1],
    [0.4, 8, 0.5],
    [0.4, 64, 2],
    [0.05, 8, 1],
    [1e-4, 8, 1],
  ])(
    'never accuses an honest token: delta %f, %i candidates, temperature %f',
    (delta, candidates, temperature) => {
      expect(honest(delta, candidates, temperature, 5).violations).toBe(0);
    },
  );

  test('is needed: noise of half a delta moves tokens over the cut and wins of rivals', () => {
    const { foreign, above } = honest(0.4, 8, 1, 6);
    expect(foreign).toBeGreaterThan(50);
    expect(above).toBeGreaterThan(10);
  });

  test('accuses another seed as often as two draws of the distribution differ', () => {
    const draws = drawsOf(3);
    const rules = { temperature: 1, vocabulary: VOCABULARY, tolerance: toleranceUnits(1e-4) };
    let [expected, found] = [0, 0];
    for (let position = 0; position < 3000; position++) {
      const row = topOf(drawnLogits(draws, VOCABULARY, 4), 64);
      const token = chosen(row, 1, at(position, { k0: 1, k1: 1 }));
      if (judged(rules, row, at(position), token).violation) found++;
      let same = 0;
      for (const id of row.ids) {
        const likelihood = likelihoodOf(row, 1, id);
        if (likelihood.kind === 'likelihood') same += likelihood.probability ** 2;
      }
      expected += 1 - same;
    }
    // Gini impurity; 4 standard deviations of 3000 trials are below 110
    expect(expected).toBeGreaterThan(1000);
    expect(Math.abs(found - expected)).toBeLessThan(110);
  });

  const row: Row = { ids: Int32Array.of(10, 11, 12), logits: Float32Array.of(3, 2, 1) };
  const rules = { temperature: 1, vocabulary: 99, tolerance: toleranceUnits(0.25) };
  const score = (id: number, logit: number, position: number) => logit + gumbelOf(wordAt(KEY, id, position));

  test('admits a token as far below the cut as delta, and none further', () => {
    expect(judged(rules, row, at(0), 50, 0.75).admissible).toBe(true);
    expect(judged(rules, row, at(0), 50, Math.fround(0.7499))).toMatchObject({
      admissible: false,
      violation: true,
    });
  });

  test('races every id where the row is the whole vocabulary', () => {
    const whole = { ...rules, vocabulary: 3 };
    const position = [...Array(2000).keys()].find((p) => chosen(row, 1, at(p)) === 12)!;
    expect(judged(rules, row, at(position), 10).margin).toBe(0);
    expect(judged(whole, row, at(position), 10).margin).toBe(
      Math.floor((score(12, 1, position) - score(10, 3, position)) * MARGIN_UNIT),
    );
  });

  test('gives margins in logits whatever the temperature', () => {
    const position = [...Array(2000).keys()].find((p) => chosen(row, 1, at(p)) === 11)!;
    const scaled: Row = { ids: row.ids, logits: row.logits.map((l) => l * 4) };
    const margin = (temperature: number, of: Row) =>
      judged({ ...rules, temperature }, of, at(position), 10).margin;
    expect(margin(1, row)).toBeGreaterThan(0);
    expect(margin(4, scaled)).toBe(4 * margin(1, row) + (margin(4, scaled) % 4));
  });

  test('caps a margin that integers do not hold', () => {
    const far: Row = { ids: Int32Array.of(1, 2), logits: Float32Array.of(3e38, -3e38) };
    expect(judged({ ...rules, vocabulary: 2 }, far, at(0), 2).margin).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('accuses a token that the model masks: were it a fault, it would keep a rollout from being judged', () => {
    expect(judged(rules, row, at(0), 50, Number.NEGATIVE_INFINITY)).toEqual({
      kind: 'judged',
      admissible: false,
      margin: Number.MAX_SAFE_INTEGER,
      violation: true,
    });
    // also where all of the row is within delta of its cut, and nobody rivals
    const flat: Row = { ids: Int32Array.of(1, 2), logits: Float32Array.of(1, 1) };
    expect(judged(rules, flat, at(0), 50, Number.NEGATIVE_INFINITY)).toMatchObject({ violation: true });
    expect(likelihoodOf(row, 1, 50, Number.NEGATIVE_INFINITY)).toMatchObject({ probability: 0 });
  });

  test('faults for a logit of the token that is none, and wants one at all', () => {
    expect(judge(rules, row, at(0), 50, Number.NaN)).toEqual(FAULT);
    expect(judge(rules, row, at(0), 50, Number.POSITIVE_INFINITY)).toEqual(FAULT);
    expect(() => judge(rules, row, at(0), 50)).toThrow(RangeError);
    expect(() => likelihoodOf(row, 1, 50)).toThrow(RangeError);
  });
});

describe('the sentinel', () => {
  const rules = { temperature: 1, vocabulary: 99, tolerance: toleranceUnits(0.01) };
  const row: Row = { ids: Int32Array.of(10, 11), logits: Float32Array.of(2, 2) };
  /** where the stop id 11 wins over 10 */
  const position = [...Array(50).keys()].find((p) => chosen(row, 1, at(p)) === 11)!;
  const sighting = { ...at(position), token: 10, logit: 2, ids: [11], logits: Float32Array.of(2) };

  test('sees a suppressed stop id, which the head has to confirm', () => {
    const { margin } = judged({ ...rules, vocabulary: 2 }, row, at(position), 10);
    expect(margin).toBeGreaterThan(rules.tolerance);
    expect(sentinel(rules, sighting)).toEqual({ kind: 'sighted', margin, finding: 'unconfirmed' });
  });

  test('is clear for the winner, and passes over the token itself', () => {
    const winner = { ...at(position), token: 11, logit: 2, ids: [10, 11], logits: Float32Array.of(2, 2) };
    expect(sentinel(rules, winner)).toEqual({ kind: 'sighted', margin: 0, finding: 'clear' });
  });

  test('asks the head of a token that the model masks, and passes over a stop id that it masks', () => {
    const masked = Number.NEGATIVE_INFINITY;
    expect(sentinel(rules, { ...sighting, logit: masked })).toMatchObject({ finding: 'unconfirmed' });
    expect(sentinel(rules, { ...sighting, logits: Float32Array.of(masked) })).toMatchObject({
      finding: 'clear',
    });
  });

  test('faults for logits that are none', () => {
    expect(sentinel(rules, { ...sighting, logit: Number.NaN })).toEqual(FAULT);
    expect(sentinel(rules, { ...sighting, logits: Float32Array.of(Number.POSITIVE_INFINITY) })).toEqual(
      FAULT,
    );
    expect(() => sentinel(rules, { ...sighting, ids: [] })).toThrow(RangeError);
  });
});

describe('the likelihood', () => {
  const row: Row = { ids: Int32Array.of(1, 2, 3), logits: Float32Array.of(2, 2, 2) };

  test('is a share of the candidates, of those and the token where they lack it', () => {
    expect(likelihoodOf(row, 1, 2)).toMatchObject({ probability: 1 / 3, logProbability: -Math.log(3) });
    expect(likelihoodOf(row, 1, 9, 2)).toMatchObject({ probability: 1 / 4, logProbability: -Math.log(4) });
  });

  test('sharpens with the temperature', () => {
    const two = { ids: Int32Array.of(1, 2), logits: Float32Array.of(1, 0) };
    expect(likelihoodOf(two, 0.5, 2)).toMatchObject({ probability: Math.exp(-2) / (1 + Math.exp(-2)) });
  });
});

describe('Z of tokens', () => {
  /** Mean Z of 4000 tokens chosen under one key and scored under another. */
  function meanZ(choosing: typeof KEY, temperature = 1): number {
    const draws = drawsOf(4);
    let sum = 0;
    for (let position = 0; position < 4000; position++) {
      const row = topOf(drawnLogits(draws, 64, 2), 32);
      const token = chosen(row, temperature, at(position, choosing));
      const likelihood = likelihoodOf(row, 1, token);
      if (likelihood.kind === 'fault') throw new Error(likelihood.why);
      sum += raceZ(at(position), token, likelihood.probability);
    }
    return sum / 4000 / Z_UNIT;
  }

  test('are 1 in the mean for honest tokens, many for those of another stream', () => {
    // standard deviation of the mean: 0.016
    expect(Math.abs(meanZ(KEY) - 1)).toBeLessThan(0.065);
    expect(meanZ({ k0: 1, k1: 1 })).toBeGreaterThan(5);
  });

  test('are capped', () => {
    expect(raceZ(at(0), 5, 1e-200)).toBe(2 ** 30);
  });
});

describe('the expected lift', () => {
  const offBy = (row: Row, temperature: number, expected: number) => {
    const lift = liftOf(row, temperature);
    if (typeof lift !== 'number') throw new Error(lift.why);
    return Math.abs(lift - expected * SCORE_UNIT);
  };

  test('is none where one token is certain, and H(n) - 1 where n are equal', () => {
    expect(liftOf({ ids: Int32Array.of(1), logits: Float32Array.of(3) }, 1)).toBe(0);
    expect(offBy({ ids: Int32Array.of(1, 2), logits: Float32Array.of(3, 3) }, 1, 0.5)).toBeLessThanOrEqual(1);
    const ten = { ids: new Int32Array(10), logits: new Float32Array(10) };
    expect(offBy(ten, 0.5, 7381 / 2520 - 1)).toBeLessThanOrEqual(1);
  });
});
