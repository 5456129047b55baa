// Owns: which model, environment and policy flags mean, for commands that begin a subnet of rollouts or measure one. Does not own:
// what is done with them, a subnet's file (rollout-subnet.ts).
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { LanguageModel } from '../inference/language-model.js';
import { type Master, openMaster, seededMaster } from '../inference/master.js';
import { openModelFolder } from '../inference/model-folder.js';
import { END_OF_TEXT } from '../inference/spec/byte-ids.js';
import { type Policy, parsePolicy } from '../inference/spec/policy.js';
import { MINIATURE, TINY } from '../inference/tiny.js';
import { toHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { createEnvironment } from '../verification/environments/catalogue.js';
import type { Environment } from '../verification/environments/environment.js';
import { byteTokenizer } from '../verification/environments/tokenizer.js';
import type { Calibration } from '../verification/rollouts/calibration.js';
import { integerBetween } from './config.js';
import { invalid } from './invalid-input.js';

export const ENGINES = ['plain', 'onnx'] as const;
export type Engine = (typeof ENGINES)[number];

/** As `addChoiceOptions` of rollouts-group.ts names them. */
export const choiceFlags = {
  model: z.string().min(1).max(4096).optional(),
  seeded: z.enum(['tiny', 'miniature']).optional(),
  weights: z.enum(['random', 'trained', 'unknown']).optional(),
  environment: z.string().max(64).default('arithmetic'),
  environmentParams: z.string().max(4096).default('{"operators":"+","digits":1,"form":"equation"}'),
  temperature: z.string().max(8).default('1'),
  candidates: integerBetween(2, 1024, 'candidates').default(64),
  maxTokens: integerBetween(1, 65_536, 'tokens').default(32),
  perGroup: integerBetween(1, 1024, 'rollouts').default(4),
  seed: z.string().min(1).max(128).default('assay'),
};
type ChoiceFlags = z.infer<z.ZodObject<typeof choiceFlags>>;

export interface Choice {
  readonly master: Master;
  readonly weights: Calibration['weights'];
  readonly environment: Environment;
  /** as the environment takes them */
  readonly params: unknown;
  readonly policy: Policy;
}

/** @throws AssayError `invalid-input` naming the flag, `unsupported` for a model that is no decoder over bytes */
export async function chosenOf(flags: ChoiceFlags, signal: AbortSignal): Promise<Choice> {
  const { master, stopIds, weights } = await masterOf(flags, signal);
  let params: unknown;
  try {
    params = JSON.parse(flags.environmentParams);
  } catch (error) {
    throw invalid('--environment-params', 'JSON', flags.environmentParams.slice(0, 80), error);
  }
  const environment = createEnvironment(flags.environment, params, { tokenizer: byteTokenizer });
  const policy = parsePolicy(
    {
      temperature: flags.temperature,
      candidates: flags.candidates,
      maxTokens: flags.maxTokens,
      stopIds,
      rolloutsPerGroup: flags.perGroup,
      environmentDigest: toHex(environment.digest),
    },
    'policy of the flags',
  );
  return { master, weights, environment, params, policy };
}

async function masterOf(
  { model: dir, seeded, weights, seed }: ChoiceFlags,
  signal: AbortSignal,
): Promise<{ master: Master; stopIds: number[]; weights: Calibration['weights'] }> {
  if ((dir === undefined) === (seeded === undefined))
    throw invalid('--model', 'either --model or --seeded', dir === undefined ? 'neither' : 'both');
  if (dir === undefined) {
    const config = seeded === 'tiny' ? TINY : MINIATURE;
    return {
      master: openMaster(config, seededMaster(config, seed)),
      stopIds: [END_OF_TEXT],
      weights: 'random',
    };
  }
  const folder = await openModelFolder(dir);
  const { model } = folder;
  if (model.kind !== 'decoder' || model.tokenizer.kind !== 'bytes') {
    const why = 'only decoders over bytes can be calibrated, and rollouts of them judged';
    throw new AssayError('unsupported', `${dir}: ${why}`, { what: dir, why });
  }
  await folder.verify(signal);
  const master = openMaster(model.config, await readFile(folder.pathOf(model.weights)), dir);
  const stopIds = [...model.stopIds];
  if (stopIds.length === 0) throw invalid(`stopIds of ${dir}`, 'one at least', 'none');
  return { master, stopIds, weights: weights ?? (model.family === 'seeded' ? 'random' : 'unknown') };
}

/** @param threads of one operator of onnxruntime. @default 1 */
export async function openEngine(
  engine: Engine,
  master: Master,
  { threads = 1 }: { readonly threads?: number } = {},
): Promise<LanguageModel> {
  if (engine === 'plain') return (await import('../inference/plain/model.js')).createPlainModel(master);
  const { createOnnxModel } = await import('../inference/onnx/model.js');
  return createOnnxModel(master, { threads });
}
