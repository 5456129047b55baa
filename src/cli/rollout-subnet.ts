// Owns: what everybody on a subnet of rollouts must go by, as a file, and the parts that it names: policy, environment, windows, rules
// by a calibration. Does not own: what they mean.
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ChainInfo } from '../chain/chain.js';
import { assertConfig, type DecoderConfig } from '../inference/decoder.js';
import { decoderSchema } from '../inference/model-folder.js';
import { type Policy, parsePolicy, policyDigest } from '../inference/spec/policy.js';
import type { Profile } from '../inference/spec/profile.js';
import { toleranceUnits } from '../inference/spec/race.js';
import { BEACONS, type BeaconKind } from '../inference/spec/window.js';
import { fromAddress, readyKeys, verifySignature } from '../keys/index.js';
import { equals, fromHex, toHex, utf8 } from '../model/bytes.js';
import { canonicalJson } from '../model/canonical-json.js';
import { sha256 } from '../model/hash.js';
import { type Hotkey, toHotkey } from '../model/ids.js';
import { assertWindowPlan, type WindowPlan } from '../rollouts/windows.js';
import { createEnvironment } from '../verification/environments/catalogue.js';
import type { Environment } from '../verification/environments/environment.js';
import { byteTokenizer } from '../verification/environments/tokenizer.js';
import {
  isSameEngine,
  type LoadedCalibration,
  loadCalibration,
  MAX_CALIBRATION_BYTES,
  rulesOf,
} from '../verification/rollouts/calibration.js';
import { drawRulesFor } from '../verification/rollouts/draw.js';
import { type AuditRules, FP32_BOUND_PPB, FP32_DELTA } from '../verification/rollouts/rules.js';
import { readInputBytes, readInputJson } from './input-text.js';
import { errnoOf, invalid } from './invalid-input.js';
import { ENGINES, type Engine } from './rollout-choice.js';
import { openWholeFile } from './whole-file.js';

/** In a validator's folder, beside its ledger: what its verdicts are replayed by. */
export const SUBNET_FILE = 'subnet.json';
/** Beside it, unless flags say where else. */
export const CALIBRATION_FILE = 'calibration.json';

/** Instead of a calibration's digest: judged by constants that nobody measured here. For trying things out, refused on live chains. */
export const UNCALIBRATED = 'none-localnet-only';

const MAX_SUBNET_BYTES = 1 << 16;

const count = z.number().int().positive();
const block = z.number().int().min(0);
const planSchema = z.strictObject({
  firstBlock: block,
  everyBlocks: count,
  workBlocks: count,
  beaconDelayMs: block.optional(),
  headLeadBlocks: block.optional(),
  auditExpiryMs: count.optional(),
});
const schema = z.strictObject({
  version: z.literal(1),
  /** without the environment's digest, which follows from `environment` */
  policy: z.record(z.string(), z.unknown()),
  environment: z.strictObject({ id: z.string(), params: z.unknown() }),
  model: z.strictObject({
    engine: z.enum(ENGINES),
    config: decoderSchema,
  }),
  quota: count,
  /** what a token of a prompt is paid, in thousandths of one that was generated, and how that is known */
  prompt: z.strictObject({ millis: z.number().int().min(0).max(1000), is: z.enum(['measured', 'declared']) }),
  /** digest of the artefact that `assay rollouts calibrate` made */
  calibration: z.union([z.literal(UNCALIBRATED), z.string().regex(/^[0-9a-f]{64}$/)]),
  /** address of whose commitments name checkpoints */
  trainer: z.string().max(64),
  beacon: z.enum(BEACONS),
  plan: planSchema,
});

export interface RolloutSubnet {
  readonly policy: Policy;
  readonly environment: Environment;
  readonly engine: Engine;
  readonly config: DecoderConfig;
  /** rollouts that a miner may hand in for one window */
  readonly quota: number;
  readonly trainer: Hotkey;
  readonly beacon: BeaconKind;
  readonly plan: WindowPlan;
  readonly rules: AuditRules;
  /** what `rules` follow from, as it is written; undefined of a localnet's */
  readonly calibration: (LoadedCalibration & { readonly text: string }) | undefined;
  /** as it is written */
  readonly text: string;
}

/**
 * @param calibrationBytes of the artefact that it names; keys must be ready then
 * @throws AssayError `invalid-input` naming what is wrong
 */
export function parseRolloutSubnet(
  value: unknown,
  what: string,
  calibrationBytes?: Uint8Array,
): RolloutSubnet {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    const key = path.join('.');
    throw invalid(key === '' ? what : `${key} of ${what}`, 'a subnet of rollouts, version 1', message);
  }
  const { environment: named, model, quota, prompt, plan, beacon, calibration: digest } = parsed.data;
  const environment = createEnvironment(named.id, named.params, { tokenizer: byteTokenizer });
  const policy = parsePolicy(
    { ...parsed.data.policy, environmentDigest: toHex(environment.digest) },
    `policy of ${what}`,
  );
  checked(`model of ${what}`, 'sizes of a decoder', () => assertConfig(model.config));
  checked(`plan of ${what}`, 'a plan of windows', () => assertWindowPlan(plan));
  checked(`trainer of ${what}`, 'an address', () => fromAddress(parsed.data.trainer));
  const calibration =
    digest === UNCALIBRATED ? undefined : calibrationOf(digest, { policy, what, bytes: calibrationBytes });
  return {
    policy,
    environment,
    engine: model.engine,
    config: model.config,
    quota,
    trainer: toHotkey(parsed.data.trainer),
    beacon,
    plan,
    rules: calibration
      ? rulesOf(calibration.calibration, prompt.millis)
      : {
          draw: drawRulesFor(model.config.width),
          tolerance: toleranceUnits(FP32_DELTA),
          bounds: [{ upTo: policy.maxTokens, ppb: FP32_BOUND_PPB }],
          promptMillis: prompt.millis,
        },
    calibration,
    text: canonicalJson(value),
  };
}

function checked(what: string, expected: string, assert: () => unknown): void {
  try {
    assert();
  } catch (error) {
    throw invalid(what, expected, error instanceof Error ? error.message : String(error), error);
  }
}

function calibrationOf(
  digest: string,
  { policy, what, bytes }: { policy: Policy; what: string; bytes: Uint8Array | undefined },
): LoadedCalibration & { readonly text: string } {
  if (!bytes) throw invalid(`calibration of ${what}`, `the artefact ${digest}`, 'none');
  const loaded = loadCalibration(bytes, { digest: fromHex(digest), verify: verifySignature });
  if (!equals(policyDigest(loaded.calibration.policy), policyDigest(policy)))
    throw invalid(`calibration of ${what}`, "one of the subnet's policy and environment", 'one of others');
  return { ...loaded, text: new TextDecoder().decode(bytes) };
}

/**
 * @param calibration where the artefact lies. @default `calibration.json` beside the file
 * @throws AssayError `invalid-input`
 */
export async function readSubnetFile(path: string, calibration?: string): Promise<RolloutSubnet> {
  await readyKeys();
  const value = await readInputJson(path, { maxBytes: MAX_SUBNET_BYTES });
  const isNamed = (value as { calibration?: unknown } | null)?.calibration !== UNCALIBRATED;
  const bytes =
    isNamed || calibration !== undefined
      ? await readInputBytes(calibration ?? join(dirname(path), CALIBRATION_FILE), {
          maxBytes: MAX_CALIBRATION_BYTES,
        })
      : undefined;
  return parseRolloutSubnet(value, path, bytes);
}

/** A validator's folder. */
export async function readRolloutSubnet(folder: string): Promise<RolloutSubnet> {
  const path = join(folder, SUBNET_FILE);
  const isThere = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isThere) throw invalid(folder, "a validator's folder of rollouts", `no ${SUBNET_FILE} in it`);
  return readSubnetFile(path);
}

/**
 * Into a validator's folder, where it has none yet: verdicts of one folder are judged by one set of rules, or none would replay.
 * @throws AssayError `invalid-input` where there is another
 */
export async function keepSubnet(folder: string, { text, calibration }: RolloutSubnet): Promise<void> {
  await mkdir(folder, { recursive: true });
  const keep = async (name: string, wanted: string): Promise<void> => {
    const path = join(folder, name);
    const known = await readFile(path, 'utf8').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (known === wanted) return;
    if (known !== undefined)
      throw invalid('--data', `a folder of this subnet, or a new one`, `one with another ${name}`);
    await (await openWholeFile(path, path)).write(wanted);
  };
  // the subnet last: a folder that has it is whole
  if (calibration) await keep(CALIBRATION_FILE, calibration.text);
  await keep(SUBNET_FILE, `${text}\n`);
}

/** What two operators compare to see that they are on one subnet. */
export const subnetDigest = ({ text }: Pick<RolloutSubnet, 'text'>): Uint8Array => sha256(utf8(text));

/** @throws AssayError `invalid-input`: constants that nobody measured convict nobody on a chain that is worth something */
export function assertFitsChain(
  { calibration }: Pick<RolloutSubnet, 'calibration'>,
  { type, name }: Pick<ChainInfo, 'type' | 'name'>,
): void {
  if (type === 'live' && !calibration)
    throw invalid('calibration of the subnet', `a calibration: ${name} is a live chain`, UNCALIBRATED);
}

/**
 * Whether a model's engine is the one that was measured. Weights are others with each checkpoint, and are not compared.
 * @throws AssayError `invalid-input`
 */
export function assertCalibrated(
  { calibration }: Pick<RolloutSubnet, 'calibration'>,
  side: 'miner' | 'verifier',
  profile: Profile,
): void {
  const measured = calibration?.calibration[side];
  if (!measured || isSameEngine(measured, profile)) return;
  throw invalid(`${side} of the calibration`, `${shown(profile)}, which runs here`, shown(measured));
}

const shown = ({ engine, engineVersion, provider, dtype, kvDtype, isa, graphDigest }: Profile): string =>
  `${engine} ${engineVersion}, ${provider}, ${dtype}/${kvDtype}, ${isa}, graph ${toHex(graphDigest).slice(0, 16)}`;
