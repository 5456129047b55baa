import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Coldkey, toColdkey, toHotkey } from '../../../src/model/ids.js';
import { accepted } from '../../../src/model/verdict.js';
import {
  assertRules,
  bindRule,
  createScoringState,
  defineScoringRule,
  encodePolicy,
  type Pay,
  parsePolicy,
  payOf,
  policyDigest,
  type RuleClaim,
  readPolicy,
  restoreScoringState,
  type Scored,
  type ScoringRule,
} from '../../../src/scoring/index.js';
import { ruleConformance } from '../../../src/testing/conformance/rule.js';
import { factsOf, partOf, poolOf } from '../../support/scoring.js';

/** Who has most is paid most, by place alone; whoever comes after the last place has nothing. */
const podium = defineScoringRule({
  name: 'podium',
  version: 1,
  paysFor: ['splitting'],
  params: z.strictObject({ places: z.int().min(1).max(16) }),
  divide(claims, { places }) {
    const order = claims
      .map((_, i) => i)
      .sort((a, b) => {
        const [mine, its] = [claims[a]!.worth, claims[b]!.worth];
        return mine === its ? a - b : mine > its ? -1 : 1;
      });
    const weights = claims.map(() => 0n);
    for (const [rank, i] of order.slice(0, places).entries()) weights[i] = BigInt(places - rank);
    return weights;
  },
});
const proportional = defineScoringRule({
  name: 'proportional',
  version: 1,
  divide: (claims) => claims.map(({ worth }) => worth),
});
const equal = defineScoringRule({
  name: 'equal',
  version: 3,
  divide: (claims) => claims.map(() => 1n),
});

const policyWith = (rule: object | undefined, rules: readonly ScoringRule[], change: object = {}) =>
  parsePolicy(
    {
      format: 'assay-scoring-policy/1',
      name: 'test',
      burn: 0,
      pools: [poolOf({ unfilled: 'spread', ...(rule ? { rule } : {}) })],
      ...change,
    },
    undefined,
    rules,
  );
const one = (miner: string, amount: number, slot = 0): Scored => ({
  ...{ event: 'e', epoch: 1, kind: 'compute', paramsId: '00', verdict: accepted, share: 1 },
  miner: toHotkey(miner),
  slot,
  credit: { opsPerS: amount },
});
/** One event of them, paid. */
function paid(
  rule: object | undefined,
  outcomes: readonly Scored[],
  coldkeys: Record<string, string> = {},
  rules: readonly ScoringRule[] = [podium, proportional, equal],
  change: object = {},
): Pay {
  const state = createScoringState(policyWith(rule, rules, change), { rules });
  for (const outcome of outcomes) state.outcome(outcome);
  state.completed({ event: 'e', epoch: 1 });
  return payOf(state, {
    epoch: 1,
    facts: factsOf(
      outcomes.map(({ miner }) => miner),
      { coldkeys },
    ),
  });
}
const failing = (divide: ScoringRule['divide']): ScoringRule => ({ name: 'own', version: 1, divide });
const thrown = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('a policy that names a rule', () => {
  const PODIUM = { name: 'podium', version: 1, params: { places: 2 } };

  test('pays a pool by it, and says of whom it gives nothing that the rule did', () => {
    const pay = paid(PODIUM, [one('a', 5), one('b', 9), one('c', 4)]);
    expect([partOf(pay, 'a'), partOf(pay, 'b'), partOf(pay, 'c')]).toEqual([
      expect.closeTo(1 / 3, 12),
      expect.closeTo(2 / 3, 12),
      0,
    ]);
    expect(pay.reasons.get(toHotkey('c'))).toMatchObject({ zero: 'by-rule', cuts: [] });
    expect(pay.reasons.has(toHotkey('a'))).toBe(false);
    expect(pay.u16.get(toHotkey('b'))).toBe(65535);
    expect(pay.u16.get(toHotkey('a'))).toBe(32768);
  });

  test('shows it the sum of a coldkey, in the order of coldkeys, and pays its hotkeys by their worth', () => {
    const seen: (readonly [Coldkey, bigint])[] = [];
    const watching = failing((claims) => {
      seen.push(...claims.map(({ coldkey, worth }) => [coldkey, worth] as const));
      return claims.map(({ coldkey }) => (coldkey === 'x' ? 3n : 1n));
    });
    const pay = paid(
      { name: 'own', version: 1 },
      [one('a', 1), one('b', 2), one('b', 3, 1), one('c', 4)],
      {
        a: 'x',
        b: 'x',
        c: 'w',
      },
      [watching],
    );
    expect(seen).toEqual([
      ['w', 4n << 32n],
      ['x', 6n << 32n],
    ]);
    expect(partOf(pay, 'a')).toBeCloseTo((3 / 4) * (1 / 6), 12);
    expect(partOf(pay, 'b')).toBeCloseTo((3 / 4) * (5 / 6), 12);
    expect(partOf(pay, 'c')).toBeCloseTo(1 / 4, 12);
  });

  test('leaves cuts, caps and what is burned to the policy: the rule divides what is left', () => {
    const seen: bigint[] = [];
    const watching = failing((claims) => {
      seen.push(...claims.map(({ worth }) => worth));
      return claims.map(() => 1n);
    });
    const pay = paid({ name: 'own', version: 1 }, [one('a', 8), one('b', 1)], {}, [watching], {
      burn: 0.5,
      caps: { coldkey: 2 },
      pools: [poolOf({ share: 0.5, target: 6, rule: { name: 'own', version: 1 } })],
    });
    expect(seen).toEqual([2n << 32n, 1n << 32n]);
    // half of the pool is filled: 3 of 6
    expect([partOf(pay, 'a'), partOf(pay, 'b')]).toEqual([0.125, 0.125]);
    expect(pay.reasons.get(toHotkey('a'))?.cuts).toEqual([
      { why: 'coldkey-cap', pool: 'all', factor: 0.25, amount: 6 },
    ]);
  });

  test('is asked for nothing where nobody has anything, and other pools keep the curve', () => {
    const never = failing(() => {
      throw new Error('asked');
    });
    const pay = paid(undefined, [one('a', 1), one('b', 3)], {}, [never], {
      pay: { exponent: 2 },
      pools: [
        poolOf({ name: 'cards', share: 0.5, unfilled: 'spread' }),
        { name: 'tokens', share: 0.5, credit: 'rollouts', rule: { name: 'own', version: 1 } },
      ],
      rollouts: { price: 1 },
    });
    expect(partOf(pay, 'a')).toBeCloseTo(0.05, 12);
    expect(partOf(pay, 'b')).toBeCloseTo(0.45, 12);
  });

  test('pays what the linear curve pays where the rule is the linear one', () => {
    const outcomes = [one('a', 3), one('b', 4), one('c', 1, 2)];
    expect(paid({ name: 'proportional', version: 1 }, outcomes).u16).toEqual(paid(undefined, outcomes).u16);
  });

  test('has the rule, its version and its numbers in its digest', () => {
    const digestOf = (rule: object | undefined) =>
      policyDigest(policyWith(rule, [podium, proportional, equal]));
    const digests = [
      undefined,
      PODIUM,
      { ...PODIUM, params: { places: 3 } },
      { name: 'proportional', version: 1 },
      { name: 'equal', version: 3 },
    ].map(digestOf);
    expect(new Set(digests).size).toBe(5);
    const bytes = encodePolicy(policyWith(PODIUM, [podium]));
    expect(readPolicy(bytes, undefined, [podium])).toEqual(policyWith(PODIUM, [podium]));
  });

  test('keeps its digest whatever the rule does to what it reads of it, and is read alike in any spelling', () => {
    const read: string[] = [];
    const sorting = defineScoringRule({
      name: 'sorting',
      version: 1,
      params(value) {
        read.push(JSON.stringify(value));
        const { tiers } = value as { tiers: number[] };
        return tiers.sort((a, b) => a - b);
      },
      divide(claims, tiers) {
        tiers.length = 0;
        return claims.map(() => 1n);
      },
    });
    const written = { name: 'sorting', version: 1, params: { tiers: [3, 1], by: 2 } };
    const policy = policyWith(written, [sorting]);
    const before = policyDigest(policy);
    const state = createScoringState(policy, { rules: [sorting] });
    state.outcome(one('a', 1));
    state.completed({ event: 'e', epoch: 1 });
    payOf(state, { epoch: 1, facts: factsOf(['a']) });
    expect(policy.pools[0]!.rule).toEqual(written);
    expect(policyDigest(policy)).toBe(before);
    policyWith({ ...written, params: { by: 2, tiers: [3, 1] } }, [sorting]);
    expect(new Set(read)).toEqual(new Set(['{"by":2,"tiers":[3,1]}']));
  });

  test('comes back from a snapshot and pays the same; without the rule it does not come back', () => {
    const policy = policyWith(PODIUM, [podium]);
    const state = createScoringState(policy, { rules: [podium] });
    for (const each of [one('a', 5), one('b', 9), one('c', 4)]) state.outcome(each);
    state.completed({ event: 'e', epoch: 1 });
    const facts = factsOf(['a', 'b', 'c']);
    const again = restoreScoringState(policy, state.snapshot(), { rules: [podium] });
    expect(payOf(again, { epoch: 1, facts }).u16).toEqual(payOf(state, { epoch: 1, facts }).u16);
    expect(thrown(() => restoreScoringState(policy, state.snapshot()))).toMatchObject({
      code: 'unsupported',
    });
  });

  test('is refused where the rule is not here, with what is here and how to give it', () => {
    const missing = thrown(() => policyWith(PODIUM, [equal]));
    expect(missing).toMatchObject({ code: 'unsupported' });
    expect((missing as Error).message).toBe(
      'policy.pools[0] (all).rule: this process does not have the scoring rule podium, version 1; it has no rule of that name. ' +
        "Name the file of the subnet's code that defines it with --module FILE (in a program, hand it in among `rules`)",
    );
    const older = thrown(() => policyWith({ ...PODIUM, version: 2 }, [podium, equal]));
    expect((older as Error).message).toContain('podium, version 2; it has podium, version 1.');
    // a value that was read where the rule is, and carried to where it is not
    const policy = policyWith(PODIUM, [podium]);
    expect(thrown(() => createScoringState(policy))).toMatchObject({ code: 'unsupported' });
    expect(thrown(() => parsePolicy(policy))).toMatchObject({ code: 'unsupported' });
  });

  test.each([
    [{ name: 'podium', version: 1, params: { places: 0 } }, '(all).rule.params.places'],
    [{ name: 'podium', version: 1, params: { places: 1, seats: 2 } }, '(all).rule.params'],
    [{ name: 'podium', version: 1 }, '(all).rule.params.places'],
    [{ name: 'equal', version: 3, params: {} }, 'none: equal has no parameters'],
    [{ name: 'podium', version: 1, params: [1] }, 'policy.pools[0].rule.params: expected an object'],
    [{ name: 'podium', version: 1, params: { places: 0.1234567 } }, 'at most 6 decimal places'],
    [{ name: 'podium', version: 1, params: JSON.parse('{"__proto__":1}') }, '__proto__'],
    [{ name: 'podium', version: 1, params: nested(9) }, 'at most 8 levels'],
    [{ name: 'podium', version: 1, params: nested(30_000) }, 'at most 8 levels'],
    [{ name: 'Podium', version: 1 }, 'policy.pools[0].rule.name'],
    [{ name: 'podium', version: 0 }, 'policy.pools[0].rule.version'],
    [{ name: 'podium', version: 1, parms: {} }, 'did you mean params?'],
  ])('is refused with the key: case %#', (rule, words) => {
    const error = thrown(() => policyWith(rule, [podium, equal]));
    expect(error).toMatchObject({ code: 'invalid-input' });
    expect((error as Error).message).toContain(words);
  });
});

/** An object in an object. */
function nested(levels: number): object {
  let value: object = {};
  for (let i = 0; i < levels; i++) value = { deeper: value };
  return value;
}

describe('what a rule gives back', () => {
  const CLAIMS = [1n, 2n, 3n].map((worth, i) => ({ coldkey: toColdkey(`k${i}`), worth }));
  test.each([
    ['too few', () => [1n, 1n], '2 for 3 claims'],
    ['too many', () => [1n, 1n, 1n, 1n], '4 for 3 claims'],
    ['a negative one', () => [1n, -1n, 1n], '-1n for claim 1 of 3'],
    ['zeros alone', () => [0n, 0n, 0n], 'zeros alone'],
    ['a number', () => [1n, 1n, 1] as never, '1 for claim 2 of 3'],
    ['a hole', () => Object.assign(new Array(3), { 0: 1n, 1: 1n }) as never, 'undefined for claim 2 of 3'],
    ['one beyond all bounds', () => [1n, 1n << 1024n, 1n], 'for claim 1 of 3'],
    ['nothing', () => undefined as never, 'got undefined'],
    ['a promise', () => Promise.resolve([1n, 1n, 1n]) as never, 'got {}'],
    [
      'an error',
      () => {
        throw new Error('division by zero');
      },
      'an error: division by zero',
    ],
    [
      'its claims, changed',
      (claims: readonly { worth: bigint }[]) => {
        claims[0]!.worth = 100n;
        return [1n, 1n, 1n];
      },
      'an error: Cannot assign to read only property',
    ],
  ])('%s is an error that names the rule, and nobody is paid', (_, divide, words) => {
    const error = thrown(() => bindRule(failing(divide as ScoringRule['divide']))(CLAIMS));
    expect(error).toMatchObject({ code: 'rule-failed', data: { rule: 'own, version 1' } });
    expect((error as Error).message).toContain('scoring rule own, version 1: expected as many bigints');
    expect((error as Error).message).toContain(words);
    const run = () =>
      paid({ name: 'own', version: 1 }, [one('a', 1), one('b', 2), one('c', 3)], {}, [
        failing(divide as ScoringRule['divide']),
      ]);
    expect(thrown(run)).toMatchObject({ code: 'rule-failed' });
  });

  test('weights of any size divide exactly, and what divisions leave over is burned', () => {
    const huge = failing((claims) => claims.map((_, i) => (1n << 1023n) + BigInt(i)));
    const pay = paid({ name: 'own', version: 1 }, [one('a', 1), one('b', 2), one('c', 3)], {}, [huge]);
    expect(partOf(pay, 'a')).toBeCloseTo(1 / 3, 12);
    let sum = pay.burned.explicit + pay.burned.unfilled + pay.burned.unproven;
    for (const share of pay.shares.values()) sum += share;
    expect(sum).toBe(pay.total);
  });
});

describe('defineScoringRule', () => {
  test('two of one name and version are refused, two versions of one name are not', () => {
    expect(() => assertRules([equal, podium, { ...equal }])).toThrow('rules: two of equal, version 3');
    expect(() => assertRules([equal, { ...equal, version: 4 }])).not.toThrow();
  });

  test.each([
    [{ name: 'Top', version: 1, divide: () => [] }, 'a name in lower-case kebab'],
    [{ name: 'top', version: 0, divide: () => [] }, 'a version of 1'],
    [{ name: 'top', version: 1.5, divide: () => [] }, 'a version of 1'],
    [{ name: 'top', version: 1, params: {}, divide: () => [] }, 'params to be a function'],
    [{ name: 'top', version: 1 }, 'divide to be a function'],
    [
      { name: 'top', version: 1, divide: () => [], paysFor: ['lying'] },
      'paysFor to be of splitting, merging',
    ],
  ])('refuses %j', (rule, words) => {
    expect(() => defineScoringRule(rule as never)).toThrow(words);
  });

  test('takes one that is made by a class', () => {
    class Tenfold implements ScoringRule {
      readonly name = 'tenfold';
      readonly version = 1;
      readonly by = 10n;
      params() {
        return this.by;
      }
      divide(claims: readonly RuleClaim[], by: unknown) {
        return claims.map(({ worth }) => (by === this.by ? worth * this.by : 0n));
      }
    }
    const divide = bindRule(defineScoringRule(new Tenfold()));
    expect(divide([{ coldkey: toColdkey('a'), worth: 2n }])).toEqual([20n]);
  });

  test('takes parameters by a function as well', () => {
    const rule = defineScoringRule({
      name: 'plus',
      version: 1,
      params: (value) => BigInt((value as { more?: number }).more ?? 0),
      divide: (claims, more) => claims.map(({ worth }) => worth + more),
    });
    const claims = [{ coldkey: toColdkey('a'), worth: 1n }];
    expect(bindRule(rule, { more: 4 })(claims)).toEqual([5n]);
    expect(bindRule(rule)(claims)).toEqual([1n]);
    expect(bindRule(rule)([])).toEqual([]);
    expect(thrown(() => bindRule(rule, { more: 0.5 }))).toMatchObject({ code: 'invalid-input' });
  });
});

describe('conformance', () => {
  for (const { name, run } of ruleConformance({ rule: proportional })) test(`proportional ${name}`, run);
  for (const { name, run } of ruleConformance({
    rule: podium,
    params: { places: 3 },
    refused: [{}, { places: 0 }, { places: 1.5 }],
  }))
    test(`podium ${name}`, run);

  const caseOf = (rule: ScoringRule, words: string, params?: unknown) =>
    ruleConformance({ rule, params, refused: [{ any: 1 }] })
      .find(({ name }) => name.includes(words))!
      .run();
  let calls = 0n;
  test.each<[string, ScoringRule, string]>([
    ['splitting pays', equal, 'spreading one machine'],
    ['dust is divided away', failing((claims) => claims.map(({ worth }) => worth >> 8n)), 'divides pools'],
    ['chance', failing((claims) => claims.map(() => BigInt(Math.floor(Math.random() * 9)) + 1n)), 'no clock'],
    ['the clock', failing((claims) => claims.map(() => BigInt(Date.now()))), 'no clock'],
    [
      'a logarithm of doubles, and hides it',
      failing((claims) =>
        claims.map(({ worth }) => {
          try {
            return BigInt(Math.round(Math.log(Number(worth))));
          } catch {
            return worth;
          }
        }),
      ),
      'no clock',
    ],
    [
      'the date, and hides it',
      failing((claims) =>
        claims.map(({ worth }) => {
          try {
            return BigInt(new Date().getFullYear());
          } catch {
            return worth;
          }
        }),
      ),
      'no clock',
    ],
    ['the clock of the process', failing((claims) => claims.map(() => process.hrtime.bigint())), 'no clock'],
    ['what it was asked before', failing((claims) => claims.map(() => ++calls)), 'gives the same'],
    ['reads any parameters', { ...proportional, params: (value) => value }, 'refuses parameters'],
  ])('finds a rule that hangs on what it must not: %s', async (_, rule, words) => {
    await expect(caseOf(rule, words)).rejects.toThrow();
  });

  test('leaves clock and chance as they were', async () => {
    await caseOf(proportional, 'no clock');
    expect(Math.random()).toBeLessThan(1);
    expect(new Date(0).getTime()).toBe(0);
    expect(performance.now()).toBeGreaterThan(0);
    expect(process.hrtime.bigint()).toBeGreaterThan(0n);
    expect(crypto.randomUUID()).toHaveLength(36);
  });
});
