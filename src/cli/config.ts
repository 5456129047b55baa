// Owns: the only reading of environment, files and flags. Rooms get typed options and never see process.env.
import { z } from 'zod';
import { AssayError } from '../model/errors.js';
import { isSlip, nearest } from '../model/near.js';
import { SESSION_LIMITS } from '../protocol/limits.js';
import { DEFAULT_HOLD } from '../validator/schedule.js';
import { readConfigFile } from './config-file.js';
import { flagOf, variableOf } from './config-keys.js';
import { LOG_FORMATS } from './role-log.js';
import { mayBeSecret } from './wallets.js';

/** Of a number that is missing, that is none, or that lies outside: one message that says which it takes. */
export const integerBetween = (least: number, most: number, what = 'an integer') => {
  const expected = `expected ${what} in ${least}..${most}, in digits`;
  const error = ({ input }: { readonly input?: unknown }) =>
    input === undefined ? `is required: ${what} in ${least}..${most}` : expected;
  return z.number({ error }).int(expected).min(least, expected).max(most, expected);
};

const port = integerBetween(0, 65_535, 'a port');
const netuid = integerBetween(1, 4095, 'the number of a subnet');
const logLevel = z.enum(['debug', 'info', 'warn', 'error']);
/** Addresses or names of networks, with commas between several; networks.ts reads it. */
const endpoints = z
  .string()
  .max(4096)
  .regex(
    /^(wss?:\/\/[^,]+|finney|test|archive|local)(,\s*(wss?:\/\/[^,]+|finney|test|archive|local))*$/,
    'expected ws:// or wss:// addresses or a network, with commas between several',
  );

const file = z.string().min(1).max(4096);
const address = z.string().min(1).max(64);
const bytes = integerBetween(0, Number.MAX_SAFE_INTEGER, 'bytes');
const httpUrl = z
  .string()
  .max(2048)
  .refine(isWebhook, 'expected http:// or https://, without a name and password in it');

// A key is one line of --help, of `assay config explain` and of docs/configuration.md: `description` says what it does,
// `without` what holds where it is not said and its default does not say so itself (config-keys.ts has the rest).

const announceIp = z.string().max(64).optional().meta({
  description: 'address at which peers reach this host, as the chain shall name it',
  value: 'address',
  without: 'the bound one',
});
const host = address.default('127.0.0.1').meta({
  description: 'address to bind; the one that is there without it is reached from this host alone',
  value: 'address',
});
const mechanism = integerBetween(0, 15).default(0).meta({ description: 'mechanism whose weights are set' });
const publishLeadBlocks = integerBetween(1, 1000)
  .default(12)
  .meta({ description: 'blocks before the epoch at which weights are due' });

const shared = {
  chain: endpoints.default('ws://127.0.0.1:9944').meta({
    description:
      'nodes of one chain, or finney, test, archive; commas between several, the first healthy one is used',
    value: 'urls',
  }),
  netuid: netuid.default(1).meta({ description: 'number of the subnet' }),
  hotkey: z.string('is required: a hotkey file, or a development URI such as //Alice').min(1).max(4096).meta({
    description:
      'hotkey file of a Bittensor wallet, name of a hotkey where `wallet` is said, or for localnets a development URI such as //Alice',
    value: 'file or uri',
    example: '/etc/assay/hotkey',
  }),
  wallet: z.string().min(1).max(128).optional().meta({
    description: 'wallet in which `hotkey` is a name, which is `default` where there is none',
    value: 'name',
    without: 'hotkey is a file',
    example: 'my-wallet',
  }),
  walletPath: file.optional().meta({
    description: 'folder of wallets',
    value: 'folder',
    without: 'BT_WALLET_PATH, or ~/.bittensor/wallets',
  }),
  data: z.string('is required: a folder').min(1).max(4096).meta({
    description: 'folder that this role owns: one process at a time',
    value: 'folder',
    example: '/var/lib/assay',
  }),
  webhook: httpUrl.optional().meta({
    description:
      'a JSON object is POSTed there when an operator must know something: the chain is away, weights are late or lost',
    value: 'url',
    without: 'nobody is told',
    secret: true,
    example: 'https://alerts.example/assay',
  }),
  logLevel: logLevel
    .default('info')
    .meta({ description: 'lines of the log from this level on', value: 'level' }),
  logFormat: z
    .enum(LOG_FORMATS)
    .default('json')
    .meta({ description: 'json: one object a line; pretty: lines for people', value: 'format' }),
  traceModule: file.optional().meta({
    description:
      'module that registers a tracer provider of OpenTelemetry when it is loaded: spans go to it (docs/tracing.md)',
    value: 'file',
    without: 'nothing is traced',
  }),
  adminPort: integerBetween(-1, 65535)
    .default(0)
    .meta({ description: 'gRPC health on loopback: 0 picks a port, -1 turns it off' }),
  metricsPort: integerBetween(-1, 65535)
    .default(-1)
    .meta({ description: 'Prometheus metrics on loopback: 0 picks a port, -1 turns it off' }),
};

/** Of the queue that a scheduler and its workers share (docs/queue.md). */
const redis = z.string().min(1).max(4096).meta({
  description:
    'redis:// or rediss:// address of the Redis between a validator and its workers, or a file that holds it',
  value: 'url or file',
  secret: true,
  example: '/etc/assay/redis-url',
});
const redisPrefix = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'expected 1 to 64 letters, digits, dots, dashes')
  .default('assay')
  .meta({ description: 'what its keys there begin with: one for each validator', value: 'text' });

const params = z.array(file).max(16).default([]).meta({
  description:
    'parameter files of the subnet, for what a miner claims and for peers who ask; see: assay verification params',
  value: 'file',
});

const subnetModule = file.optional().meta({
  description:
    "module with the subnet's own proof kinds and scoring rules, made with defineSubnet (docs/guide/own-proof.md): it is run by loading it",
  value: 'file',
  without: "this build's alone",
  example: '/opt/my-subnet/dist/src/subnet.js',
});

const policy = z.array(file).max(16).default([]).meta({
  description:
    "the subnet's scoring policies, for peers who ask: what counts is what its owner published; see: assay scoring",
  value: 'file',
});

/** Of the League of Entropy: any of them will do, for what they answer is verified. */
export const DRAND_URLS = [
  'https://api.drand.sh',
  'https://api2.drand.sh',
  'https://api3.drand.sh',
  'https://drand.cloudflare.com',
] as const;

/** Credentials in a URL end up in error messages: a secret path or query does not. */
function isWebhook(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}

export const validatorSchema = z.strictObject({
  ...shared,
  module: subnetModule,
  params,
  policy,
  mechanism,
  eventsPerEpoch: integerBetween(1, SESSION_LIMITS.eventsPerEpoch)
    .default(5)
    .meta({ description: 'subnet-wide events in each epoch of the chain' }),
  leadBlocks: integerBetween(1, 100).default(1).meta({ description: 'blocks from announcement to event' }),
  eventBlocks: integerBetween(1, 1000).default(24).meta({ description: 'blocks kept for one event' }),
  holdFirst: integerBetween(1, SESSION_LIMITS.holdBlocks)
    .default(DEFAULT_HOLD.first)
    .meta({ description: "first block after the event's that may be its Pass" }),
  holdLast: integerBetween(1, SESSION_LIMITS.holdBlocks)
    .default(DEFAULT_HOLD.last)
    .meta({ description: "last block after the event's that may be its Pass" }),
  publishLeadBlocks,
  minLeadMs: integerBetween(0, 60_000).default(1000).meta({
    description: 'an event that we came to later than this before its block does not count',
    value: 'ms',
  }),
  openingBudgetBytes: bytes.default(20 * 2 ** 30).meta({ description: 'bytes of openings kept for replay' }),
  keepAccepted: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .meta({ description: 'share of accepted openings to keep, drawn after the verdict', value: 'share' }),
  evidenceBudgetBytes: bytes.default(20 * 2 ** 30).meta({ description: 'bytes of sessions kept for replay' }),
  keepEvidenceEpochs: integerBetween(1, 1_000_000_000)
    .optional()
    .meta({ description: 'epochs whose sessions are kept, within that budget', without: 'all' }),
  keepOutcomeEpochs: integerBetween(20, 1_000_000_000).optional().meta({
    description: 'epochs whose outcomes are kept, and a scoring state of older ones',
    without: 'all',
  }),
  verifierThreads: integerBetween(0, 256).optional().meta({
    description: 'threads that verify; 0 verifies on the thread that also serves sessions',
    without: 'one less than there are cores, at least 1',
  }),
  redis: redis.optional().meta({
    ...redis.meta(),
    description: `${redis.meta()!.description}; without it this process verifies alone`,
    without: 'none',
  }),
  redisPrefix,
  queueKey: file.optional().meta({
    description: 'key that this validator shares with its workers; made where there is none',
    value: 'file',
    without: 'queue/key in the data folder',
    example: '/etc/assay/queue-key',
  }),
  workerPatienceMs: integerBetween(100, 600_000, 'ms').default(20_000).meta({
    description:
      'verification that no worker took within so long is done here as well; one that a worker took and did not end, 36 s later: the first verdict counts',
    value: 'ms',
  }),
  evidencePort: port.default(8095).meta({
    description: 'port on which workers fetch evidence, where there is a Redis; 0 picks one',
  }),
  host,
  announceIp,
  filesPort: port.optional().meta({
    description:
      "port on which peers may have the owner's parameter files, announced on the chain; 0 picks one",
    without: 'none',
  }),
  anchorPort: port.optional().meta({
    description: 'port at which ends of our own are offered in rounds of bandwidth; 0 picks one',
    without: 'none: they cost traffic',
  }),
  anchors: integerBetween(1, 16).default(2).meta({ description: 'hosts that those ends stand for' }),
  anchorBytesPerS: integerBetween(1, 10_000_000_000).default(12_500_000).meta({
    description: "what they give together, and take, as long as a round lasts that is this validator's turn",
  }),
  echoPort: port.optional().meta({
    description:
      'port that miners call back to, so that we see where their connections come from; 0 picks one',
    without: 'not asked',
  }),
  receipts: file.optional().meta({
    description:
      'usage receipts, a JSON object a line, read when an epoch is paid by a policy that counts them',
    value: 'file',
    without: 'none',
  }),
  breakerShare: z.number().min(0).max(1).default(0.3).meta({
    description:
      'share of owners, and of their stake, that were honest before and fail together above which scores are held; 0 never holds them',
    value: 'share',
  }),
  breakerHoldEpochs: integerBetween(1, 15).default(10).meta({
    description: 'epochs for which they are held when nobody says anything (assay validator breaker)',
  }),
  breakerRestEpochs: integerBetween(1, 100_000).default(100).meta({
    description: 'epochs after a hold in which there is no other',
  }),
  dashboard: z.string().min(1).max(300).optional().meta({
    description:
      'address or port on which pages of this validator are served, 127.0.0.1:8787 where none is named; others reach them with a token',
    value: 'address',
    without: 'none',
  }),
  dashboardTokenFile: file.optional().meta({
    description: 'the token that whoever looks must hold; made where there is none',
    value: 'file',
    without: 'none on loopback, elsewhere dashboard-token in the data folder',
  }),
  dashboardNames: z
    .array(z.string().regex(/^[A-Za-z0-9.-]{1,253}$/))
    .max(16)
    .default([])
    .meta({
      description: 'names under which they are reached, beside localhost and addresses',
      value: 'name',
    }),
  dashboardOwner: z.boolean().default(false).meta({
    description: "the page of suspicions too, which is for the subnet's owner",
  }),
  randomSeed: z.string().max(256).optional().meta({
    description: 'challenges that can be repeated: for development chains, refused on live ones',
    without: 'real randomness',
    secret: true,
  }),
});

/** What works on a host, whoever it is behind. */
const devices = {
  worker: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'expected 1 to 64 letters, digits, dots, dashes')
    .default('host-1')
    .meta({ description: 'tag of this host within the hotkey', value: 'tag' }),
  class: z.string().max(64).default('cpu-2048').meta({
    description:
      "class of the parameter table that this host's CPUs claim as one slot; see: assay verification params",
    value: 'name',
  }),
  slots: z
    .array(z.string().max(80))
    .max(64)
    .default([])
    .meta({
      description:
        'slots in the order of their index, kind:class or kind:class@device, e.g. compute:cpu-2048 host-memory:host-64 memory:h200@cuda:0; none: only other hosts have some',
      value: 'slot',
      without: 'one of compute, with the class',
      example: ['compute:cpu-2048'],
    }),
  plots: z
    .array(z.string().max(4096))
    .max(64)
    .default([])
    .meta({ description: 'plots of the slots of storage (assay miner plot)', value: 'folder' }),
  threads: integerBetween(1, 256)
    .optional()
    .meta({ description: 'threads of the compute backend', without: 'all' }),
  doctor: z
    .boolean()
    .default(true)
    .meta({ description: 'prove each slot small before it is claimed; --no-doctor leaves that out' }),
};

export const minerSchema = z.strictObject({
  ...shared,
  module: subnetModule,
  params,
  policy,
  host,
  port: port.default(8091).meta({ description: 'port to bind, 0 picks one' }),
  announceIp,
  ...devices,
  linkPort: port
    .default(0)
    .meta({ description: 'port that peers pull from, for slots of bandwidth; 0 picks one' }),
  rotateServerKey: z
    .boolean()
    .default(false)
    .meta({ description: 'announce a new TLS key; the present one answers too until the next rotation' }),
  rotateServerKeyDays: integerBetween(1, 3650, 'days').optional().meta({
    description: 'while it runs, announce a new TLS key once the present one is so old',
    without: 'never',
  }),
  register: z.string().max(32).optional().meta({
    description: 'register where the hotkey is not, once, for at most so many TAO of the coldkey of --wallet',
    value: 'tao',
    without: 'it waits until somebody registers it',
    example: '0.5',
  }),
  coldkeyPasswordFile: file.optional().meta({
    description: 'file with the password of that coldkey',
    value: 'file',
    without: 'asked for when it is needed',
  }),
  minStakeShare: z.number().min(0).max(1).default(0).meta({
    description: 'part of the stake of all that hold a permit which a validator needs to be answered',
  }),
  listed: z
    .array(z.string().max(64))
    .max(1024)
    .default([])
    .meta({ description: 'hotkeys that may call without a validator permit', value: 'hotkey' }),
  mostDeviceSecondsADay: integerBetween(0, 86_400 * 64, 'seconds')
    .optional()
    .meta({
      description:
        'device seconds that proofs may take of each host in 24 hours; beyond, events are declined and unpaid',
      value: 'seconds',
      without: 'as many as validators ask for',
      example: 3600,
    }),
  mostBytesADay: integerBetween(0, Number.MAX_SAFE_INTEGER, 'bytes').optional().meta({
    description:
      'bytes that proofs may move of each host in 24 hours; beyond, events are declined and unpaid',
    value: 'bytes',
    without: 'as many as validators ask for',
    example: 50_000_000_000,
  }),
  hostFacts: z.boolean().default(true).meta({
    description:
      'tell validators what of this host nobody can prove (docs/host-facts.md); --no-host-facts tells nothing',
  }),
  hostsPort: port.optional().meta({
    description: 'port at which the other hosts of this hotkey dial in (assay miner host); 0 picks one',
    without: 'no other host does',
  }),
  hostsHost: address.optional().meta({
    description: 'address to bind for them, e.g. one of a network of their own',
    value: 'address',
    without: 'the same as host',
  }),
  hostsFile: file.optional().meta({
    description: 'which key is which worker, of those hosts (docs/hosts.md); read again when it changes',
    value: 'file',
    without: 'there is none; needed with hostsPort',
    example: '/etc/assay/hosts.json',
  }),
});

export const minerHostSchema = z.strictObject({
  miner: z
    .string('is required: the address and port that the miner has for its hosts')
    .regex(
      /^(\[[0-9a-fA-F:.]{2,45}\]|[^\s:/[\]]{1,253}):\d{1,5}$/,
      'expected address:port, [address]:port for IPv6',
    )
    .meta({
      description: "where the miner's --hosts-port is",
      value: 'address:port',
      example: '10.0.0.1:8092',
    }),
  minerKey: z
    .string('is required: what `assay miner host-key` prints there, or a file with it')
    .min(1)
    .max(4096)
    .meta({
      description:
        'key that the miner must have: what assay miner host-key --data prints there, or a file with it',
      value: 'hex or file',
      example: '/etc/assay/miner.pub',
    }),
  key: z.string('is required: a file that `assay miner host-key` made').min(1).max(4096).meta({
    description: "file with this host's own key (assay miner host-key --key)",
    value: 'file',
    example: '/etc/assay/host-key.json',
  }),
  data: file.optional().meta({
    description: 'folder that this host owns, one process at a time: what proofs took of it, its processes',
    value: 'folder',
    without: 'none; needed with a cap',
    example: '/var/lib/assay-host',
  }),
  module: subnetModule,
  ...devices,
  mostDeviceSecondsADay: integerBetween(0, 86_400 * 64, 'seconds')
    .optional()
    .meta({
      description:
        'device seconds that proofs may take of this host in 24 hours, whatever the miner says; beyond, its events are declined and unpaid',
      value: 'seconds',
      without: 'as many as the miner asks for',
      example: 3600,
    }),
  mostBytesADay: integerBetween(0, Number.MAX_SAFE_INTEGER, 'bytes').optional().meta({
    description:
      'bytes that proofs may move of this host in 24 hours, whatever the miner says; beyond, its events are declined and unpaid',
    value: 'bytes',
    without: 'as many as the miner asks for',
    example: 50_000_000_000,
  }),
  hostFacts: z.boolean().default(true).meta({
    description:
      'tell the miner, and through it validators, what of this host nobody can prove (docs/host-facts.md); --no-host-facts tells nothing',
  }),
  logLevel: shared.logLevel,
  logFormat: shared.logFormat,
  adminPort: shared.adminPort,
});

export const workerSchema = z.strictObject({
  redis: redis.meta({ ...redis.meta() }),
  redisPrefix,
  queueKey: z.string("is required: the validator's queue key, copied to this host").min(1).max(4096).meta({
    description: 'key that the validator made (its --queue-key), copied to this host',
    value: 'file',
    example: '/etc/assay/queue-key',
  }),
  evidence: httpUrl.meta({
    description: "where the validator's --evidence-port is reached from here",
    value: 'url',
    example: 'http://10.0.0.1:8095',
  }),
  module: subnetModule,
  verifierThreads: integerBetween(1, 256).optional().meta({
    description: 'threads that verify, and jobs in hand at once',
    without: 'as many as there are cores',
  }),
  json: z
    .boolean()
    .default(false)
    .meta({ description: 'its status as one JSON object a line on standard output' }),
  logLevel: shared.logLevel,
  logFormat: shared.logFormat,
  adminPort: shared.adminPort,
  metricsPort: shared.metricsPort,
});

/** What a miner and a validator of rollouts have in common. */
const rolloutShared = {
  ...shared,
  subnet: z.string('is required: the file that `assay rollouts init` wrote').min(1).max(4096).meta({
    description: 'what everybody on the subnet goes by (assay rollouts init)',
    value: 'file',
    example: '/etc/assay/subnet.json',
  }),
  calibration: file.optional().meta({
    description: 'the artefact that it names',
    value: 'file',
    without: 'calibration.json beside it',
  }),
  checkpoints: z
    .array(file, 'is required: a folder, or an address')
    .min(1)
    .max(16)
    .meta({
      description:
        "where checkpoints are had, asked in turn: a trainer's folder, or http(s) addresses of one",
      value: 'place',
      example: ['https://trainer.example/checkpoints'],
    }),
  drand: z
    .array(httpUrl)
    .min(1)
    .max(16)
    .default([...DRAND_URLS])
    .meta({ description: 'who is asked for rounds of drand-quicknet, in turn', value: 'url' }),
  threads: integerBetween(1, 256).default(1).meta({ description: 'threads of one operator of onnxruntime' }),
  host,
  announceIp,
  json: z
    .boolean()
    .default(false)
    .meta({ description: 'what became of each window, one JSON object a line on standard output' }),
};

export const rolloutMinerSchema = z.strictObject({
  ...rolloutShared,
  port: port.default(8091).meta({ description: 'port to bind, 0 picks one' }),
  engine: z
    .enum(['plain', 'onnx'])
    .optional()
    .meta({ description: 'what generates', value: 'name', without: "the subnet's" }),
  batch: integerBetween(1, 4096, 'rows').default(16).meta({ description: 'rows that are decoded together' }),
  marginBlocks: integerBetween(1, 1000).default(4).meta({
    description:
      "blocks before a window's last at which work ends, so that the commitment finds its way into one",
  }),
});

export const rolloutValidatorSchema = z.strictObject({
  ...rolloutShared,
  port: port
    .default(8092)
    .meta({ description: 'port on which others may have the files of windows, 0 picks one' }),
  mechanism,
  publishLeadBlocks,
});

export const localnetSchema = z.strictObject({
  host,
  port: port.default(9944).meta({ description: 'port of JSON-RPC, 0 picks one' }),
  blockTimeMs: integerBetween(10, 600_000)
    .default(250)
    .meta({ description: 'time of one block', value: 'ms' }),
  tempo: integerBetween(1, 65_535).default(360).meta({ description: 'blocks per epoch of new subnets' }),
  finalityLagBlocks: integerBetween(0, 100).default(2).meta({ description: 'blocks by which finality lags' }),
  manual: z
    .boolean()
    .default(false)
    .meta({ description: 'blocks are made on request (dev_newBlock) instead of by time' }),
  faults: z.boolean().default(false).meta({ description: 'serves the faucet and the faults' }),
  allowRemote: z.boolean().default(false).meta({ description: 'lets a host beyond loopback be bound' }),
  basePath: file.optional().meta({
    description: 'folder that keeps every finalized block',
    value: 'folder',
    without: 'memory only',
  }),
  json: z.boolean().default(false).meta({ description: 'JSON instead of text' }),
  sudo: z
    .string()
    .max(256)
    .default('//Alice')
    .meta({ description: 'root key, a development URI or an address', value: 'key' }),
  fund: z
    .array(z.string().max(256))
    .max(1024)
    .default([])
    .meta({ description: 'accounts that begin with balances: address or URI, = TAO', value: 'account=tao' }),
  logLevel: logLevel
    .default('info')
    .meta({ description: 'lines of the log from this level on', value: 'level' }),
});

/** Who has a configuration, by the name that its file may give itself. */
export const ROLES = {
  validator: validatorSchema,
  'validator-worker': workerSchema,
  miner: minerSchema,
  'miner-host': minerHostSchema,
  'rollouts-validator': rolloutValidatorSchema,
  'rollouts-miner': rolloutMinerSchema,
  localnet: localnetSchema,
} as const;
export type ConfigRole = keyof typeof ROLES;

export type Config<R extends ConfigRole> = z.infer<(typeof ROLES)[R]>;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Flags win over environment (`ASSAY_<KEY>`), environment over the file of `--config`, the file over defaults.
 * @throws AssayError `invalid-config` with one line per problem; unknown keys are problems
 */
export function loadConfig<S extends z.ZodObject>(
  schema: S,
  flags: Readonly<Record<string, unknown>>,
  environment: Environment = process.env,
): z.infer<S> {
  const { values, source } = gather(schema, flags, environment);
  return checked(schema, values, { source: `configuration from ${source}`, nameOf: (key) => key });
}

/**
 * What was said, before it is checked.
 * @returns `from`: the file, a variable or a flag, of each key that was said
 * @throws AssayError `invalid-config` for a file that cannot be read, is another role's or of a newer format, and for a variable
 * whose name is a slip of the pen
 */
export function gather(
  schema: z.ZodObject,
  flags: Readonly<Record<string, unknown>>,
  environment: Environment = process.env,
): { values: Record<string, unknown>; from: ReadonlyMap<string, string>; source: string } {
  const { config: path, ...own } = flags;
  const values = new Map<string, unknown>();
  const from = new Map<string, string>();
  const say = (key: string, value: unknown, where: string) => {
    values.set(key, value);
    from.set(key, where);
  };
  if (typeof path === 'string') {
    const file = readConfigFile(path);
    assertRole(schema, path, file.role);
    for (const [key, value] of Object.entries(file.values)) say(key, value, path);
  }
  assertVariables(schema, environment);
  for (const [key, shape] of Object.entries(schema.shape)) {
    const text = environment[variableOf(key)];
    if (text !== undefined) say(key, fromText(shape as z.ZodType, text), variableOf(key));
  }
  for (const [key, value] of Object.entries(own)) if (value !== undefined) say(key, value, flagOf(key));
  return {
    values: Object.fromEntries(values),
    from,
    source: typeof path === 'string' ? `${path}, flags and environment` : 'flags and environment',
  };
}

const roleOf = (schema: z.ZodObject): string | undefined =>
  Object.entries(ROLES).find(([, of]) => of === schema)?.[0];

function assertRole(schema: z.ZodObject, path: string, said: unknown): void {
  const own = roleOf(schema);
  if (said === undefined || own === undefined || said === own) return;
  const known = typeof said === 'string' && Object.hasOwn(ROLES, said);
  const problem = known
    ? `role: the configuration of a ${said}, not of a ${own}`
    : `role: expected one of ${Object.keys(ROLES).join(', ')}`;
  throw new AssayError('invalid-config', `${path}: ${problem}`, { source: path, problems: [problem] });
}

/** Others have variables that begin like ours (Kubernetes: `ASSAY_SERVICE_HOST`): what is refused is one that is nearly ours. */
function assertVariables(schema: z.ZodObject, environment: Environment): void {
  if (roleOf(schema) === undefined) return;
  const ours = new Set(Object.values(ROLES).flatMap(({ shape }) => Object.keys(shape).map(variableOf)));
  const problems = Object.keys(environment).flatMap((name) => {
    if (!name.startsWith('ASSAY_') || ours.has(name)) return [];
    const slip = nearest(
      name,
      [...ours].filter((one) => isSlip(name.slice(6), one.slice(6))),
    );
    return slip === undefined ? [] : [`${name}: no such variable; did you mean ${slip}?`];
  });
  if (problems.length > 0)
    throw new AssayError('invalid-config', `environment: ${problems.join('; ')}`, {
      source: 'environment',
      problems,
    });
}

/**
 * `--network` is another name of `--chain`.
 * @throws AssayError `invalid-config` for two that differ
 */
export function chainOf(flags: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { network, ...own } = flags;
  if (network === undefined) return own;
  if (own['chain'] === undefined || own['chain'] === network) return { ...own, chain: network };
  const problem = '--chain: expected one value, --network has another';
  throw new AssayError('invalid-config', problem, { source: 'flags', problems: [problem] });
}

/**
 * Flags of `validator start` and `miner start`. A seed among them would be in every process list; in a file or the
 * environment it is not.
 * @throws AssayError `invalid-config`
 */
export function roleFlags(flags: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const own = withDefaultHotkey(chainOf(flags));
  const { hotkey } = own;
  if (typeof hotkey !== 'string' || hotkey.startsWith('//') || !mayBeSecret(hotkey)) return own;
  const problem =
    '--hotkey: expected the path of a hotkey file (assay wallet create, assay wallet import), a name with --wallet, or a ' +
    'development URI such as //Alice, got what may be a secret: process lists show flags';
  throw new AssayError('invalid-config', problem, { source: 'flags', problems: [problem] });
}

/** As the other commands have it: of a wallet that is named, the hotkey `default` where none is. */
function withDefaultHotkey(flags: Record<string, unknown>): Record<string, unknown> {
  const isOpen = flags['hotkey'] === undefined && flags['config'] === undefined;
  const isNamed = flags['wallet'] !== undefined && process.env['ASSAY_HOTKEY'] === undefined;
  return isOpen && isNamed ? { ...flags, hotkey: 'default' } : flags;
}

/** Flags of a command that reads neither environment nor a file of configuration. */
export function loadFlags<S extends z.ZodObject>(
  schema: S,
  flags: Readonly<Record<string, unknown>>,
): z.infer<S> {
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  return checked(schema, given, { source: FLAGS, nameOf: flagOf });
}

/** It need not be said: the names are those of flags. */
const FLAGS = 'flags';

function checked<S extends z.ZodObject>(
  schema: S,
  values: Readonly<Record<string, unknown>>,
  { source, nameOf }: { readonly source: string; readonly nameOf: (key: string) => string },
): z.infer<S> {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys' && issue.path.length === 0)
      return issue.keys.map((key) => `${shown(key)}: ${unknownKey(schema, key, nameOf)}`);
    const where = issue.path.length === 0 ? '(top level)' : nameOf(issue.path.join('.'));
    const got = source === FLAGS ? gotInstead(issue.message, valueAt(values, issue.path)) : '';
    return [`${where}: ${issue.message}${got}`];
  });
  const before = source === FLAGS ? '' : `${source}: `;
  throw new AssayError('invalid-config', `${before}${problems.join('; ')}`, { source, problems });
}

/** What stood in a number's place, where everybody sees it anyway: process lists show flags. */
function gotInstead(message: string, value: unknown): string {
  if (!/^expected .*, in digits$/.test(message)) return '';
  const text = typeof value === 'number' || typeof value === 'string' ? `${value}` : '';
  return /^[\w.,:+-]{1,24}$/.test(text) ? `, got ${text}` : '';
}

const valueAt = (values: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], values);

/** A key is shown as it is where it could be one; what a file holds beside that is no text for a terminal. */
const shown = (key: string): string =>
  /^[\w$.-]{1,64}$/.test(key) ? key : JSON.stringify(key.slice(0, 32)).replace(/[^ -~]/g, '?');

function unknownKey(schema: z.ZodObject, key: string, nameOf: (key: string) => string): string {
  const near = nearest(key, Object.keys(schema.shape));
  const hint = near === undefined ? '' : `; did you mean ${nameOf(near)}?`;
  const others = Object.entries(ROLES).filter(([, of]) => of !== schema && Object.hasOwn(of.shape, key));
  if (roleOf(schema) === undefined || others.length === 0) return `unknown key${hint}`;
  return `a key of ${others.map(([name]) => name).join(' and ')}, not of ${roleOf(schema)}${hint}`;
}

/** `--last`, checked. @throws AssayError `invalid-config` */
export const lastOf = ({ last }: { last?: unknown }): number => loadFlags(LAST, { last }).last;
const LAST = z.strictObject({ last: integerBetween(1, 1_000_000).default(50) });

/** Text as the schema's type would have it; what does not fit stays text, and the schema says what is wrong. */
function fromText(shape: z.ZodType, text: string): unknown {
  if (shape.safeParse(text).success) return text;
  if (text === 'true' || text === 'false') return text === 'true';
  if (text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (text.includes(',') || shape.safeParse([text]).success)
    return text.split(',').map((part) => part.trim());
  return text;
}
