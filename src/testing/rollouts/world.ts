// Owns: the world of `assay demo --rollouts` as a value: who is there, on which model, under which policy and plan; updates of a
// checkpoint that no training made. Does not own: running it.
import { encodeMaster, openMaster, seededMaster } from '../../inference/master.js';
import { END_OF_TEXT } from '../../inference/spec/byte-ids.js';
import { MINIATURE, TINY } from '../../inference/tiny.js';
import { createSeededRandom, shuffled } from '../../model/prng.js';
import type { World } from '../world.js';
import type { RolloutMinerKind } from './miners.js';

/** The order in which they are dealt to names is the seed's. */
const KINDS: readonly RolloutMinerKind[] = ['honest', 'honest', 'best-of-n', 'stale', 'int8', 'copies'];

export interface RolloutWorld {
  readonly world: World;
  /** by miner's name */
  readonly kinds: ReadonlyMap<string, RolloutMinerKind>;
}

const TAO = 1_000_000_000n;

export function createRolloutWorld(seed: string): RolloutWorld {
  const random = createSeededRandom(`assay/demo/rollouts/${seed}`);
  const uri = (name: string, key: 'hot' | 'cold') =>
    `//assay-demo//${Buffer.from(seed).toString('hex') || '0'}//rollouts//${name}//${key}`;
  const keys = (name: string) => ({ hotkeyUri: uri(name, 'hot'), coldkeyUri: uri(name, 'cold') });
  const dealt = shuffled(KINDS, random);
  const miners = dealt.map((_, k) => ({
    name: `miner-${k + 1}`,
    behaviour: 'honest-small' as const, // of the compute demo, which is not run here
    ...keys(`miner-${k + 1}`),
    host: `127.${16 + k}.0.1`,
  }));
  const validators = [
    { name: 'validator-a', ...keys('validator-a'), stakeRao: 120n * TAO },
    { name: 'validator-b', ...keys('validator-b'), stakeRao: 80n * TAO },
  ] as const;
  const registration = shuffled(
    [...miners, ...validators].map(({ name }) => name),
    random,
  );
  return {
    world: { seed, owner: keys('owner'), validators, miners, registration },
    kinds: new Map(miners.map(({ name }, k) => [name, dealt[k]!])),
  };
}

export const validatorHost = (name: string): string => (name === 'validator-a' ? '127.8.0.1' : '127.9.0.1');

/** Twenty seconds a window, of 250 ms blocks: what six miners need that share two cores, four times over. */
export const ROLLOUT_PLAN = {
  windows: 3,
  /** from the first block after the set-up to the first window */
  leadBlocks: 24,
  everyBlocks: 84,
  workBlocks: 70,
  beaconDelayMs: 2500,
  headLeadBlocks: 5,
} as const;

/** What a role of the demo goes by that its windows and its trainer do not decide. */
export function rolloutSubnet(engine: 'onnx' | 'plain') {
  return {
    version: 1,
    policy: { temperature: '1', candidates: 64, maxTokens: 24, stopIds: [END_OF_TEXT], rolloutsPerGroup: 4 },
    environment: { id: 'arithmetic', params: { operators: '+', digits: 2, form: 'question' } },
    model: { engine, config: engine === 'onnx' ? TINY : MINIATURE },
    quota: 128,
    // on two cores: prefill 6,000 tokens a second, decoding eight rows 1,266
    prompt: { millis: 200, is: 'measured' },
    calibration: 'none-localnet-only',
    beacon: 'dev-chain',
  } as const;
}

/** A checkpoint of random weights. */
export const firstMaster = (engine: 'onnx' | 'plain', seed: string): Uint8Array =>
  seededMaster(rolloutSubnet(engine).model.config, `assay/demo/rollouts/${seed}`);

/** So much of a matrix's deviation its weights move by: far more than a step of training, so that few tokens show it. */
const UPDATE = 0.02;

/** A synthetic update: every weight of the matrices a little, in directions of the seed's. */
export function nextMaster(engine: 'onnx' | 'plain', before: Uint8Array, seed: string): Uint8Array {
  const { config } = rolloutSubnet(engine).model;
  const { weights } = openMaster(config, before);
  const random = createSeededRandom(`assay/demo/rollouts/update/${seed}`);
  const next = new Map<string, Float32Array>();
  for (const [name, values] of weights) {
    if (/norm/.test(name)) {
      next.set(name, values);
      continue;
    }
    const squares = values.reduce((sum, value) => sum + value * value, 0);
    const by = UPDATE * Math.sqrt(squares / values.length);
    const signs = random.bytes(values.length);
    next.set(
      name,
      values.map((value, i) => value + (signs[i]! & 1 ? by : -by)),
    );
  }
  return encodeMaster(config, next);
}
