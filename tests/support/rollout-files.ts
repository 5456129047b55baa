// Rollouts as a window has them, from a seed: lengths, stops and tokens, by which files of any size can be made without a model.
import { END_OF_TEXT } from '../../src/inference/spec/byte-ids.js';
import type { Policy } from '../../src/inference/spec/policy.js';
import type { WindowContext } from '../../src/inference/spec/window.js';
import { sha256 } from '../../src/model/hash.js';
import { createSeededRandom } from '../../src/model/prng.js';
import type { Rollout } from '../../src/verification/rollouts/rollout.js';

export const digestOf = (name: string): Uint8Array => sha256(new TextEncoder().encode(name));

export const BYTE_POLICY: Policy = {
  temperature: '1',
  candidates: 64,
  maxTokens: 96,
  stopIds: [END_OF_TEXT],
  rolloutsPerGroup: 4,
  environmentDigest: digestOf('environment'),
};

export const WINDOW: WindowContext = {
  beacon: { kind: 'dev-chain', round: 7n, signature: digestOf('beacon') },
  genesis: digestOf('genesis'),
  netuid: 3,
  window: 41,
  checkpointDigest: digestOf('checkpoint'),
  policyDigest: digestOf('policy'),
};

/** Numbers in [0, 1) from a seed, the same everywhere. */
export function uniform(seed: string): () => number {
  const random = createSeededRandom(seed);
  return () => random.below(2 ** 32) / 2 ** 32;
}

/** Ids of a Zipf distribution (exponent 1.05, its head flattened as words' are), the most frequent lowest. */
export function zipf(vocabulary: number, random: () => number): () => number {
  const sums = new Float64Array(vocabulary);
  let sum = 0;
  for (let i = 0; i < vocabulary; i++) {
    sum += (i + 3.7) ** -1.05;
    sums[i] = sum;
  }
  return () => {
    const at = random() * sum;
    let low = 0;
    let high = vocabulary - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/**
 * Whole groups under `policy`, but for `forfeits`.
 * @param token a token that is no stop id
 */
export function rolloutsOf(
  policy: Policy,
  groups: number,
  random: () => number,
  token: () => number,
  forfeits: readonly number[] = [],
): Rollout[] {
  const rollouts: Rollout[] = [];
  for (let group = 0; group < groups; group++) {
    if (forfeits.includes(group)) continue;
    for (let index = 0; index < policy.rolloutsPerGroup; index++) {
      const capped = random() < 0.1;
      const length = capped ? policy.maxTokens : 1 + Math.floor(random() * policy.maxTokens);
      const tokens = Uint32Array.from({ length }, token);
      if (!capped) tokens[length - 1] = policy.stopIds[0]!;
      rollouts.push({ group, index, stop: capped ? 'cap' : 'eos', tokens });
    }
  }
  return rollouts;
}

/** Sums as the byte-level environment has them: `12+30=42` and the stop id. */
export function sums(groups: number, perGroup: number, random: () => number): Rollout[] {
  const rollouts: Rollout[] = [];
  for (let group = 0; group < groups; group++) {
    const [a, b] = [Math.floor(random() * 100), Math.floor(random() * 100)];
    for (let index = 0; index < perGroup; index++) {
      const answer = random() < 0.7 ? a + b : a + b + 1 + Math.floor(random() * 9);
      const text = ` ${a}+${b}=${answer}. So the answer is ${answer}.`;
      const tokens = Uint32Array.from([...new TextEncoder().encode(text), 256]);
      rollouts.push({ group, index, stop: 'eos', tokens });
    }
  }
  return rollouts;
}
