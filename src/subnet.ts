// Owns: what a subnet brings of its own, as one value: proof kinds, and what they are beside those of this build; scoring rules. Does
// not own: loading the module that has it (cli/subnet-module.ts), what a kind is (verification), what a rule is (scoring).
import { assertRules, type ScoringRule } from './scoring/rules.js';
import { type AnyProofKind, kinds as builtIn } from './verification/kinds/index.js';

export interface SubnetParts {
  /** made with `defineProof`; a name of this build's kinds is taken. @default none */
  readonly proofs?: readonly AnyProofKind[];
  /** made with `defineScoringRule`; each version of a name once. @default none */
  readonly rules?: readonly ScoringRule[];
}

/** What `--module` takes as a module's default export. */
export interface SubnetModule {
  readonly proofs: readonly AnyProofKind[];
  readonly rules: readonly ScoringRule[];
}

/** What a value was made by, for every copy: kinds of one are nothing to another, whose errors and types are its own. */
const MADE_BY = Symbol.for('assay.subnet');
/** This copy of the package, however often it is installed. */
const THIS_COPY = Object.freeze({});

/**
 * What this subnet has that Assay has not. The default export of a module that the command line is told of:
 * `assay validator start --module dist/subnet.js`.
 *
 * ```ts
 * export default defineSubnet({ proofs: [hashCells], rules: [topHeavy] });
 * ```
 *
 * @throws TypeError for two of one name, for a name that this build has, and for what is no proof kind or rule
 */
export function defineSubnet(parts: SubnetParts): SubnetModule {
  const { proofs = [], rules = [], ...others } = parts;
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw new TypeError(`defineSubnet: expected proofs and rules, got ${other.slice(0, 64)}`);
  const names = new Set<string>();
  for (const [i, kind] of proofs.entries()) {
    const what = `proofs[${i}]`;
    if (!isProofKind(kind)) throw new TypeError(`${what}: expected a proof kind (defineProof)`);
    if (builtIn[kind.kind]) throw new TypeError(`${what}: a kind named ${kind.kind} is part of Assay`);
    if (names.has(kind.kind)) throw new TypeError(`${what}: a second kind named ${kind.kind}`);
    names.add(kind.kind);
  }
  for (const [i, rule] of rules.entries())
    if (!isRule(rule)) throw new TypeError(`rules[${i}]: expected a scoring rule (defineScoringRule)`);
  assertRules(rules);
  return Object.freeze({
    proofs: Object.freeze([...proofs]),
    rules: Object.freeze([...rules]),
    [MADE_BY]: THIS_COPY,
  });
}

/** Whether `defineSubnet` of this very installation of assay made it. */
export const madeHere = (value: unknown): value is SubnetModule => madeBy(value) === THIS_COPY;

/** Whether `defineSubnet` of some other installation of assay made it. */
export const madeElsewhere = (value: unknown): boolean => madeBy(value) !== undefined && !madeHere(value);

const madeBy = (value: unknown): unknown =>
  typeof value === 'object' && value !== null
    ? (value as { readonly [MADE_BY]?: unknown })[MADE_BY]
    : undefined;

/** The kinds of this build and those of a subnet's own, by name; without a prototype: a name from the wire finds a kind or nothing. */
export const kindsWith = (
  own: SubnetModule | undefined,
): Readonly<Record<string, AnyProofKind | undefined>> =>
  own === undefined || own.proofs.length === 0
    ? builtIn
    : Object.freeze(
        Object.assign(
          Object.create(null) as Record<string, AnyProofKind | undefined>,
          builtIn,
          Object.fromEntries(own.proofs.map((kind) => [kind.kind, kind])),
        ),
      );

/** As far as it can be seen from outside; `defineProof` has looked at the rest. */
function isProofKind(value: unknown): value is AnyProofKind {
  if (typeof value !== 'object' || value === null) return false;
  const kind = value as Partial<Record<keyof AnyProofKind, unknown>>;
  const asked = [
    'facts',
    'parseParams',
    'limits',
    'credit',
    'issue',
    'drawSecret',
    'prove',
    'verify',
  ] as const;
  return (
    typeof kind.kind === 'string' &&
    kind.table instanceof Map &&
    asked.every((name) => typeof kind[name] === 'function')
  );
}

function isRule(value: unknown): value is ScoringRule {
  if (typeof value !== 'object' || value === null) return false;
  const { name, version, divide } = value as Partial<Record<keyof ScoringRule, unknown>>;
  return typeof name === 'string' && typeof version === 'number' && typeof divide === 'function';
}
