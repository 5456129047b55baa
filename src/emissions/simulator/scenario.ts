// Owns: what a scenario file says: its schema, its defaults, changing one value by its path. Does not own: running one.
import { z } from 'zod';
import { AssayError } from '../../model/errors.js';
import { raoOf } from './amounts.js';

/** 21 million, as whole tokens. */
const SUPPLY = 21_000_000;
const MAX_NEURONS = 4096;

const fraction = z.number().min(0).max(1);
const u16 = z.number().int().min(0).max(65_535);
const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected a-z, 0-9 and dashes, a letter first, at most 40');
/** Below this a pool of the chain swaps nothing. */
const MIN_RESERVE = 0.001;

/** TAO or alpha; exact to the rao */
const tokens = z
  .number()
  .min(0)
  .max(SUPPLY)
  .refine(
    (value) => raoOf(value) !== undefined,
    'expected at most nine decimals: a rao is the smallest amount',
  );
const perHour = z.number().min(0).max(1_000_000);

const network = z.strictObject({
  specVersion: z.number().int().min(218).max(100_000).default(425).describe('decides the rule of TAO shares'),
  taoIssuance: tokens
    .default(10_700_000)
    .describe('TAO in existence at the start; decides the block emission'),
  rootTao: tokens.default(5_000_000).describe('TAO staked on root; stays as it is'),
  taoWeight: fraction.default(0.18).describe('what a root TAO counts beside alpha'),
  ownerCut: u16.default(11_796).describe('SubnetOwnerCut of 65535'),
  otherPrices: z
    .number()
    .min(0)
    .max(128)
    .default(1.2)
    .describe("sum of the other subnets' moving prices, TAO"),
  otherBurned: fraction.default(0).describe('share of miner emission that the others withhold'),
  otherFlowTaoPerDay: z
    .number()
    .min(0)
    .max(10_000_000)
    .default(2_000)
    .describe("sum of the others' positive net flows; for the flow rule"),
  rootSells: fraction.default(1).describe("share of an epoch's root dividends that is sold for TAO"),
});

/** What the chain takes for `AlphaValues`. */
const alphaValue = z.number().int().min(1638).max(65_535);
const liquidAlpha = z.strictObject({
  low: alphaValue.default(45_875).describe('speed of a bond whose weight agrees with consensus, of 65535'),
  high: alphaValue.default(58_982).describe('of one that is ahead of it; at least low'),
  steepness: z
    .number()
    .int()
    .min(-32_768)
    .max(32_767)
    .default(1000)
    .describe('of the sigmoid between them, hundredths'),
});

const subnet = z.strictObject({
  tempo: z.number().int().min(1).max(50_400).default(360).describe('blocks per epoch'),
  kappa: u16.default(32_767).describe('share of the stake that a weight must have behind it, of 65535'),
  bondsPenalty: u16
    .default(65_535)
    .describe('0: bonds grow by weights as set; 65535: by weights clipped at consensus'),
  bondsMovingAverage: z
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .default(900_000)
    .describe('what a bond keeps from epoch to epoch, millionths'),
  yuma3: z.boolean().default(true).describe('false: classic bonds'),
  liquidAlpha: z
    .union([liquidAlpha, z.literal(false)])
    .default(false)
    .describe('each bond at its own speed; Yuma3 only'),
  maxValidators: z.number().int().min(1).max(MAX_NEURONS).default(64).describe('permits, by stake'),
  maxUids: z
    .number()
    .int()
    .min(1)
    .max(MAX_NEURONS)
    .default(256)
    .describe('beyond them newcomers replace others'),
  stakeThreshold: tokens.default(0).describe('consensus stake below which a validator has no vote'),
  immunityPeriod: z.number().int().min(0).max(65_535).default(5000).describe('blocks'),
  activityCutoffFactorMilli: z
    .number()
    .int()
    .min(1000)
    .max(50_000)
    .default(13_889)
    .describe('epochs without new weights after which a validator has no vote, thousandths'),
  commitReveal: z
    .union([
      z.strictObject({
        periodEpochs: z.number().int().min(1).max(100).default(1).describe('RevealPeriodEpochs'),
      }),
      z.literal(false),
    ])
    .default(false)
    .describe('weights take effect, and can be read, this many epochs after they are committed'),
  recycleOrBurn: z
    .enum(['burn', 'recycle'])
    .default('burn')
    .describe("what becomes of the owner's incentive"),
  ownerCutEnabled: z.boolean().default(true).describe('whether network.ownerCut is taken'),
  emissionEnabled: z.boolean().default(true).describe('whether the subnet takes part in the TAO of a block'),
  mechanisms: z
    .array(
      z.strictObject({
        name: name.describe('for sweeps and columns'),
        split: u16.optional().describe('of 65535; evenly when none says'),
      }),
    )
    .min(1)
    .max(8)
    .default([{ name: 'main' }])
    .describe('weights and bonds of their own, one emission'),
  ageBlocks: z.number().int().min(1).max(100_000_000).default(200_000).describe('blocks since start_call'),
  priceHalvingBlocks: z
    .number()
    .int()
    .min(1)
    .max(100_000_000)
    .default(201_600)
    .describe('EMAPriceHalvingBlocks of the moving price'),
  pool: z
    .strictObject({
      tao: tokens.min(MIN_RESERVE).default(20_000).describe('reserve at the start'),
      alpha: tokens.min(MIN_RESERVE).default(1_000_000).describe('reserve at the start'),
      taoWeight: z.number().min(0.01).max(0.99).default(0.5).describe('of the pool; the rest is alpha'),
    })
    .prefault({}),
  alphaOut: tokens.default(1_500_000).describe('alpha outside the pool at the start, stakes included'),
  movingPrice: z.number().min(0).max(1).optional().describe('at the start; the spot price when absent'),
  flowTaoPerDay: z
    .number()
    .min(-1_000_000)
    .max(1_000_000)
    .default(0)
    .describe('average net flow at the start; for the flow rule'),
  burn: z
    .strictObject({
      start: tokens.default(0.1).describe('at the start, TAO'),
      min: tokens.default(0.0005).describe('TAO'),
      max: tokens.default(100).describe('TAO'),
      halfLife: z.number().int().min(1).max(36_100).default(360).describe('blocks'),
      increase: z.number().min(1).max(3).default(1.26).describe('factor of each registration'),
    })
    .prefault({})
    .describe('price of registering, TAO'),
});

const owner = z.strictObject({
  burnShare: fraction.default(0).describe("what honest validators give to the owner's uid"),
  payRule: z.enum(['capacity', 'rented']).default('capacity').describe('what honest validators pay for'),
  pools: z
    .array(
      z.strictObject({
        class: name.describe('of miners'),
        share: fraction.describe('all of them at most 1'),
      }),
    )
    .max(32)
    .default([])
    .describe('share of the pay by device class; what no class takes is burned'),
  sells: fraction.default(0).describe('share of what it earns that the owner sells, each epoch'),
});

const lag = {
  lagEpochs: z.number().int().min(0).max(64).default(0).describe('how old its measurements are'),
};
const validatorBehaviour = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('honest'), ...lag }).describe('weighs by what it measures'),
  z.strictObject({
    kind: z.literal('lazy'),
    refreshEpochs: z.number().int().min(1).max(1_000_000).describe('sets weights only this often'),
  }),
  z.strictObject({ kind: z.literal('copier') }).describe('sets the consensus that it can read on the chain'),
  z
    .strictObject({ kind: z.literal('cabal'), favours: name.describe('a group of miners') })
    .describe('weighs only the miners of that group'),
  z
    .strictObject({
      kind: z.literal('booster'),
      favours: name.describe('a group of miners'),
      boost: fraction.describe('share of its weight'),
      ...lag,
    })
    .describe('honest, but that share of its weight goes to the miners of that group'),
]);

const arrivals = {
  arrivesAtEpoch: z.number().int().min(0).default(0).describe('0: there from the start'),
  arrivalsPerEpoch: z.number().int().min(1).max(MAX_NEURONS).default(1).describe('once they arrive'),
  maxBurnTao: tokens
    .default(100)
    .describe('does not register above this price; who is pruned does not come back'),
};

const validatorGroup = z.strictObject({
  name: name.describe('for paths, metrics and columns'),
  coalition: name.optional().describe('groups that gain and lose together; its own name when absent'),
  count: z.number().int().min(1).max(MAX_NEURONS).default(1).describe('validators'),
  stakeAlpha: tokens.describe('of each; who arrives later buys it on the pool'),
  rootTao: tokens.default(0).describe('of each'),
  take: u16.default(11_796).describe('of 65535; goes to the operator, the rest to its stakers'),
  noise: z.number().min(0).max(10).default(0.02).describe('deviation of a measurement, relative'),
  sells: fraction.default(0).describe('share of its earnings that is sold each epoch'),
  behaviour: validatorBehaviour.prefault({ kind: 'honest' }).describe('how they set weights'),
  ...arrivals,
});

const minerBehaviour = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('honest') }).describe('serves always'),
  z
    .strictObject({
      kind: z.literal('burst'),
      onEpochs: z.number().int().min(0).max(100_000).describe('of each period'),
      periodEpochs: z.number().int().min(1).max(100_000).describe('length of a period'),
    })
    .describe('serves the first epochs of each period only'),
  z
    .strictObject({
      kind: z.literal('sybil'),
      copies: z.number().int().min(2).max(256).describe('uids of each machine'),
      detected: z
        .boolean()
        .default(true)
        .describe('proofs are simultaneous: copies share what the machine can do'),
    })
    .describe('one machine under several uids'),
  z
    .strictObject({
      kind: z.literal('exit'),
      patienceEpochs: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(10)
        .describe('poor epochs in a row, or up to twice as many'),
      margin: z.number().min(0).max(100).default(1).describe('of cost: earns at least this or leaves'),
    })
    .describe(
      'leaves when its earnings at the present price stay below cost; tries again when a share of its own would cover it, later each time',
    ),
]);

const minerGroup = z.strictObject({
  name: name.describe('for paths, metrics and columns'),
  coalition: name.optional().describe('groups that gain and lose together; its own name when absent'),
  count: z.number().int().min(1).max(MAX_NEURONS).default(1).describe('machines'),
  class: name.default('any').describe('of its devices, for owner.pools'),
  capacity: z
    .union([perHour, z.array(perHour).min(1).max(8)])
    .default(1)
    .describe('device hours per hour of each machine; by mechanism when a list'),
  quality: fraction
    .default(1)
    .describe('share of the capacity that proofs credit; renters take the best first'),
  costTaoPerHour: z.number().min(0).max(1_000).default(0).describe('of one device while it serves'),
  outsideTaoPerHour: z
    .number()
    .min(0)
    .max(1_000)
    .default(0)
    .describe('what a device earns elsewhere while it does not'),
  sells: fraction.default(1).describe('share of its earnings that is sold each epoch'),
  behaviour: minerBehaviour.prefault({ kind: 'honest' }).describe('when they serve, and under how many uids'),
  ...arrivals,
});

const market = z.strictObject({
  buyTaoPerDay: z.number().min(0).max(1_000_000).default(0).describe('by traders, whatever the price'),
  sellAlphaPerDay: z.number().min(0).max(SUPPLY).default(0).describe('by traders, as far as they have it'),
  noise: z.number().min(0).max(10).default(0).describe('deviation of both, relative, by epoch'),
  pricePath: z
    .array(
      z.strictObject({
        day: z.number().min(0).describe('since the start, of 7,200 blocks'),
        price: z.number().min(0.000001).max(1000).describe('TAO per alpha'),
      }),
    )
    .max(1000)
    .default([])
    .describe('traders move the pool along these prices, days ascending'),
  depthTaoPerDay: z.number().min(0).max(SUPPLY).default(10_000).describe('at most, to follow the path'),
  rental: z
    .strictObject({
      hoursPerDay: z.number().min(0).max(1_000_000_000).default(0).describe('device hours asked for'),
      taoPerHour: z.number().min(0).max(1_000).default(0).describe('rent of a device'),
      buysAlpha: fraction.default(0).describe('share of the rent that buys alpha; miners get the rest'),
    })
    .prefault({}),
});

const value = z.union([
  z.number(),
  z.string(),
  z.boolean(),
  z.record(z.string(), z.unknown()),
  z.array(z.unknown()),
]);

const scenarioSchema = z.strictObject({
  $schema: z.string().max(1024).optional().describe('for editors'),
  name: name.describe('a word for files and tables'),
  title: z.string().min(1).max(120).describe('one line'),
  description: z.string().max(4000).default('').describe('what happens, and what to look at'),
  seed: z.string().max(256).default('assay').describe('of all noise'),
  epochs: z.number().int().min(1).max(1_000_000).describe('how long it runs'),
  network: network.prefault({}),
  subnet: subnet.prefault({}),
  owner: owner.prefault({}),
  validators: z.array(validatorGroup).min(1).max(256).describe('groups of equals'),
  miners: z.array(minerGroup).max(256).default([]).describe('groups of equals'),
  market: market.prefault({}),
  changes: z
    .array(
      z.strictObject({
        epoch: z.number().int().min(1).describe('from its start on'),
        set: z.record(z.string(), value).describe('values by path, such as owner.burnShare'),
      }),
    )
    .max(1000)
    .default([])
    .describe('what becomes different on the way'),
});

/** A scenario with all defaults filled in. Amounts are whole tokens; the file it came from may say less. */
export type Scenario = z.output<typeof scenarioSchema>;
export type ScenarioFile = z.input<typeof scenarioSchema>;
export type ValidatorGroup = Scenario['validators'][number];
export type MinerGroup = Scenario['miners'][number];

/** JSON schema of a scenario file, for editors. */
export function scenarioJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(scenarioSchema, { io: 'input' });
}

/**
 * A scenario from what JSON.parse gave.
 *
 * @throws AssayError `invalid-config` naming each problem with its path
 */
export function parseScenario(json: unknown, source = 'scenario'): Scenario {
  const parsed = scenarioSchema.safeParse(json);
  const problems = parsed.success
    ? inconsistencies(parsed.data)
    : parsed.error.issues.map(({ path, message }) => `${pathOf(path)}: ${message}`);
  if (!parsed.success || problems.length > 0)
    throw new AssayError('invalid-config', `${source}: ${problems.join('; ')}`, { source, problems });
  return parsed.data;
}

const pathOf = (path: readonly PropertyKey[]): string =>
  path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('') || '(file)';

/** First parts of the names of metrics and columns that are the subnet's. */
const RESERVED: readonly string[] = [
  'owner',
  'emission',
  'alpha',
  'price',
  'pool',
  'tao',
  'burned',
  'burn',
  'neurons',
];

/** What no single field can know. */
function inconsistencies(scenario: Scenario): string[] {
  const { validators, miners, subnet: chain, owner: policy, market: trade } = scenario;
  const problems: string[] = [];
  const names = new Set(RESERVED);
  for (const { name: group } of [...validators, ...miners]) {
    if (names.has(group))
      problems.push(
        `${group}: ${RESERVED.includes(group) ? 'a name of metrics, not for a group' : 'two groups of this name'}`,
      );
    names.add(group);
  }
  const initial = validators.filter(({ arrivesAtEpoch }) => arrivesAtEpoch === 0);
  const staked = initial.reduce((sum, group) => sum + group.count * group.stakeAlpha, 0);
  if (staked > chain.alphaOut)
    problems.push(`subnet.alphaOut: ${chain.alphaOut} alpha is less than what validators stake, ${staked}`);
  const issued = chain.pool.alpha + chain.alphaOut;
  if (issued > SUPPLY)
    problems.push(`subnet.alphaOut: ${issued} alpha with the pool's, above the supply of ${SUPPLY}`);
  const rooted = validators.reduce((sum, group) => sum + group.count * group.rootTao, 0);
  if (rooted > scenario.network.rootTao)
    problems.push(
      `network.rootTao: ${scenario.network.rootTao} TAO is less than what validators have there, ${rooted}`,
    );
  const present = 1 + neuronsAtStart(scenario);
  if (present > chain.maxUids)
    problems.push(
      `subnet.maxUids: ${present} neurons at the start, the owner's included, above ${chain.maxUids}`,
    );
  validators.forEach(({ behaviour }, i) => {
    if ('favours' in behaviour && !miners.some((group) => group.name === behaviour.favours))
      problems.push(`validators[${i}].behaviour.favours: no group of miners is named ${behaviour.favours}`);
  });
  miners.forEach(({ capacity }, i) => {
    if (Array.isArray(capacity) && capacity.length !== chain.mechanisms.length)
      problems.push(
        `miners[${i}].capacity: ${capacity.length} values for ${chain.mechanisms.length} mechanisms`,
      );
  });
  const splits = chain.mechanisms.filter(({ split }) => split !== undefined);
  if (splits.length > 0) {
    const total = splits.reduce((sum, { split = 0 }) => sum + split, 0);
    if (splits.length < chain.mechanisms.length || total !== 65_535)
      problems.push(`subnet.mechanisms: splits must be given for all and sum to 65535, not ${total}`);
  }
  if (chain.liquidAlpha !== false && chain.liquidAlpha.low > chain.liquidAlpha.high)
    problems.push(`subnet.liquidAlpha: low ${chain.liquidAlpha.low} above high ${chain.liquidAlpha.high}`);
  const shares = policy.pools.reduce((sum, { share }) => sum + share, 0);
  if (shares > 1 + 1e-9) problems.push(`owner.pools: shares sum to ${shares}, above 1`);
  trade.pricePath.forEach(({ day }, i) => {
    if (i > 0 && day <= trade.pricePath[i - 1]!.day)
      problems.push(`market.pricePath[${i}].day: not after the one before`);
  });
  return [...problems, ...impossibleChanges(scenario)];
}

/** Each change is tried on what those before it left. */
function impossibleChanges({ changes, ...rest }: Scenario): string[] {
  const problems: string[] = [];
  let current: Scenario = { ...rest, changes: [] };
  changes.forEach(({ epoch, set }, i) => {
    if (i > 0 && epoch < changes[i - 1]!.epoch) problems.push(`changes[${i}].epoch: before the one above it`);
    const fixed = Object.keys(set).filter((path) => !CHANGEABLE.test(path));
    for (const path of fixed) problems.push(`changes[${i}].set: ${path} cannot change while the subnet runs`);
    if (fixed.length > 0) return;
    try {
      current = withParameters(current, Object.entries(set));
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      problems.push(`changes[${i}].set: ${error.message}`);
    }
  });
  return problems;
}

/** Neurons of the groups that are there from the start. */
function neuronsAtStart({ validators, miners }: Scenario): number {
  const initial = [...validators, ...miners].filter(({ arrivesAtEpoch }) => arrivesAtEpoch === 0);
  return initial.reduce((sum, group) => sum + group.count * uidsOf(group), 0);
}

/** Uids of one member: a sybil's machine has several. */
export const uidsOf = (group: ValidatorGroup | MinerGroup): number =>
  group.behaviour.kind === 'sybil' ? group.behaviour.copies : 1;

/** Paths that `changes` may set: policy, hyperparameters, behaviour and market, not who exists or what was there at first. */
const CHANGEABLE = new RegExp(
  [
    '^owner\\.',
    '^market\\.',
    '^network\\.(otherPrices|otherBurned|otherFlowTaoPerDay|rootSells)$',
    '^subnet\\.(tempo|kappa|bondsPenalty|bondsMovingAverage|yuma3|liquidAlpha|maxValidators|stakeThreshold)$',
    '^subnet\\.(liquidAlpha|commitReveal)\\.',
    '^subnet\\.(immunityPeriod|activityCutoffFactorMilli|commitReveal|recycleOrBurn|ownerCutEnabled|emissionEnabled)$',
    '^validators\\.[a-z0-9-]+\\.(noise|sells|behaviour)(\\.|$)',
    '^miners\\.[a-z0-9-]+\\.(capacity|quality|costTaoPerHour|outsideTaoPerHour|sells)(\\.|$)',
  ].join('|'),
);

/**
 * The scenario with one value replaced. Groups go by name: `owner.burnShare`, `validators.cabal.count`,
 * `miners.honest.behaviour.copies`, `market.pricePath.0.price`.
 *
 * @throws AssayError `invalid-input` when nothing is at the path, `invalid-config` when the value does not fit there
 */
export function withParameter(scenario: Scenario, path: string, replacement: unknown): Scenario {
  return withParameters(scenario, [[path, replacement]]);
}

/** Several at once; only the result has to be consistent. */
export function withParameters(
  scenario: Scenario,
  replacements: readonly (readonly [path: string, value: unknown])[],
): Scenario {
  const copy = structuredClone(scenario);
  for (const [path, replacement] of replacements) setAt(copy, path, replacement);
  return parseScenario(copy, replacements.map(([path, v]) => `${path} = ${JSON.stringify(v)}`).join(', '));
}

/** The value at a path. @throws AssayError `invalid-input` when nothing is there */
export function parameterAt(scenario: Scenario, path: string): unknown {
  const { holder, key } = locate(scenario, path);
  return holder[key];
}

function setAt(scenario: Scenario, path: string, replacement: unknown): void {
  const { holder, key } = locate(scenario, path);
  holder[key] = replacement;
}

function locate(scenario: Scenario, path: string): { holder: Record<string, unknown>; key: string } {
  const parts = path.split('.');
  const key = parts.pop()!;
  let holder: unknown = scenario;
  for (const part of parts) holder = isRecord(holder) ? holder[keyIn(holder, part)] : undefined;
  if (!isRecord(holder) || !knows(holder, keyIn(holder, key)))
    throw new AssayError('invalid-input', `${path}: the scenario has no such value`, {
      what: path,
      expected: 'a path such as owner.burnShare or validators.<group>.stakeAlpha',
      got: path,
    });
  return { holder, key: keyIn(holder, key) };
}

const isRecord = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null;

/** Groups stand in a list and go by their names. */
function keyIn(holder: Record<string, unknown>, part: string): string {
  if (!Array.isArray(holder)) return part;
  const index = holder.findIndex((item: unknown) => isRecord(item) && item['name'] === part);
  return index < 0 ? part : String(index);
}

/** Optional values may be absent from a scenario and set all the same. */
const OPTIONAL = new Set(['movingPrice', 'coalition', 'split']);
const knows = (holder: Record<string, unknown>, key: string): boolean =>
  Object.hasOwn(holder, key) || (OPTIONAL.has(key) && !Array.isArray(holder));
