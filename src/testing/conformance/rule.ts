// Owns: what every scoring rule of a subnet's own must do, whoever wrote it. Does not own: whether lying pays under it
// (scoring/deterrence.ts), what it is to divide by (its own tests).
import assert from 'node:assert/strict';
import { isAssayError } from '../../model/errors.js';
import { toColdkey } from '../../model/ids.js';
import { createSeededRandom, type Random } from '../../model/prng.js';
import { PLACES, partAmong } from '../../scoring/company.js';
import { bindRule, type RuleClaim, type ScoringRule } from '../../scoring/rules.js';
import { ONE } from '../../scoring/state.js';
import type { ConformanceCase } from './proof.js';

export interface RuleSubject {
  readonly rule: ScoringRule;
  /** as a policy says it. @default nothing */
  readonly params?: unknown;
  /** what it must not read */
  readonly refused?: readonly unknown[];
  /** @default 40 */
  readonly trials?: number;
}

/** Coldkeys of a pool: one, some, and as many as a subnet has. */
const SIZES = [1, 2, 3, 10, 100, 4096] as const;
/** A rule that is asked once an epoch may take so long for the largest of them, on a slow machine. */
const MOST_MS = 2000;
/** Whole weights of a rule leave so much over. */
const MILLION = 1_000_000n;

/**
 * The cases, for any test runner:
 *
 *     for (const { name, run } of ruleConformance({ rule: topHeavy, params: { places: 3 } })) test(name, run);
 */
export function ruleConformance(subject: RuleSubject): readonly ConformanceCase[] {
  const { rule, params, refused = [], trials = 40 } = subject;
  const divisionOf = () => bindRule(rule, params);
  const random = () => createSeededRandom(`rule ${rule.name}`);

  const cases: ConformanceCase[] = [
    {
      name: 'divides pools of one coldkey and of thousands, of dust and of all there can be',
      async run() {
        const divide = divisionOf();
        const from = random();
        for (const size of SIZES)
          for (const worthOf of [someWorth, () => 1n, () => ALL]) {
            const claims = claimsOf(size, () => worthOf(from));
            assert.equal(divide(claims).length, size);
          }
      },
    },
    {
      name: 'gives the same whenever it is asked, and whatever it was asked before',
      async run() {
        const divide = divisionOf();
        const from = random();
        const all = Array.from({ length: trials }, (_, i) => claimsOf(1 + (i % 12), () => someWorth(from)));
        const first = all.map((claims) => divide(claims));
        const again = all.toReversed().map((claims) => divisionOf()(claims));
        assert.deepEqual(again.toReversed(), first);
        assert.deepEqual(
          all.map((claims) => divide(claims)),
          first,
        );
      },
    },
    {
      name: 'asks no clock, no chance and no function whose last digit differs between machines',
      async run() {
        const divide = divisionOf();
        const from = random();
        for (let i = 0; i < trials; i++) {
          const claims = claimsOf(1 + i, () => someWorth(from));
          withoutImpurities(() => divide(claims));
        }
      },
    },
    {
      name: `takes less than ${MOST_MS / 1000} s for as many coldkeys as a subnet has`,
      async run() {
        const from = random();
        const claims = claimsOf(SIZES.at(-1)!, () => someWorth(from));
        const divide = divisionOf();
        const before = performance.now();
        divide(claims);
        const tookMs = performance.now() - before;
        assert.ok(tookMs < MOST_MS, `took ${Math.round(tookMs)} ms`);
      },
    },
  ];
  if (!rule.paysFor?.includes('splitting'))
    cases.push({
      name: 'pays nobody for spreading one machine over several coldkeys',
      async run() {
        const divide = divisionOf();
        const from = random();
        for (let i = 0; i < trials; i++)
          for (const parts of [2, 4, 16]) {
            const others = Array.from({ length: 1 + i }, () => someWorth(from));
            const worth = someWorth(from) + 16n;
            for (const place of PLACES) {
              const whole = partAmong(divide, { own: [worth], others, place });
              const split = partAmong(divide, { own: partsOf(worth, parts), others, place });
              assert.ok(
                split.mine * whole.all * MILLION <= (MILLION + 1n) * whole.mine * split.all,
                `${parts} coldkeys of ${worth / BigInt(parts)} are paid more than one of ${worth}, beside ${others.length} others`,
              );
            }
          }
      },
    });
  if (refused.length > 0)
    cases.push({
      name: 'refuses parameters that it cannot go by',
      async run() {
        for (const each of refused)
          assert.throws(
            () => bindRule(rule, each),
            (error) => isAssayError(error, 'invalid-input'),
            `read ${JSON.stringify(each)}`,
          );
      },
    });
  return cases;
}

/** More than any policy counts of anybody. */
const ALL = 1n << 90n;

/** From dust to a thousand, each order of magnitude as often as every other. */
function someWorth(random: Random): bigint {
  const fine = BigInt(random.below(ONE));
  return 1n + ((fine << 10n) >> BigInt(random.below(42)));
}

const claimsOf = (size: number, worthOf: () => bigint): RuleClaim[] =>
  Array.from({ length: size }, (_, i) => ({
    coldkey: toColdkey(`coldkey ${`${i}`.padStart(4, '0')}`),
    worth: worthOf(),
  }));

const partsOf = (worth: bigint, parts: number): bigint[] => {
  const each = worth / BigInt(parts);
  return Array.from({ length: parts }, (_, i) => (i === 0 ? worth - each * BigInt(parts - 1) : each));
};

/** Functions of doubles that the language leaves to each engine; `**` of doubles is one too, and cannot be seen here. */
const INEXACT = [
  ...[
    'acos',
    'acosh',
    'asin',
    'asinh',
    'atan',
    'atan2',
    'atanh',
    'cbrt',
    'cos',
    'cosh',
    'exp',
    'expm1',
    'hypot',
  ],
  ...['log', 'log10', 'log1p', 'log2', 'pow', 'sin', 'sinh', 'sqrt', 'tan', 'tanh', 'random'],
] as const;

/** @throws what a call of any of them becomes */
function withoutImpurities<T>(call: () => T): T {
  const asked: string[] = [];
  const put: (() => void)[] = [];
  const replace = (owner: object, key: string, name: string): void => {
    const own = Object.getOwnPropertyDescriptor(owner, key);
    if (!own) return;
    put.push(() => Object.defineProperty(owner, key, own));
    const note = (): never => {
      asked.push(name);
      throw new Error(`${name} is not the same everywhere`);
    };
    // a function, a class and whatever hangs on it, as Date.now does
    const value = new Proxy(class {}, { apply: note, construct: note, get: note });
    Object.defineProperty(owner, key, { configurable: true, writable: true, value });
  };
  let given: T | undefined;
  let failure: unknown;
  try {
    for (const each of INEXACT) replace(Math, each, `Math.${each}`);
    replace(globalThis, 'Date', 'Date');
    replace(Object.getPrototypeOf(performance) as object, 'now', 'performance.now');
    replace(process, 'hrtime', 'process.hrtime');
    const crypto = Object.getPrototypeOf(globalThis.crypto) as object;
    for (const each of ['getRandomValues', 'randomUUID']) replace(crypto, each, `crypto.${each}`);
    given = call();
  } catch (error) {
    failure = error;
  } finally {
    for (const back of put.reverse()) back();
  }
  // it may have caught what it was told
  assert.deepEqual([...new Set(asked)], [], 'the same on every machine, whenever it is asked');
  if (failure !== undefined) throw failure;
  return given!;
}
