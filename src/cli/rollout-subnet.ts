// Owns: what everybody on a subnet of rollouts must go by, as a file, and the parts that it names: policy, environment, rules.
// Does not own: what they mean.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { assertConfig, type DecoderConfig } from '../inference/decoder.js';
import { decoderSchema } from '../inference/model-folder.js';
import { type Policy, parsePolicy } from '../inference/spec/policy.js';
import { toleranceUnits } from '../inference/spec/race.js';
import { toHex } from '../model/bytes.js';
import { canonicalJson } from '../model/canonical-json.js';
import { AssayError } from '../model/errors.js';
import { createEnvironment } from '../verification/environments/catalogue.js';
import type { Environment } from '../verification/environments/environment.js';
import { byteTokenizer } from '../verification/environments/tokenizer.js';
import { drawRulesFor } from '../verification/rollouts/draw.js';
import { type AuditRules, FP32_BOUND_PPB, FP32_DELTA } from '../verification/rollouts/rules.js';

/** In a validator's folder, beside its ledger: what its verdicts are replayed by. */
export const SUBNET_FILE = 'subnet.json';

/** Measured on two cores: prefill 6,000 tokens a second, decoding eight rows 1,266. Another engine has another ratio. */
const PROMPT_MILLIS = 200;

const count = z.number().int().positive();
const schema = z.strictObject({
  version: z.literal(1),
  /** without the environment's digest, which follows from `environment` */
  policy: z.record(z.string(), z.unknown()),
  environment: z.strictObject({ id: z.string(), params: z.unknown() }),
  model: z.strictObject({
    engine: z.enum(['onnx', 'plain']),
    config: decoderSchema,
  }),
  quota: count,
});

export interface RolloutSubnet {
  readonly policy: Policy;
  readonly environment: Environment;
  readonly engine: 'onnx' | 'plain';
  readonly config: DecoderConfig;
  /** rollouts that a miner may hand in for one window */
  readonly quota: number;
  readonly rules: AuditRules;
  /** as it is written */
  readonly text: string;
}

/** @throws AssayError `invalid-input` naming what is wrong */
export function parseRolloutSubnet(value: unknown, what: string): RolloutSubnet {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new AssayError('invalid-input', `${what}: ${path.join('.')}: ${message}`, {
      what: path.join('.') || what,
      expected: 'a subnet of rollouts, version 1',
      got: message,
    });
  }
  const { environment: named, model, quota } = parsed.data;
  const environment = createEnvironment(named.id, named.params, { tokenizer: byteTokenizer });
  const policy = parsePolicy(
    { ...parsed.data.policy, environmentDigest: toHex(environment.digest) },
    `policy of ${what}`,
  );
  assertConfig(model.config);
  return {
    policy,
    environment,
    engine: model.engine,
    config: model.config,
    quota,
    rules: {
      draw: drawRulesFor(model.config.width),
      tolerance: toleranceUnits(FP32_DELTA),
      bounds: [{ upTo: policy.maxTokens, ppb: FP32_BOUND_PPB }],
      promptMillis: PROMPT_MILLIS,
    },
    text: canonicalJson(value),
  };
}

export async function readRolloutSubnet(folder: string): Promise<RolloutSubnet> {
  const path = join(folder, SUBNET_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const expected = "a validator's folder of rollouts";
    throw new AssayError(
      'invalid-input',
      `${folder}: no ${SUBNET_FILE} in it: expected ${expected}`,
      { what: folder, expected, got: 'another' },
      { cause },
    );
  }
  return parseRolloutSubnet(JSON.parse(text), path);
}
