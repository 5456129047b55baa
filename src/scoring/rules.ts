// Owns: the seam for a subnet's own scoring rules: how one pool's fund is divided among coldkeys, and what of a rule's answer is
// believed. Does not own: what is proven, cuts, caps and the fund itself (pay.ts), loading a subnet's code (cli).

import { canonicalJson } from '../model/canonical-json.js';
import { AssayError, unsupported } from '../model/errors.js';
import type { Coldkey } from '../model/ids.js';
import { invalid } from '../model/invalid-input.js';

/** What one coldkey has in a pool. */
export interface RuleClaim {
  readonly coldkey: Coldkey;
  /**
   * What all slots of all its hotkeys are worth in this pool, after every cut and cap, in integers of `ONE` (2^32 is a worth of 1);
   * above 0.
   */
  readonly worth: bigint;
}

/** A function, or what has one, as a schema of zod does. */
export type ParamsReader<Params> =
  | ((value: unknown) => Params)
  | {
      /** @throws where it is not what the rule needs: the policy that says it is refused */
      parse(value: unknown): Params;
    };

/**
 * How ONE pool's fund is divided among its claims, in place of the policy's `pay`. A policy names it in that pool:
 * `"rule": { "name": "top-heavy", "version": 1, "params": { "places": 3 } }`, so that its digest covers which rule it is and with
 * what numbers. Cuts, caps, `target` and `unfilled` stay the policy's; a coldkey's part goes to its hotkeys by their worth.
 *
 * Every validator, and everybody who replays a ledger years later, must come to the same integers. So a rule is a pure function:
 * - no clock, no randomness, no files, no memory of earlier calls, no environment;
 * - whole numbers: `bigint` for what is multiplied, and no `Math.pow`, `Math.exp`, `Math.log`, `Math.sqrt` or `**` of doubles, whose last digits
 *   differ between engines;
 * - a new `version` with every change that could move one unit. Versions stand side by side in a module: ledgers and policies of
 *   the old one are replayed by it.
 *
 * Coldkeys cost nothing: a rule that pays two halves more than their whole pays for splitting. `assay scoring check` tries it.
 */
export interface ScoringRule<Params = unknown> {
  /** lower-case kebab */
  readonly name: string;
  /** 1 or more */
  readonly version: number;
  /**
   * Reads what the policy says of it: a JSON object of its own, keys in alphabetical order, empty where the policy says nothing, in which
   * numbers have six decimal places at most. @default the rule has none, and a policy that gives any is refused
   */
  readonly params?: ParamsReader<Params>;
  /**
   * Weights: of the fund a coldkey has its weight over the sum of all. As many as there are claims and in their order, none
   * negative, at least one above 0, below 2^1024. Any other answer, and whatever it throws, is an error, and nobody is paid.
   * @param claims at least one, in the order of their coldkeys; frozen
   */
  divide(claims: readonly RuleClaim[], params: Params): readonly bigint[];
  /**
   * What of names the rule pays for because the subnet wants it: one machine over several coldkeys, or several owners under one. It is
   * said wherever the rule is checked, and fails no check. @default none
   */
  readonly paysFor?: readonly NameShape[];
}

/** Worth of one owner over several coldkeys, or of several under one. */
export type NameShape = 'splitting' | 'merging';
const NAME_SHAPES: readonly unknown[] = ['splitting', 'merging'] satisfies NameShape[];

/** A pool's `rule`. */
export interface RuleChoice {
  readonly name: string;
  readonly version: number;
  readonly params?: unknown;
}

/** A rule with its parameters, believed in nothing: what it gives back is weights or an error. */
export type Division = (claims: readonly RuleClaim[]) => readonly bigint[];

const NAME = /^[a-z][a-z0-9-]{0,31}$/;
export const RULE_VERSIONS = 1_000_000;
/** Worth has some 60 bits: beyond this no rule divides, and numbers would take time. */
const LARGEST = 1n << 1024n;

/**
 * A rule of a subnet's own.
 *
 *     export const equalShares = defineScoringRule({
 *       name: 'equal-shares',
 *       version: 1,
 *       divide: (claims) => claims.map(() => 1n),
 *     });
 *
 * @throws TypeError where name, version, params or divide are not what they must be
 */
export function defineScoringRule<Params = undefined>(rule: ScoringRule<Params>): ScoringRule<Params> {
  const { name, version, params, divide, paysFor = [] } = rule;
  if (typeof name !== 'string' || !NAME.test(name))
    throw new TypeError(
      `rule: expected a name in lower-case kebab of at most 32 characters, got ${shown(name)}`,
    );
  if (!Number.isInteger(version) || version < 1 || version > RULE_VERSIONS)
    throw new TypeError(`rule ${name}: expected a version of 1 to ${RULE_VERSIONS}, got ${shown(version)}`);
  if (params !== undefined && typeof params !== 'function' && typeof params?.parse !== 'function')
    throw new TypeError(
      `rule ${name}: expected params to be a function or to have a parse, got ${shown(params)}`,
    );
  if (typeof divide !== 'function')
    throw new TypeError(`rule ${name}: expected divide to be a function, got ${shown(divide)}`);
  if (!Array.isArray(paysFor) || !paysFor.every((each) => NAME_SHAPES.includes(each)))
    throw new TypeError(
      `rule ${name}: expected paysFor to be of ${NAME_SHAPES.join(', ')}, got ${shown(paysFor)}`,
    );
  // one of a class has its functions elsewhere
  return Object.freeze({
    ...{ name, version, divide: divide.bind(rule), paysFor },
    ...(params === undefined ? {} : { params: typeof params === 'function' ? params.bind(rule) : params }),
  });
}

/**
 * A rule with what a policy says of it, as pay uses it: for tests of a rule.
 * @param at what errors about the parameters name
 * @throws AssayError `invalid-input` where the parameters are not what the rule reads; from the division `rule-failed` where its
 * answer is none
 */
export function bindRule(rule: ScoringRule, params?: unknown, at = 'rule'): Division {
  const read = paramsOf(rule, params, at);
  const failed = (got: string, cause?: unknown): AssayError<'rule-failed'> => {
    const why = `expected as many bigints as claims, none negative, at least one above 0; got ${got}`;
    return new AssayError(
      'rule-failed',
      `scoring rule ${nameOf(rule)}: ${why}`,
      { rule: nameOf(rule), why },
      cause === undefined ? {} : { cause },
    );
  };
  return (given) => {
    const claims = Object.freeze(given.map(({ coldkey, worth }) => Object.freeze({ coldkey, worth })));
    if (claims.length === 0) return [];
    let weights: unknown;
    try {
      weights = rule.divide(claims, read);
    } catch (error) {
      throw failed(`an error: ${messageOf(error)}`, error);
    }
    if (!Array.isArray(weights)) throw failed(shown(weights));
    if (weights.length !== claims.length) throw failed(`${weights.length} for ${claims.length} claims`);
    let isAny = false;
    const believed: bigint[] = [];
    // not forEach: it would pass over holes
    for (let i = 0; i < claims.length; i++) {
      const weight: unknown = weights[i];
      if (typeof weight !== 'bigint' || weight < 0n || weight >= LARGEST)
        throw failed(`${shown(weight)} for claim ${i} of ${claims.length}`);
      isAny ||= weight > 0n;
      believed.push(weight);
    }
    if (!isAny) throw failed('zeros alone, which would pay nobody what was earned');
    return believed;
  };
}

/**
 * By pool, how the rule that it names divides.
 * @throws AssayError `unsupported` where it is not among `rules`: paid by another one, nobody would be paid what the policy says
 */
export function boundRules(
  { pools }: { readonly pools: readonly { readonly name: string; readonly rule?: RuleChoice | undefined }[] },
  rules: readonly ScoringRule[] = [],
): readonly (Division | undefined)[] {
  return pools.map(({ name, rule: choice }, i) => {
    if (!choice) return undefined;
    const at = `policy.pools[${i}] (${name}).rule`;
    const rule = ruleOf(choice, rules);
    if (rule) return bindRule(rule, choice.params, `${at}.params`);
    const others = rules.filter((each) => each.name === choice.name).map(nameOf);
    const has = others.length > 0 ? `it has ${others.join(', ')}` : 'it has no rule of that name';
    throw unsupported(
      at,
      `this process does not have the scoring rule ${nameOf(choice)}; ${has}. Name the file of the subnet's code that defines it with --module FILE (in a program, hand it in among \`rules\`)`,
    );
  });
}

/** The rule of that name and version. */
export const ruleOf = (
  choice: RuleChoice | undefined,
  rules: readonly ScoringRule[],
): ScoringRule | undefined =>
  choice && rules.find(({ name, version }) => name === choice.name && version === choice.version);

/** @throws TypeError where two have one name and one version */
export function assertRules(rules: readonly ScoringRule[]): void {
  for (const [i, rule] of rules.entries())
    if (rules.findIndex((each) => each.name === rule.name && each.version === rule.version) < i)
      throw new TypeError(`rules: two of ${nameOf(rule)}`);
}

export const nameOf = ({ name, version }: RuleChoice): string => `${name}, version ${version}`;

function paramsOf({ name, params: reader }: ScoringRule, given: unknown, at: string): unknown {
  if (reader === undefined) {
    if (given === undefined) return undefined;
    throw invalid(at, `none: ${name} has no parameters`, shown(given));
  }
  const value = given ?? {};
  try {
    // of its own, as every validator reads it: what it sorts or takes away stays in the policy, whose digest is its address
    const own: unknown = JSON.parse(canonicalJson(value));
    return typeof reader === 'function' ? reader(own) : reader.parse(own);
  } catch (error) {
    const [path, message] = problemOf(error);
    throw invalid(`${at}${path}`, `what ${name} reads (${message})`, shown(value), error);
  }
}

/** The first issue of zod and of schemas like it, else the message. */
function problemOf(error: unknown): readonly [path: string, message: string] {
  const issue = (error as { readonly issues?: readonly unknown[] } | null)?.issues?.[0] as
    | { readonly path?: unknown; readonly message?: unknown }
    | undefined;
  if (typeof issue?.message !== 'string') return ['', messageOf(error)];
  const path = Array.isArray(issue.path)
    ? issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
    : '';
  return [path, issue.message];
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function shown(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`.slice(0, 60);
  if (typeof value === 'function') return 'a function';
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 60);
  } catch {
    return `a ${typeof value}`;
  }
}
