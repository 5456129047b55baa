// Owns: windows of rollouts over a small decoder, for tests of liars: the model, what liars run in its place, a judge.
import type { DecoderConfig } from '../../src/inference/decoder.js';
import { type Master, openMaster, seededMaster } from '../../src/inference/master.js';
import { createPlainModel } from '../../src/inference/plain/model.js';
import type { Policy } from '../../src/inference/spec/policy.js';
import { toleranceUnits } from '../../src/inference/spec/race.js';
import { MINIATURE } from '../../src/inference/tiny.js';
import { devKeypair } from '../../src/keys/keypair.js';
import { older, quantised } from '../../src/testing/rollouts/liars/altered.js';
import type { Judge } from '../../src/testing/rollouts/liars/meet.js';
import {
  corpusWindow,
  type Mining,
  SUBSTITUTES,
  type Substitute,
} from '../../src/testing/rollouts/liars/window.js';
import { createArithmetic } from '../../src/verification/environments/arithmetic.js';
import type { Environment } from '../../src/verification/environments/environment.js';
import { byteTokenizer } from '../../src/verification/environments/tokenizer.js';
import type { AuditRules } from '../../src/verification/rollouts/rules.js';
import { FP32_BOUND_PPB } from '../../src/verification/rollouts/rules.js';

/** A fifth of MINIATURE's work; random weights. */
const CONFIG: DecoderConfig = {
  ...MINIATURE,
  width: 24,
  layers: 1,
  headWidth: 6,
  hidden: 48,
  maxPositions: 64,
};
const LEARNING_RATE = 1e-3;

export const sums: Environment = createArithmetic(
  { operators: '+', digits: 1, form: 'equation' },
  { tokenizer: byteTokenizer },
);

/** Sixteen ids end a rollout, so that random weights end some. */
const POLICY: Policy = {
  temperature: '1',
  candidates: 64,
  maxTokens: 20,
  stopIds: Array.from({ length: 16 }, (_, i) => 10 + 15 * i),
  rolloutsPerGroup: 2,
  environmentDigest: sums.digest,
};

const RULES: AuditRules = {
  draw: { rollouts: 6, deep: 6, positions: 8 },
  tolerance: toleranceUnits(1e-4),
  bounds: [{ upTo: POLICY.maxTokens, ppb: FP32_BOUND_PPB }],
  promptMillis: 200,
};

export function alteredOf(master: Master, substitute: Substitute, learningRate: number): Master {
  if (substitute === 'int8') return quantised(master, 8);
  if (substitute === 'int4') return quantised(master, 4);
  return older(master, Number(substitute.slice('stale-'.length)), { learningRate, seed: 'test' });
}

/** Keys must be ready. */
export function liarWindows(seed: string): { judge: Judge; miningOf: (window: number) => Mining } {
  const master = openMaster(CONFIG, seededMaster(CONFIG, 'liars'));
  const model = createPlainModel(master);
  const substitutes = Object.fromEntries(
    SUBSTITUTES.map((name) => [name, createPlainModel(alteredOf(master, name, LEARNING_RATE))]),
  );
  const judge: Judge = {
    model,
    environment: sums,
    policy: POLICY,
    rules: RULES,
    quota: 1000,
    validator: devKeypair('validator'),
  };
  const miningOf = (window: number): Mining => ({
    model,
    substitutes,
    environment: sums,
    policy: POLICY,
    window: corpusWindow(seed, window, { policy: POLICY, checkpointDigest: master.digest }),
    key: devKeypair('miner'),
    victim: devKeypair('victim'),
    groups: 8,
  });
  return { judge, miningOf };
}
