// Owns: the file that holds one subnet of a chain as of one block: what it says, its limits, reading and writing it.
// Does not own: reading a chain (subtensor/), putting it into a localnet (localnet/fork.ts).
import { z } from 'zod';
import { fromAddress } from '../keys/ss58.js';
import { AssayError } from '../model/errors.js';

/** Raised when older files no longer mean the same. */
const VERSION = 1;
const FORMAT = 'assay-subnet-snapshot';
/** 4096 neurons with full rows of weights and bonds are less. */
export const MAX_SNAPSHOT_BYTES = 256 << 20;
const MAX_NEURONS = 4096;
const MAX_MECHANISMS = 16;

/**
 * A storage value: bool; integers of up to 32 bits as numbers, larger ones and fixed point (raw bits) as decimal text;
 * enums without data by name; accounts as SS58; lists and tuples as arrays; structs as objects by the chain's field
 * names; bytes as 0x-hex. An absent optional is left out.
 */
export type SnapshotValue =
  | boolean
  | number
  | string
  | readonly SnapshotValue[]
  | { readonly [field: string]: SnapshotValue };

const value: z.ZodType<SnapshotValue> = z.lazy(() =>
  z.union([
    z.boolean(),
    z.number().int(),
    z.string().max(65_536),
    z.array(value).max(65_536),
    z.record(z.string().max(64), value),
  ]),
);
const values = z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,63}$/), value);
const hash = z.string().regex(/^0x[0-9a-f]{64}$/, 'expected 32 bytes as 0x-hex');
const rao = z
  .string()
  .regex(/^\d{1,20}$/, 'expected rao as decimal text')
  .transform(BigInt)
  .refine((amount) => amount < 1n << 64n, 'expected at most 64 bits');
const address = z.string().refine(isAddress, 'expected an SS58 address');
const u16 = z.number().int().min(0).max(65_535);
const block = z.number().int().min(0).max(0xffff_ffff);
const netuid = z.number().int().min(1).max(4095);
const row = z.array(z.tuple([u16, u16])).max(MAX_NEURONS);

const neuron = z.strictObject({
  hotkey: address,
  coldkey: address,
  /** TotalHotkeyAlpha on the subnet: the hotkey's own and that of all who stake on it */
  alphaRao: rao,
  /** TotalHotkeyAlpha on root, which is TAO */
  rootRao: rao,
  /** Delegates, u16 parts */
  take: u16.optional(),
  /** BlockAtRegistration */
  registeredAt: block,
  /** LastUpdate of mechanism 0 */
  lastUpdate: block,
  active: z.boolean(),
  validatorPermit: z.boolean(),
  consensus: u16,
  incentive: u16,
  dividends: u16,
  validatorTrust: u16,
  emissionRao: rao,
  /** the storage value Axons; left out where nothing was served */
  axon: z.record(z.string().max(64), value).optional(),
});

const rows = z
  .array(
    z.strictObject({
      mechanism: z
        .number()
        .int()
        .min(0)
        .max(MAX_MECHANISMS - 1),
      uid: u16,
      row,
    }),
  )
  .max(MAX_NEURONS * MAX_MECHANISMS);

const schema = z
  .strictObject({
    format: z.literal(FORMAT),
    version: z.literal(VERSION),
    /** of the chain that was read */
    genesisHash: hash,
    specVersion: z.number().int().min(1),
    block: z.strictObject({ number: block.min(1), hash }),
    netuid,
    /** of the chain as a whole: SNAPSHOT_ITEMS.chain, by name */
    chain: values,
    /** SubnetTAO of root: all TAO staked there */
    rootTaoRao: rao,
    /** SNAPSHOT_ITEMS.hyperparameters, by name */
    hyperparameters: values,
    /** SNAPSHOT_ITEMS.schedule, by name */
    schedule: values,
    /** SNAPSHOT_ITEMS.pool, by name */
    pool: values,
    /** SNAPSHOT_ITEMS.emission, by name */
    emission: values,
    /** SNAPSHOT_ITEMS.swap, by name */
    swap: values,
    owner: z.strictObject({ coldkey: address, hotkey: address }),
    /** by uid */
    neurons: z.array(neuron).min(1).max(MAX_NEURONS),
    /** rows as stored, max-upscaled; without those that are empty */
    weights: rows,
    /** the same; left out where they could not be read */
    bonds: rows.optional(),
  })
  .superRefine(({ neurons, weights, bonds = [] }, context) => {
    const seen = new Set<string>();
    for (const { hotkey } of neurons) {
      if (seen.has(hotkey))
        context.addIssue({ code: 'custom', path: ['neurons'], message: `${hotkey} twice` });
      seen.add(hotkey);
    }
    for (const [name, list] of [
      ['weights', weights],
      ['bonds', bonds],
    ] as const)
      if (list.some(({ uid, row }) => uid >= neurons.length || row.some(([to]) => to >= neurons.length)))
        context.addIssue({ code: 'custom', path: [name], message: 'a uid that no neuron has' });
  });

/** One subnet of a chain as of one block. */
export type SubnetSnapshot = z.output<typeof schema>;

/**
 * Storage items that a snapshot holds where the chain has them, by their names. Keyed by netuid alone, but for `chain`,
 * which has no keys; of pallet SubtensorModule, but for `swap`.
 */
export const SNAPSHOT_ITEMS = {
  chain: [
    'TotalIssuance',
    'TotalStake',
    'BlockEmission',
    'TaoWeight',
    'StakeThreshold',
    'SubnetMovingAlpha',
    'SubnetOwnerCut',
    'AdminFreezeWindow',
    'OwnerHyperparamRateLimit',
    'CommitRevealWeightsVersion',
  ],
  hyperparameters: [
    'Tempo',
    'MaxAllowedUids',
    'MinAllowedUids',
    'MaxAllowedValidators',
    'MinAllowedWeights',
    'ImmunityPeriod',
    'MinNonImmuneUids',
    'ImmuneOwnerUidsLimit',
    'Rho',
    'Kappa',
    'BondsPenalty',
    'BondsMovingAverage',
    'BondsResetOn',
    'WeightsVersionKey',
    'WeightsSetRateLimit',
    'ServingRateLimit',
    'ActivityCutoff',
    'ActivityCutoffFactorMilli',
    'EMAPriceHalvingBlocks',
    'AlphaValues',
    'AlphaSigmoidSteepness',
    'LiquidAlphaOn',
    'Yuma3On',
    'CommitRevealWeightsEnabled',
    'RevealPeriodEpochs',
    'NetworkRegistrationAllowed',
    'NetworkPowRegistrationAllowed',
    'SubtokenEnabled',
    'TransferToggle',
    'OwnerCutEnabled',
    'OwnerCutAutoLockEnabled',
    'SubnetEmissionEnabled',
    'MechanismCountCurrent',
    'MechanismEmissionSplit',
    'Burn',
    'MinBurn',
    'MaxBurn',
    'BurnHalfLife',
    'BurnIncreaseMult',
    'RecycleOrBurn',
    'Difficulty',
    'MinDifficulty',
    'MaxDifficulty',
    'AdjustmentInterval',
    'AdjustmentAlpha',
    'MaxRegistrationsPerBlock',
    'TargetRegistrationsPerInterval',
    'TokenSymbol',
  ],
  schedule: [
    'LastEpochBlock',
    'PendingEpochAt',
    'SubnetEpochIndex',
    'BlocksSinceLastStep',
    'LastMechansimStepBlock',
    'NetworkRegisteredAt',
    'FirstEmissionBlockNumber',
  ],
  pool: [
    'SubnetMechanism',
    'SubnetTAO',
    'SubnetAlphaIn',
    'SubnetAlphaOut',
    'SubnetProtocolAlpha',
    'SubnetVolume',
    'SubnetMovingPrice',
    'SubnetLocked',
  ],
  emission: [
    'SubnetTaoInEmission',
    'SubnetAlphaInEmission',
    'SubnetAlphaOutEmission',
    'SubnetExcessTao',
    'SubnetTaoFlow',
    'SubnetProtocolFlow',
    'PendingServerEmission',
    'PendingValidatorEmission',
    'PendingRootAlphaDivs',
    'PendingOwnerCut',
    'RootProp',
    'MinerBurned',
    'RAORecycledForRegistration',
  ],
  swap: ['FeeRate', 'SwapBalancer', 'PalSwapInitialized'],
} as const;

/**
 * @param what names the file in errors
 * @throws AssayError `invalid-input` naming the first thing that is wrong, `limit-exceeded`
 */
export function parseSnapshot(text: string, what: string): SubnetSnapshot {
  if (text.length > MAX_SNAPSHOT_BYTES)
    throw new AssayError('limit-exceeded', `${what}: more than ${MAX_SNAPSHOT_BYTES} bytes`, {
      what,
      limit: MAX_SNAPSHOT_BYTES,
      got: text.length,
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw notASnapshot(what, 'something that is not JSON', error);
  }
  return checkSnapshot(json, what);
}

/** @throws TypeError for a value that is none: what a chain said is checked where it is read */
export function snapshotText(snapshot: SubnetSnapshot): string {
  const text = JSON.stringify(snapshot, (_key, each: unknown) =>
    typeof each === 'bigint' ? each.toString() : each,
  );
  const parsed = schema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new TypeError(`snapshot: ${problemOf(parsed.error)}`);
  return `${text}\n`;
}

/** The parts that every snapshot has. */
export const SNAPSHOT_FORM = { format: FORMAT, version: VERSION } as const;

function checkSnapshot(json: unknown, what: string): SubnetSnapshot {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw notASnapshot(what, problemOf(parsed.error));
  return parsed.data;
}

function problemOf({ issues: [issue] }: z.ZodError): string {
  return `${issue!.path.join('.') || 'its top level'}: ${issue!.message}`;
}

function notASnapshot(what: string, got: string, cause?: unknown): AssayError {
  const expected = `the snapshot of a subnet (${FORMAT} ${VERSION})`;
  return new AssayError(
    'invalid-input',
    `${what}: expected ${expected}, got ${got}`,
    { what, expected, got },
    cause === undefined ? {} : { cause },
  );
}

function isAddress(text: string): boolean {
  try {
    fromAddress(text);
    return true;
  } catch {
    return false; // whatever is wrong with it, it is none
  }
}
