// Owns: what a search looks for, as text: comparisons of metrics (metrics.ts). Does not own: where it looks (search.ts).
import { AssayError } from '../../model/errors.js';
import { metricNamed } from './metrics.js';

type Operator = '>=' | '<=' | '>' | '<';

/** `factor`, or `factor * metric`. */
interface Term {
  readonly factor: number;
  readonly metric: string | undefined;
}

interface Comparison {
  readonly left: Term;
  readonly operator: Operator;
  readonly right: Term;
}

/** Holds when all its comparisons do. */
export interface Target {
  readonly text: string;
  readonly comparisons: readonly Comparison[];
}

/** What one run's metrics say about a target. */
export interface Judgement {
  readonly holds: boolean;
  /** both sides of each comparison, in the order of the text */
  readonly sides: readonly { readonly left: number; readonly right: number }[];
}

const MAX_LENGTH = 1000;
const EXPECTED = 'comparisons such as farm.profitTao >= 0, joined by "and"';
/** A number, a metric's name, a comparison, a product, `and`; or anything else, to be refused by name. */
const TOKEN =
  /\s*(?:(?<number>-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?![\w.]))|(?<metric>[a-z][a-z0-9-]*\.[A-Za-z]\w*)|(?<operator>[<>]=?)|(?<times>\*)|(?<and>and\b)|(?<other>\S+))/gy;

type Token = { readonly kind: string; readonly text: string };

/**
 * `<side> <op> <side>`, several joined by `and`; a side is a number, a metric, or `number * metric`, an operator one of
 * `>=`, `<=`, `>`, `<`.
 *
 * @throws AssayError `invalid-input` naming what was not expected
 *
 * @example
 * parseTarget('friends.incentiveShare < 1.1 * cabal.stakeShare and farm.profitTao >= 0')
 */
export function parseTarget(text: string): Target {
  const fail = (problem: string): AssayError =>
    new AssayError('invalid-input', `target: ${problem}; expected ${EXPECTED}`, {
      what: 'target',
      expected: EXPECTED,
      got: text.slice(0, MAX_LENGTH),
    });
  if (text.length > MAX_LENGTH) throw fail(`${text.length} characters, at most ${MAX_LENGTH}`);
  const tokens = tokensOf(text);
  const take = (kinds: readonly string[], what: string): Token => {
    const token = tokens.shift();
    if (token === undefined) throw fail(`${what} is missing at the end`);
    if (!kinds.includes(token.kind)) throw fail(`${JSON.stringify(token.text)} where ${what} should be`);
    return token;
  };
  const side = (): Term => {
    const first = take(['number', 'metric'], 'a number or a metric');
    if (first.kind === 'metric') return { factor: 1, metric: first.text };
    const factor = Number(first.text);
    if (tokens[0]?.kind !== 'times') return { factor, metric: undefined };
    tokens.shift();
    return { factor, metric: take(['metric'], 'a metric').text };
  };

  const comparisons: Comparison[] = [];
  do {
    const left = side();
    const operator = take(['operator'], '>=, <=, > or <').text as Operator; // the token's own form
    const right = side();
    if (left.metric === undefined && right.metric === undefined) throw fail('compares two numbers');
    comparisons.push({ left, operator, right });
  } while (tokens.length > 0 && take(['and'], '"and"'));
  return { text: text.trim(), comparisons };
}

/** @throws AssayError `invalid-input` when the run has no metric of a name */
export function judgeTarget(target: Target, metrics: Readonly<Record<string, number>>): Judgement {
  const sides = target.comparisons.map(({ left, right }) => ({
    left: numberOf(left, metrics),
    right: numberOf(right, metrics),
  }));
  const holds = target.comparisons.every(({ operator }, i) => compare(sides[i]!, operator));
  return { holds, sides };
}

function tokensOf(text: string): Token[] {
  return [...text.matchAll(TOKEN)].map(({ groups }) => {
    const [kind, token] = Object.entries(groups!).find(([, part]) => part !== undefined)!;
    return { kind, text: token! };
  });
}

const numberOf = ({ factor, metric }: Term, metrics: Readonly<Record<string, number>>): number =>
  metric === undefined ? factor : factor * metricNamed(metrics, metric);

function compare({ left, right }: { left: number; right: number }, operator: Operator): boolean {
  switch (operator) {
    case '>=':
      return left >= right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '<':
      return left < right;
  }
}
