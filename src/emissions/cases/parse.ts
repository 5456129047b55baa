// Owns: the form of a case file: what an epoch case may say, its defaults, and the path of whatever is wrong in it.
// Does not own: text and its numbers (text.ts), running a case (run.ts), what a file expects (check.ts).
import { z } from 'zod';
import { AssayError } from '../../model/errors.js';
import { isNear } from '../../model/near.js';
import { TOTAL_SUPPLY_RAO } from '../coinbase.js';
import type { U16Row } from '../epoch.js';

/** What happens between two epochs, in order. */
export type CaseAction =
  /** `set_weights`: stored max-upscaled, and counts as an update at that block */
  | {
      readonly op: 'set_weights';
      readonly uid: number;
      readonly uids: readonly number[];
      readonly values: readonly number[];
      readonly atBlock: number;
    }
  /** a row as storage holds it; updates nothing else */
  | { readonly op: 'store_weights_raw'; readonly uid: number; readonly row: U16Row }
  /** for the reader: every epoch and action names its own block */
  | { readonly op: 'advance_to_block'; readonly block: number }
  | { readonly op: 'set_stake'; readonly uid: number; readonly stakeRao: bigint }
  | { readonly op: 'set_tempo'; readonly tempo: number }
  /** an unexpired commit of this validator; the earliest of several counts */
  | { readonly op: 'active_commit'; readonly uid: number; readonly commitBlock: number }
  /** `do_reset_bonds` */
  | { readonly op: 'reset_bonds_to'; readonly uid: number }
  /** `replace_neuron` */
  | { readonly op: 'deregister_and_register_new'; readonly uid: number; readonly atBlock: number };

interface CaseEpoch {
  readonly epochBlock: number;
  readonly raoEmission: bigint;
}

export interface EpochCaseStep extends CaseEpoch {
  readonly actions: readonly CaseAction[];
}

export interface CaseHyperparameters {
  /** u16 */
  readonly kappa: number;
  /** millionths */
  readonly bondsMovingAverage: number;
  /** u16 */
  readonly bondsPenalty: number;
  readonly activityCutoffFactorMilli: number;
  readonly liquidAlpha: boolean;
  readonly yuma3: boolean;
  /** u16 */
  readonly alphaLow: number;
  /** u16 */
  readonly alphaHigh: number;
  /** i16, hundredths */
  readonly alphaSigmoidSteepness: number;
  readonly stakeThresholdRao: bigint;
  readonly commitReveal: boolean;
  readonly ownerUid: number | undefined;
  /** blocks, at least 1 */
  readonly tempo: number;
  readonly maxValidators: number;
  readonly lastMechanismStep: number;
}

/** A subnet and what it lives through. Lists of `initial` are by uid and have `n` entries. */
export interface EpochCase {
  readonly id: string;
  readonly n: number;
  readonly hyperparameters: CaseHyperparameters;
  readonly initial: {
    readonly blockAtRegistration: readonly number[];
    readonly lastUpdate: readonly number[];
    readonly validatorPermits: readonly boolean[];
    readonly stakesRao: readonly bigint[];
  };
  /** an epoch before the first step, as one that grants permits */
  readonly warmup: CaseEpoch | undefined;
  readonly steps: readonly EpochCaseStep[];
}

const MAX_U16 = 65_535;
const MAX_U32 = 2 ** 32 - 1;
const U64_MAX = (1n << 64n) - 1n;

/** A leaf; its message is what was expected, which is how `refuse` reads it. */
const integer = (min: number, max: number, expected = `an integer from ${min} to ${max}`) =>
  z.custom<number>((value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max, {
    error: expected,
  });
const u16 = integer(0, MAX_U16);
const block = integer(0, Number.MAX_SAFE_INTEGER, 'a block number');
const flag = z.boolean({ error: 'true or false' });

/** A decimal string is an integer too; from 2^53 on it has to be one, since a double would have been rounded already. */
const amount = (max: bigint, what: string) =>
  z
    .custom<number | string>(
      (value) =>
        (Number.isSafeInteger(value) || (typeof value === 'string' && /^\d{1,20}$/.test(value))) &&
        BigInt(value as number | string) >= 0n &&
        BigInt(value as number | string) <= max,
      {
        error: ({ input }) =>
          Number.isInteger(input) && !Number.isSafeInteger(input) && Number(input) <= Number(max)
            ? `${what} beyond 2^53 as a decimal string`
            : `${what} from 0 to ${max}`,
      },
    )
    .transform(BigInt);
const rao = amount(TOTAL_SUPPLY_RAO, 'whole rao');

export const list = <T extends z.ZodType>(item: T) => z.array(item, { error: 'a list' });
export const u16Row = list(z.tuple([u16, u16], { error: 'a pair [uid, value]' }));
const known = { error: 'an object with the known keys' };
const described = { note: z.unknown().optional() };
/** What the file expects is for check.ts to read. */
const tolerance = z.unknown().optional();
const expected = { computed: z.unknown().optional(), expected_upstream: z.unknown().optional(), tolerance };

const action = z.discriminatedUnion(
  'op',
  [
    z.strictObject(
      {
        op: z.literal('set_weights'),
        uid: u16,
        uids: list(u16),
        values: list(u16),
        at_block: block,
        stored: z.unknown().optional(),
        ...described,
      },
      known,
    ),
    z.strictObject({ op: z.literal('store_weights_raw'), uid: u16, row: u16Row, ...described }, known),
    z.strictObject({ op: z.literal('advance_to_block'), block, ...described }, known),
    z.strictObject({ op: z.literal('set_stake'), uid: u16, stake: rao, ...described }, known),
    z.strictObject({ op: z.literal('set_tempo'), tempo: integer(1, MAX_U16), ...described }, known),
    z.strictObject({ op: z.literal('active_commit'), uid: u16, commit_block: block, ...described }, known),
    z.strictObject({ op: z.literal('reset_bonds_to'), uid: u16, ...described }, known),
    z.strictObject(
      { op: z.literal('deregister_and_register_new'), uid: u16, at_block: block, ...described },
      known,
    ),
  ],
  { error: 'an action with one of the known ops' },
);

/**
 * What a file leaves out has the chain's default, where it has one: `Yuma3On` and `MaxAllowedValidators` differ between
 * the code's default and what `register_network` sets, so a case has to state them.
 */
const hyperparameters = z.strictObject(
  {
    kappa: u16.default(32_767),
    bonds_moving_average: integer(0, 1_000_000).default(900_000),
    bonds_penalty: u16.default(MAX_U16),
    activity_cutoff_factor_milli: integer(0, MAX_U32).default(13_889),
    liquid_alpha: flag.default(false),
    yuma3: flag,
    alpha_low: u16.default(45_875),
    alpha_high: u16.default(58_982),
    alpha_sigmoid_steepness: integer(-32_768, 32_767).default(1000),
    stake_threshold: amount(U64_MAX, 'whole rao').default(0n),
    // stakes of a case are alpha, of which root TAO has no part: read for its range only
    tao_weight: amount(U64_MAX, 'a u64').optional(),
    commit_reveal: flag.default(true),
    owner_uid: u16.nullable().default(null),
    tempo: integer(1, MAX_U16).default(360),
    max_validators: u16,
    last_mechanism_step: block.default(0),
  },
  known,
);

/** Keys that only describe a case may have any name but one that reads like a slip of a key that is read. */
function annotatable<T extends z.ZodRawShape>(shape: T) {
  return z.looseObject(shape, { error: 'an object' }).superRefine((value, context) => {
    for (const key of Object.keys(value)) {
      if (Object.hasOwn(shape, key)) continue;
      const meant = Object.keys(shape).find((name) => name !== 'tolerance' && isNear(key, name));
      if (meant !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: `${meant}, or another name` });
    }
  });
}

const epochCase = annotatable({
  id: z.string({ error: 'text' }).max(256, { error: 'at most 256 characters' }).optional(),
  n: integer(1, MAX_U16),
  hyperparameters,
  initial: z.strictObject(
    {
      block: block.optional(),
      block_at_registration: list(block),
      last_update: list(block),
      validator_permits: list(flag),
      stakes: list(rao),
      ...described,
    },
    known,
  ),
  warmup: annotatable({ epoch_block: block, rao_emission: rao.default(0n) }).optional(),
  steps: list(annotatable({ actions: list(action), epoch_block: block, rao_emission: rao, ...expected })).min(
    1,
    {
      error: 'at least one step',
    },
  ),
  tolerance,
});
type ParsedCase = z.output<typeof epochCase>;

/**
 * The cases of a file: `{cases: [...]}` or one case. Keys that only describe a case, a warm-up or a step may have any
 * name that does not look like a slip of one that is read; `id` is text. What the file expects (`computed`,
 * `expected_upstream`, `tolerance`, `stored`) is not read.
 *
 * @throws AssayError invalid-input naming the path, e.g. `cases[3].steps[0].actions[1].uids[2]`
 * @example parseEpochCases(JSON.parse(text)).map((epochCase) => runEpochCase(epochCase))
 */
export function parseEpochCases(json: unknown): EpochCase[] {
  return casesOf(json).map(({ json: one, path }, index) => toCase(parse(epochCase, one, path), path, index));
}

/** A case as it stands in its file. */
export interface StatedCase {
  readonly json: unknown;
  readonly path: Path;
}

/** @throws AssayError invalid-input when `cases` is no list, or an empty one */
export function casesOf(json: unknown): readonly StatedCase[] {
  if (typeof json !== 'object' || json === null || !('cases' in json)) return [{ json, path: [] }];
  return parse(list(z.unknown()).min(1, { error: 'at least one case' }), json.cases, ['cases']).map(
    (one, index) => ({
      json: one,
      path: ['cases', index],
    }),
  );
}

export type Path = readonly PropertyKey[];

/** @throws AssayError invalid-input for the first thing that is wrong, `path` being that of `json` */
export function parse<T extends z.ZodType>(schema: T, json: unknown, path: Path): z.output<T> {
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  const issue = error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    const at = [...path, ...issue.path, issue.keys[0]!];
    throw refused(at, 'a known key', JSON.stringify(issue.keys[0]));
  }
  const got = issue.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    json,
  );
  throw refused([...path, ...issue.path], issue.message, got);
}

/** `got` is shown in short, whatever it is. */
export function refused(path: Path, expected: string, got: unknown): AssayError<'invalid-input'> {
  const what = pathText(path);
  const shown = show(got);
  return new AssayError('invalid-input', `${what}: expected ${expected}, got ${shown}`, {
    what,
    expected,
    got: shown,
  });
}

function pathText(path: Path): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text === '' ? 'case' : text.replace(/^\./, '');
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = typeof value === 'string' ? value : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function toCase(parsed: ParsedCase, path: Path, index: number): EpochCase {
  const { n, hyperparameters: h, initial, warmup } = parsed;
  const at = (...keys: PropertyKey[]): Path => [...path, ...keys];
  for (const key of ['block_at_registration', 'last_update', 'validator_permits', 'stakes'] as const)
    if (initial[key].length !== n)
      throw refused(at('initial', key), `${n} entries, one for each uid`, `${initial[key].length}`);
  if (h.owner_uid !== null) assertUid(h.owner_uid, n, at('hyperparameters', 'owner_uid'));
  if (h.alpha_low > h.alpha_high)
    throw refused(at('hyperparameters', 'alpha_low'), `at most alpha_high (${h.alpha_high})`, h.alpha_low);
  const steps = parsed.steps.map((step, s) => ({
    epochBlock: step.epoch_block,
    raoEmission: step.rao_emission,
    actions: step.actions.map((one, a) => toAction(one, parsed, at('steps', s, 'actions', a))),
  }));
  assertSupply(initial.stakes, steps, path);
  return {
    id: parsed.id ?? `case ${index}`,
    n,
    hyperparameters: {
      kappa: h.kappa,
      bondsMovingAverage: h.bonds_moving_average,
      bondsPenalty: h.bonds_penalty,
      activityCutoffFactorMilli: h.activity_cutoff_factor_milli,
      liquidAlpha: h.liquid_alpha,
      yuma3: h.yuma3,
      alphaLow: h.alpha_low,
      alphaHigh: h.alpha_high,
      alphaSigmoidSteepness: h.alpha_sigmoid_steepness,
      stakeThresholdRao: h.stake_threshold,
      commitReveal: h.commit_reveal,
      ownerUid: h.owner_uid ?? undefined,
      tempo: h.tempo,
      maxValidators: h.max_validators,
      lastMechanismStep: h.last_mechanism_step,
    },
    initial: {
      blockAtRegistration: initial.block_at_registration,
      lastUpdate: initial.last_update,
      validatorPermits: initial.validator_permits,
      stakesRao: initial.stakes,
    },
    warmup: warmup && { epochBlock: warmup.epoch_block, raoEmission: warmup.rao_emission },
    steps,
  };
}

function toAction(
  one: z.output<typeof action>,
  { n, hyperparameters: h }: ParsedCase,
  path: Path,
): CaseAction {
  if ('uid' in one) assertUid(one.uid, n, [...path, 'uid']);
  switch (one.op) {
    case 'set_weights': {
      const { op, uid, uids, values } = one;
      if (values.length !== uids.length)
        throw refused(
          [...path, 'values'],
          `${uids.length} entries, one for each of uids`,
          `${values.length}`,
        );
      assertTargets(uids, n, (k) => [...path, 'uids', k]);
      return { op, uid, uids, values, atBlock: one.at_block };
    }
    case 'store_weights_raw':
      assertTargets(
        one.row.map(([uid]) => uid),
        n,
        (k) => [...path, 'row', k, 0],
      );
      return { op: one.op, uid: one.uid, row: one.row };
    case 'advance_to_block':
      return { op: one.op, block: one.block };
    case 'set_stake':
      return { op: one.op, uid: one.uid, stakeRao: one.stake };
    case 'set_tempo':
      return { op: one.op, tempo: one.tempo };
    case 'active_commit':
      return { op: one.op, uid: one.uid, commitBlock: one.commit_block };
    case 'reset_bonds_to':
      return { op: one.op, uid: one.uid };
    case 'deregister_and_register_new':
      if (one.uid === h.owner_uid)
        throw refused(
          [...path, 'uid'],
          "a uid that is not the owner's, which the chain never replaces",
          one.uid,
        );
      return { op: one.op, uid: one.uid, atBlock: one.at_block };
  }
}

function assertUid(uid: number, n: number, path: Path): void {
  if (uid >= n) throw refused(path, `a uid below ${n}`, uid);
}

/** The chain takes no row that names a uid twice (`DuplicateUids`). */
function assertTargets(uids: readonly number[], n: number, path: (k: number) => Path): void {
  const seen = new Set<number>();
  uids.forEach((uid, k) => {
    assertUid(uid, n, path(k));
    if (seen.has(uid)) throw refused(path(k), 'a uid that the row does not name yet', uid);
    seen.add(uid);
  });
}

/** All stakes together never exceed the supply, at any moment of the case. */
function assertSupply(initial: readonly bigint[], steps: readonly EpochCaseStep[], path: Path): void {
  const stakes = [...initial];
  let total = stakes.reduce((sum, stake) => sum + stake, 0n);
  const assertTotal = (at: Path): void => {
    if (total > TOTAL_SUPPLY_RAO) throw refused(at, `at most ${TOTAL_SUPPLY_RAO} rao together`, total);
  };
  const put = (uid: number, stakeRao: bigint): void => {
    total += stakeRao - stakes[uid]!;
    stakes[uid] = stakeRao;
  };
  assertTotal([...path, 'initial', 'stakes']);
  steps.forEach(({ actions }, s) => {
    actions.forEach((one, a) => {
      if (one.op === 'deregister_and_register_new') put(one.uid, 0n);
      if (one.op !== 'set_stake') return;
      put(one.uid, one.stakeRao);
      assertTotal([...path, 'steps', s, 'actions', a, 'stake']);
    });
  });
}
