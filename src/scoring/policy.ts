// Owns: a subnet's scoring policy: its form, strict reading, one spelling and its digest. Does not own: what it makes of outcomes
// (state.ts, pay.ts), where its digest is published (parameters), when its events are (validator/schedule.ts).
import { z } from 'zod';
import { toHex, utf8 } from '../model/bytes.js';
import { canonicalJson } from '../model/canonical-json.js';
import { RESOURCES } from '../model/credit.js';
import { AssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';
import { invalid } from '../model/invalid-input.js';
import { isNear } from '../model/near.js';
import { REJECTIONS } from '../model/verdict.js';
import { boundRules, RULE_VERSIONS, type ScoringRule } from './rules.js';

export const POLICY_FORMAT = 'assay-scoring-policy/1';
/** It travels beside a parameter file, and like one. */
export const POLICY_BYTES = 64 * 1024;

const MILLION = 1e6;

/** Integer millionths of a policy's number: exact, as `parsePolicy` takes no finer ones. */
export const millionths = (value: number): number => Math.round(value * MILLION);

/**
 * Six places at most: what is read is what was written, and products of two of them fit a bigint without rounding. The schema does
 * not say so: by the remainder of doubles that editors take, 0.45 is no multiple of 0.000001.
 */
const decimal = (min: number, max: number) =>
  z
    .number()
    .min(min)
    .max(max)
    .refine((value) => millionths(value) / MILLION === value, {
      error: 'expected a number of at most 6 decimal places',
    });
const share = decimal(0, 1);
const whole = (min: number, max: number) => z.int().min(min).max(max);
const name = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'expected lower-case kebab of at most 32 characters');
const names = z.array(name).min(1).max(64);
const hotkey = z.string().regex(/^[1-9A-HJ-NP-Za-km-z]{47,48}$/, 'expected an SS58 address');

/** What so many units of a resource count: `of` 1e15 of opsPerS `counts` 1. */
const PRICE = z.strictObject({ of: whole(1, Number.MAX_SAFE_INTEGER), counts: decimal(0, 1e6) });
const PRICES = z.partialRecord(z.enum(RESOURCES), PRICE);

/** What only the rule can read, in a form whose one spelling is the same everywhere. */
const PARAMS = z
  .unknown()
  .superRefine((value, context) => {
    const problem = problemOf(value, 0);
    if (problem) context.addIssue({ code: 'custom', message: problem });
  })
  .meta({ type: 'object' });

const RULE = z.strictObject({ name, version: whole(1, RULE_VERSIONS), params: PARAMS.optional() });

const POOL = z.strictObject({
  name,
  /** of all that the policy pays out */
  share,
  /** Outcomes of these kinds and classes, where both are given of both; the first pool that matches takes an outcome. Absent: all. */
  match: z.strictObject({ kinds: names.optional(), classes: names.optional() }).optional(),
  /** What the pool pays for: what outcomes proved, rollouts, or time that somebody used. @default outcomes */
  credit: z.enum(['outcomes', 'rollouts', 'usage']).optional(),
  /** of a pool of outcomes; what has no price counts nothing */
  prices: PRICES.optional(),
  /** of simulated devices, which count on localnets only. @default they count nothing */
  simulatedPrices: PRICES.optional(),
  /** so much worth is bought at the full price; more is diluted, less is left unfilled */
  target: decimal(0.000001, 1e9).optional(),
  /** what becomes of what nobody filled. @default 'burn' */
  unfilled: z.enum(['burn', 'spread']).optional(),
  /** A rule of the subnet's own, in place of `pay`: how the pool's fund is divided. @default `pay` */
  rule: RULE.optional(),
});

const CAPS = z.strictObject({
  slot: decimal(0, 1e9).optional(),
  hotkey: decimal(0, 1e9).optional(),
  coldkey: decimal(0, 1e9).optional(),
});

/** `most` times the pay (added) at `full` TAO and above, in proportion below. */
const BOOST = z.strictObject({ full: decimal(0.000001, 1e9), most: decimal(0, 10) });

const POLICY = z.strictObject({
  format: z.literal(POLICY_FORMAT),
  name,
  /** of everything, before any pool */
  burn: share,
  pools: z.array(POOL).min(1).max(32),
  memory: z
    .strictObject({
      /** how much of what a slot was worth an epoch ago is left; the rest is what it is worth now. @default 0 */
      retain: decimal(0, 0.999).optional(),
      /** epochs that a slot keeps its worth in which we failed to judge it. @default 1 */
      carryEpochs: whole(0, 32).optional(),
      /** epochs that it keeps it until it is our turn again, of kinds measured by turns. @default 32 */
      turnEpochs: whole(0, 1024).optional(),
    })
    .optional(),
  /** over the sum of a coldkey's worth. @default 'linear' */
  pay: z
    .union([z.literal('linear'), z.strictObject({ exponent: decimal(0.25, 4).meta({ multipleOf: 0.25 }) })])
    .optional(),
  /** in worth, of each pool. @default none */
  caps: CAPS.optional(),
  /** A level between 0 and 1 for each slot, and the part of pay that does not hang on it. @default no effect */
  uptime: z.strictObject({ rise: share, fall: share, floor: share }).optional(),
  /** Pay of a hotkey that was registered fewer than so many epochs ago rises from `start` to all. @default no effect */
  probation: z.strictObject({ epochs: whole(1, 4096), start: share }).optional(),
  /** After a rejection for one of these a hotkey is paid nothing in that epoch and in those after it, so many in all. */
  quarantine: z
    .strictObject({ reasons: z.array(z.enum(REJECTIONS)).min(1), epochs: whole(1, 4096) })
    .optional(),
  /**
   * Declared maintenance, of one hotkey: at most `blocks` in any `inBlocks`, in at most `declarations`; it counts from `leadBlocks`
   * after a validator first heard of it. @default MAINTENANCE
   */
  maintenance: z
    .strictObject({
      /** 0: none at all */
      blocks: whole(0, 100_000).optional(),
      inBlocks: whole(1, 1_000_000).optional(),
      declarations: whole(0, 64).optional(),
      leadBlocks: whole(1, 10_000).optional(),
    })
    .optional(),
  boost: z.strictObject({ stake: BOOST.optional(), collateral: BOOST.optional() }).optional(),
  /** Whose usage receipts count, and what of a slot's pay it has without any. */
  rented: z.strictObject({ signers: z.array(hotkey).min(1).max(256), idle: share }).optional(),
  /** worth of 1,000 verified tokens a window */
  rollouts: z.strictObject({ price: decimal(0, 1e6) }).optional(),
  /** the same for all validators of the subnet. @default each validator's own options */
  schedule: z
    .strictObject({
      eventsPerEpoch: whole(1, 64),
      leadBlocks: whole(1, 4096),
      eventBlocks: whole(1, 4096),
      holdBlocks: z.strictObject({ first: whole(1, 64), last: whole(1, 64) }).optional(),
      publishLeadBlocks: whole(1, 4096),
      minLeadMs: whole(0, 600_000).optional(),
      /** mean of a Poisson process, for each slot. @default 0 */
      livenessPerEpoch: decimal(0, 1024).optional(),
      /** most of a slot's time that challenges may take. @default 1 */
      dutyMost: share.optional(),
      /** of all slots, those drawn for an event. @default 1 */
      sampling: decimal(0.000001, 1).optional(),
      /** events after a rejection in which a slot is drawn for certain. @default 0 */
      lookBack: whole(0, 1024).optional(),
      validators: z.enum(['shared', 'phase-shifted']).optional(),
    })
    .optional(),
  /** What detection costs a cheat: the numbers of `assay scoring check`. */
  audit: z
    .strictObject({
      /** units of work (rows, blocks, rollouts) looked at in one window, that is an event or a window of rollouts */
      unitsPerWindow: whole(1, 1e6),
      /** share of windows in which a miner is looked at. @default 1 */
      windows: decimal(0.000001, 1).optional(),
      /** pay is the mean of so many windows' credits; a conviction takes what of them is not paid yet. @default 1 */
      vestedWindows: whole(1, 4096).optional(),
      /** what it costs a convicted key to begin anew, in windows of honest pay: registration and probation. @default 0 */
      restartWindows: decimal(0, 4096).optional(),
    })
    .optional(),
});

/** A policy as it was written: what it does not say has its default where it is used, so that its digest is of what it says. */
export type ScoringPolicy = Immutable<z.infer<typeof POLICY>>;
export type Pool = ScoringPolicy['pools'][number];
export type PolicySchedule = NonNullable<ScoringPolicy['schedule']>;
export type PolicyPrices = NonNullable<Pool['prices']>;

type Immutable<T> = T extends readonly (infer V)[]
  ? readonly Immutable<V>[]
  : T extends object
    ? { readonly [K in keyof T]: Immutable<T[K]> }
    : T;

/** Classes by kind: those of the parameters that the policy is to count with. */
export type KnownClasses = Readonly<Record<string, readonly string[]>>;

/**
 * A policy from a parsed JSON value.
 * @param known kinds and classes that there are; a policy that names another is refused. @default any name
 * @param rules of the subnet's own that there are. @default none: a policy that names one is refused
 * @throws AssayError `invalid-input` naming the key, with what may have been meant; `unsupported` for a newer format, and for a
 * rule that is not among `rules`
 */
export function parsePolicy(
  value: unknown,
  known?: KnownClasses,
  rules: readonly ScoringRule[] = [],
): ScoringPolicy {
  assertFormat(value);
  const parsed = POLICY.safeParse(value);
  if (!parsed.success) throw ofIssue(parsed.error.issues[0]!, value);
  const policy = parsed.data as ScoringPolicy;
  assertShares(policy);
  assertPools(policy);
  assertShape(policy);
  if (known) assertKnown(policy, known);
  boundRules(policy, rules);
  return policy;
}

/** @throws AssayError as `parsePolicy`, and `limit-exceeded` */
export function readPolicy(
  bytes: Uint8Array,
  known?: KnownClasses,
  rules: readonly ScoringRule[] = [],
): ScoringPolicy {
  if (bytes.length > POLICY_BYTES)
    throw new AssayError('limit-exceeded', `policy: at most ${POLICY_BYTES} bytes`, {
      what: 'policy',
      limit: POLICY_BYTES,
      got: bytes.length,
    });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid('policy', 'JSON in UTF-8', `${bytes.length} bytes that are none`, error);
  }
  return parsePolicy(value, known, rules);
}

/** The one spelling, whose SHA-256 addresses the policy. */
export const encodePolicy = (policy: ScoringPolicy): Uint8Array => utf8(canonicalJson(policy));

/** 64 lower-case hex digits: what a parameter file's `policy` names. */
export const policyDigest = (policy: ScoringPolicy): string => toHex(sha256(encodePolicy(policy)));

/** For editors and other readers of the file. */
export const policySchema = (): object => ({ title: POLICY_FORMAT, ...z.toJSONSchema(POLICY) });

/** Six hours in seven days of blocks of 12 s, and longer ahead than any plan announces its events. */
const MAINTENANCE = { blocks: 1800, inBlocks: 50_400, declarations: 4, leadBlocks: 100 } as const;

export type MaintenanceRules = { readonly [K in keyof typeof MAINTENANCE]: number };

/** What a policy allows of declared maintenance. */
export const maintenanceRules = ({ maintenance }: Pick<ScoringPolicy, 'maintenance'>): MaintenanceRules => {
  const of = (name: keyof MaintenanceRules): number => maintenance?.[name] ?? MAINTENANCE[name];
  return {
    blocks: of('blocks'),
    inBlocks: of('inBlocks'),
    declarations: of('declarations'),
    leadBlocks: of('leadBlocks'),
  };
};

/** Exponent of pay in quarters; 4 is linear. */
export const quartersOf = ({ pay }: Pick<ScoringPolicy, 'pay'>): number =>
  pay === undefined || pay === 'linear' ? 4 : pay.exponent * 4;

function assertFormat(value: unknown): void {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw invalid('policy', 'an object', shown(value));
  const { format } = value as { format?: unknown };
  if (format === POLICY_FORMAT) return;
  const version = typeof format === 'string' && /^assay-scoring-policy\/([0-9]{1,6})$/.exec(format)?.[1];
  if (version && Number(version) > 1)
    throw new AssayError(
      'unsupported',
      `policy: ${format} is newer than this build, which reads ${POLICY_FORMAT}`,
      {
        what: `${format}`,
        why: `this build reads ${POLICY_FORMAT}`,
      },
    );
  throw invalid('policy.format', JSON.stringify(POLICY_FORMAT), shown(format));
}

function assertShares({ burn, pools }: ScoringPolicy): void {
  const sum = millionths(burn) + pools.reduce((all, pool) => all + millionths(pool.share), 0);
  if (sum > MILLION)
    throw invalid(
      'policy.pools',
      'burn and shares of at most 1 in all',
      `${sum / MILLION}: more than there is`,
    );
}

function assertPools({ pools, rented, rollouts }: ScoringPolicy): void {
  for (const [i, pool] of pools.entries()) {
    const at = `policy.pools[${i}] (${pool.name})`;
    const { credit = 'outcomes', match, prices, simulatedPrices } = pool;
    if (pools.findIndex((each) => each.name === pool.name) < i)
      throw invalid(`${at}.name`, 'a name of its own', `${pool.name} twice`);
    if (credit === 'outcomes' && !prices && !simulatedPrices)
      throw invalid(`${at}.prices`, 'what each resource counts', 'none: it would pay nobody');
    if (credit !== 'outcomes' && (match || prices || simulatedPrices))
      throw invalid(at, `no match and no prices where credit is ${credit}`, 'some');
    if (credit === 'usage' && !rented) throw invalid('policy.rented', 'whose receipts count', 'nobody');
    if (credit === 'rollouts' && !rollouts) throw invalid('policy.rollouts', 'a price of tokens', 'none');
    const same = pools.findIndex((each) => covers(each, pool));
    if (same < i)
      throw invalid(at, 'something to pay for', `all of it is matched by ${pools[same]!.name} before it`);
  }
}

/** Whether everything that `later` matches is matched by `pool` too. */
function covers(pool: Pool, later: Pool): boolean {
  if ((pool.credit ?? 'outcomes') !== (later.credit ?? 'outcomes')) return false;
  const within = (all: readonly string[] | undefined, some: readonly string[] | undefined) =>
    all === undefined || (some?.every((each) => all.includes(each)) ?? false);
  return within(pool.match?.kinds, later.match?.kinds) && within(pool.match?.classes, later.match?.classes);
}

function assertShape({ pay, schedule, uptime }: ScoringPolicy): void {
  if (pay !== undefined && pay !== 'linear' && !Number.isInteger(pay.exponent * 4))
    throw invalid('policy.pay.exponent', 'quarters from 0.25 to 4', `${pay.exponent}`);
  if (uptime && (uptime.fall === 0 || uptime.rise === 0))
    throw invalid('policy.uptime', 'a rise and a fall above 0', 'a level that never moves');
  const hold = schedule?.holdBlocks;
  if (hold && hold.first > hold.last)
    throw invalid('policy.schedule.holdBlocks', 'first <= last', `${hold.first}..${hold.last}`);
}

function assertKnown({ pools }: ScoringPolicy, known: KnownClasses): void {
  for (const [i, { name: pool, match }] of pools.entries()) {
    const kinds = match?.kinds ?? Object.keys(known);
    const classes = kinds.flatMap((kind) => (Object.hasOwn(known, kind) ? known[kind]! : []));
    const at = `policy.pools[${i}] (${pool}).match`;
    for (const kind of kinds)
      if (!Object.hasOwn(known, kind))
        throw invalid(
          `${at}.kinds`,
          `one of ${Object.keys(known).join(', ')}`,
          shown(kind) + meant(Object.keys(known), kind),
        );
    for (const each of match?.classes ?? [])
      if (!classes.includes(each))
        throw invalid(`${at}.classes`, `a class of ${kinds.join(', ')}`, shown(each) + meant(classes, each));
  }
}

/** Deeper, and reading would take the stack of whoever reads it. */
const DEEPEST = 8;

/** What is wrong with a rule's parameters, whatever the rule. */
function problemOf(value: unknown, depth: number): string | undefined {
  if (depth === 0 && (value === null || typeof value !== 'object' || Array.isArray(value)))
    return 'expected an object';
  if (typeof value === 'number')
    return Number.isSafeInteger(value) || (Math.abs(value) <= 1e9 && millionths(value) / MILLION === value)
      ? undefined
      : `expected whole numbers, or at most 6 decimal places up to 1e9, not ${value}`;
  if (value === null || typeof value !== 'object') return undefined;
  if (depth === DEEPEST) return `expected at most ${DEEPEST} levels`;
  if (Object.hasOwn(value, '__proto__')) return 'expected no key of the name __proto__';
  for (const each of Object.values(value)) {
    const problem = problemOf(each, depth + 1);
    if (problem) return problem;
  }
  return undefined;
}

function ofIssue(issue: z.core.$ZodIssue, value: unknown): AssayError {
  const path = issue.path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('');
  const got = issue.path.reduce<unknown>(
    (at, step) =>
      at !== null && typeof at === 'object' ? (at as Record<PropertyKey, unknown>)[step] : undefined,
    value,
  );
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!;
    const keys = keysAt(POLICY, issue.path);
    return invalid(`policy${path}.${key}`, `one of ${keys.join(', ')}`, shown(key) + meant(keys, key));
  }
  if (issue.code === 'invalid_union') return invalid(`policy${path}`, '"linear" or an exponent', shown(got));
  const expected = issue.message.replace(/^[A-Z][a-z ]+: /, '').replace(/^expected /, '');
  return invalid(`policy${path}`, expected, shown(got));
}

/** The keys that an object of the form may have at a path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = schema;
  for (const step of [...path, undefined]) {
    while (at instanceof z.ZodOptional) at = at.unwrap();
    if (at instanceof z.ZodUnion) at = at.options.find((option) => option instanceof z.ZodObject);
    if (step === undefined) break;
    if (at instanceof z.ZodArray) at = at.element;
    else if (at instanceof z.ZodRecord) at = at.valueType;
    else if (at instanceof z.ZodObject) at = at.shape[String(step)];
  }
  if (at instanceof z.ZodRecord) return RESOURCES;
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** A slip of the pen is named, as long as nobody must guess which. */
function meant(names: readonly string[], got: string): string {
  const near = names.find((each) => isNear(got, each));
  return near === undefined ? '' : `; did you mean ${near}?`;
}

function shown(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 60);
  } catch {
    return `${typeof value} too deep to be shown`; // the stack ends before it does
  }
}
