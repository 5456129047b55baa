// Owns: the only reading of environment, files and flags. Rooms get typed options and never see process.env.
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { AssayError } from '../model/errors.js';
import { SESSION_LIMITS } from '../protocol/limits.js';
import { DEFAULT_HOLD } from '../validator/schedule.js';
import { mayBeSecret } from './wallets.js';

/** A configuration file larger than this is not ours. */
const MAX_CONFIG_BYTES = 1 << 20;

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

const shared = {
  /** where the chain answers: nodes of one chain, the first healthy one is used */
  chain: endpoints.default('ws://127.0.0.1:9944'),
  netuid: netuid.default(1),
  /** hotkey file of a Bittensor wallet, name of a hotkey in `wallet`, or a development URI such as //Alice */
  hotkey: z.string('is required: a hotkey file, or a development URI such as //Alice').min(1).max(4096),
  /** wallet whose hotkey `hotkey` names */
  wallet: z.string().min(1).max(128).optional(),
  /** folder of wallets */
  walletPath: z.string().min(1).max(4096).optional(),
  /** folder that this role owns */
  data: z.string('is required: a folder').min(1).max(4096),
  /** told of what an operator must know, one POST with a JSON object each */
  webhook: z
    .string()
    .max(2048)
    .refine(isWebhook, 'expected http:// or https://, without a name and password in it')
    .optional(),
  logLevel: logLevel.default('info'),
  /** gRPC health, loopback; 0 picks a port, -1 turns it off */
  adminPort: integerBetween(-1, 65535).default(0),
  /** Prometheus, loopback; 0 picks a port, -1 turns it off */
  metricsPort: integerBetween(-1, 65535).default(-1),
};

/** parameter files of the subnet: what a miner claims and hands out, what a validator need not ask for */
const params = z.array(z.string().min(1).max(4096)).max(16).default([]);

/** scoring policies of the subnet, handed out as parameter files are: what counts is what its owner published */
const policy = params;

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
  params,
  policy,
  /** whose weights are set */
  mechanism: integerBetween(0, 15).default(0),
  eventsPerEpoch: integerBetween(1, SESSION_LIMITS.eventsPerEpoch).default(5),
  leadBlocks: integerBetween(1, 100).default(1),
  eventBlocks: integerBetween(1, 1000).default(24),
  /** between these blocks after the event's the Pass is drawn */
  holdFirst: integerBetween(1, SESSION_LIMITS.holdBlocks).default(DEFAULT_HOLD.first),
  holdLast: integerBetween(1, SESSION_LIMITS.holdBlocks).default(DEFAULT_HOLD.last),
  publishLeadBlocks: integerBetween(1, 1000).default(12),
  minLeadMs: integerBetween(0, 60_000).default(1000),
  /** bytes of openings kept for replay */
  openingBudgetBytes: z
    .number()
    .int()
    .min(0)
    .default(20 * 2 ** 30),
  /** share of accepted openings that is kept, drawn after the verdict */
  keepAccepted: z.number().min(0).max(1).default(0.05),
  /** sessions of so many epochs are kept for replay; all within the budget without it */
  keepEvidenceEpochs: integerBetween(1, 1_000_000_000).optional(),
  /** bytes of sessions kept for replay */
  evidenceBudgetBytes: z
    .number()
    .int()
    .min(0)
    .default(20 * 2 ** 30),
  /** outcomes of so many epochs are kept, and a scoring state of older ones; all without it */
  keepOutcomeEpochs: integerBetween(20, 1_000_000_000).optional(),
  /** threads that verify; 0 verifies on the thread that also serves sessions */
  verifierThreads: integerBetween(0, 256).optional(),
  /** address that its ports are bound to */
  host: z.string().min(1).max(64).default('127.0.0.1'),
  /** address at which peers reach them; the bound one without it */
  announceIp: z.string().max(64).optional(),
  /** where peers may have the owner's files from us, 0 picks one; announced on the chain; none without it */
  filesPort: port.optional(),
  /** where hosts meet ends of this validator's own, 0 picks one; none without it */
  anchorPort: port.optional(),
  /** how many hosts they stand for */
  anchors: integerBetween(1, 16).default(2),
  /** what they give together, and take: as long as a round, at each event that is this validator's turn */
  anchorBytesPerS: integerBetween(1, 10_000_000_000).default(12_500_000),
  /** where miners call back to, 0 picks one; without it nobody's source address is looked at */
  echoPort: port.optional(),
  /** usage receipts, one JSON document a line: read anew when an epoch is paid by a policy that counts them */
  receipts: z.string().min(1).max(4096).optional(),
  /** challenges that can be repeated; refused on live chains */
  randomSeed: z.string().max(256).optional(),
});

export const minerSchema = z.strictObject({
  ...shared,
  params,
  policy,
  host: z.string().min(1).max(64).default('127.0.0.1'),
  port: port.default(8091),
  /** address that the chain shall name; the bound one without it */
  announceIp: z.string().max(64).optional(),
  /** tag of this host within the hotkey */
  worker: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'expected 1 to 64 letters, digits, dots, dashes')
    .default('host-1'),
  /** class of the parameter table that this host's CPUs claim as one slot */
  class: z.string().max(64).default('cpu-2048'),
  /** slots in the order of their index, `kind:class` each; one of `compute` with the class above where there are none */
  slots: z.array(z.string().max(80)).max(64).default([]),
  /** folders with plots, for slots of `storage` */
  plots: z.array(z.string().max(4096)).max(64).default([]),
  /** where peers pull from, for slots of `bandwidth`; 0 picks one */
  linkPort: port.default(0),
  threads: integerBetween(1, 256).optional(),
  /** a new TLS key, announced on the chain; the present one goes on answering beside it */
  rotateServerKey: z.boolean().default(false),
  /** hotkeys that may call without a permit */
  listed: z.array(z.string().max(64)).max(1024).default([]),
});

const file = z.string().min(1).max(4096);
const httpUrl = z.string().max(2048).refine(isWebhook, 'expected http:// or https:// addresses');

/** What a miner and a validator of rollouts have in common. */
const rolloutShared = {
  ...shared,
  /** what everybody on the subnet goes by (`assay rollouts init`) */
  subnet: z.string('is required: the file that `assay rollouts init` wrote').min(1).max(4096),
  /** the artefact that it names; `calibration.json` beside it without */
  calibration: file.optional(),
  /** stores of checkpoints, asked in turn: folders, or addresses of web servers over one */
  checkpoints: z.array(file, 'is required: a folder, or an address').min(1).max(16),
  /** who is asked for rounds of quicknet, in turn */
  drand: z
    .array(httpUrl)
    .min(1)
    .max(16)
    .default([...DRAND_URLS]),
  /** of one operator of onnxruntime */
  threads: integerBetween(1, 256).default(1),
  host: z.string().min(1).max(64).default('127.0.0.1'),
  /** address that the chain shall name; the bound one without it */
  announceIp: z.string().max(64).optional(),
  /** one JSON object a window on standard output */
  json: z.boolean().default(false),
};

export const rolloutMinerSchema = z.strictObject({
  ...rolloutShared,
  port: port.default(8091),
  /** the subnet's without it */
  engine: z.enum(['plain', 'onnx']).optional(),
  /** rows that are decoded together */
  batch: integerBetween(1, 4096, 'rows').default(16),
  /** blocks before a window's last at which work ends, so that the commitment finds its way into one */
  marginBlocks: integerBetween(1, 1000).default(4),
});

export const rolloutValidatorSchema = z.strictObject({
  ...rolloutShared,
  port: port.default(8092),
  /** whose weights are set */
  mechanism: integerBetween(0, 15).default(0),
  /** blocks before the epoch at which weights are due */
  publishLeadBlocks: integerBetween(1, 1000).default(12),
});

export const localnetSchema = z.strictObject({
  host: z.string().min(1).max(64).default('127.0.0.1'),
  port: port.default(9944),
  blockTimeMs: integerBetween(10, 600_000).default(250),
  /** blocks per epoch of new subnets */
  tempo: integerBetween(1, 65_535).default(360),
  finalityLagBlocks: integerBetween(0, 100).default(2),
  /** blocks are made on request (dev_newBlock) instead of by time */
  manual: z.boolean().default(false),
  /** serves the faucet and the faults */
  faults: z.boolean().default(false),
  /** lets a host beyond loopback be bound */
  allowRemote: z.boolean().default(false),
  /** folder that keeps every finalized block; memory only without it */
  basePath: z.string().min(1).max(4096).optional(),
  /** JSON instead of text */
  json: z.boolean().default(false),
  /** root key, a development URI or an address */
  sudo: z.string().max(256).default('//Alice'),
  /** accounts that begin with balances: address or URI, = TAO */
  fund: z.array(z.string().max(256)).max(1024).default([]),
  logLevel: logLevel.default('info'),
});

/**
 * Flags win over environment (`ASSAY_<KEY>`), environment over the file of `--config`, the file over defaults.
 * @throws AssayError `invalid-config` with one line per problem; unknown keys are problems
 */
export function loadConfig<S extends z.ZodObject>(
  schema: S,
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): z.infer<S> {
  const { config: path, ...own } = flags;
  const file = typeof path === 'string' ? readConfigFile(path) : {};
  const merged: Record<string, unknown> = { ...file };
  for (const [key, shape] of Object.entries(schema.shape)) {
    const variable = `ASSAY_${key.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;
    const text = environment[variable];
    if (text !== undefined) merged[key] = fromText(shape as z.ZodType, text);
  }
  for (const [key, value] of Object.entries(own)) if (value !== undefined) merged[key] = value;

  const source = typeof path === 'string' ? `${path}, flags and environment` : 'flags and environment';
  return checked(schema, merged, { source: `configuration from ${source}`, nameOf: (key) => key });
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
  return checked(schema, given, { source: 'flags', nameOf: flagOf });
}

function checked<S extends z.ZodObject>(
  schema: S,
  values: Readonly<Record<string, unknown>>,
  { source, nameOf }: { readonly source: string; readonly nameOf: (key: string) => string },
): z.infer<S> {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? '(top level)' : nameOf(path.join('.'))}: ${message}`,
  );
  throw new AssayError('invalid-config', `${source}: ${problems.join('; ')}`, { source, problems });
}

/** `burnRate` as it is typed: `--burn-rate`. */
export const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

/** `--last`, checked. @throws AssayError `invalid-config` */
export function lastOf(flags: { last?: unknown }): number {
  return loadConfig(
    z.strictObject({ last: integerBetween(1, 1_000_000).default(50) }),
    { last: flags.last },
    {},
  ).last;
}

function readConfigFile(path: string): Record<string, unknown> {
  const fail = (problem: string, cause?: unknown) =>
    new AssayError(
      'invalid-config',
      `${path}: ${problem}`,
      { source: path, problems: [problem] },
      cause === undefined ? {} : { cause },
    );
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_CONFIG_BYTES) throw fail(`${size} bytes, at most ${MAX_CONFIG_BYTES} are read`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw fail('cannot be read', error);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    throw fail('not JSON'); // without the cause, which would quote the file
  }
  throw fail('expected a JSON object');
}

/** Text as the schema's type would have it; what does not fit stays text, and the schema says what is wrong. */
function fromText(shape: z.ZodType, text: string): unknown {
  if (shape.safeParse(text).success) return text;
  if (text === 'true' || text === 'false') return text === 'true';
  if (text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (text.includes(',') || shape.safeParse([text]).success)
    return text.split(',').map((part) => part.trim());
  return text;
}
