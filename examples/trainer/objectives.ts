// Owns: what is learned, as a number and its derivatives by the logits: next tokens that are given, and tokens that paid.
import { type Floats, zerosLike } from './matmul.js';

export interface Objective {
  /** to be made small */
  readonly loss: number;
  readonly dLogits: Floats;
}

/** Mean of -ln p(target) over the places. */
export function crossEntropy(logits: Floats, targets: readonly number[]): Objective {
  const vocabulary = logits.length / targets.length;
  const dLogits = zerosLike(logits, logits.length);
  let loss = 0;
  for (const [place, target] of targets.entries()) {
    const row = logits.subarray(place * vocabulary, (place + 1) * vocabulary);
    const probabilities = softmax(row, 1);
    loss -= Math.log(probabilities[target]!) / targets.length;
    for (let v = 0; v < vocabulary; v++)
      dLogits[place * vocabulary + v] = (probabilities[v]! - (v === target ? 1 : 0)) / targets.length;
  }
  return { loss, dLogits };
}

/** A token that was sampled, as the policy that sampled it saw its place. */
export interface Sampled {
  readonly token: number;
  /** the candidates that raced: nothing else could be sampled, so nothing else is in the softmax */
  readonly candidates: Int32Array;
  /** ln of its probability among them at the temperature */
  readonly logProbability: number;
  readonly advantage: number;
}

export interface ClippedObjective extends Objective {
  /** mean of p / p when sampled */
  readonly ratio: number;
  /** share of tokens whose ratio left the clip's range in the direction that was already paid for: no gradient */
  readonly clipped: number;
}

export const logProbabilityOf = (
  row: Floats,
  { token, candidates }: Pick<Sampled, 'token' | 'candidates'>,
  temperature: number,
): number => Math.log(candidateShares(row, candidates, temperature)[candidates.indexOf(token)]!);

/**
 * GRPO's: the mean over tokens of -min(r A, clip(r, 1 - clip, 1 + clip) A), r the ratio of probabilities among the candidates. What is
 * paid is how much better a rollout did than the others of its group.
 */
export function clippedPolicy(
  logits: Floats,
  sampled: readonly Sampled[],
  temperature: number,
  clip: number,
): ClippedObjective {
  const vocabulary = logits.length / sampled.length;
  const dLogits = zerosLike(logits, logits.length);
  let [loss, ratios, clipped] = [0, 0, 0];
  for (const [place, { token, candidates, logProbability, advantage }] of sampled.entries()) {
    const row = logits.subarray(place * vocabulary, (place + 1) * vocabulary);
    const shares = candidateShares(row, candidates, temperature);
    const ratio = Math.exp(Math.log(shares[candidates.indexOf(token)]!) - logProbability);
    const bounded = Math.min(Math.max(ratio, 1 - clip), 1 + clip);
    loss -= Math.min(ratio * advantage, bounded * advantage) / sampled.length;
    ratios += ratio / sampled.length;
    if (bounded * advantage < ratio * advantage) {
      clipped += 1 / sampled.length;
      continue;
    }
    const weight = (ratio * advantage) / (temperature * sampled.length);
    for (const [i, id] of candidates.entries())
      dLogits[place * vocabulary + id] = weight * (shares[i]! - (id === token ? 1 : 0));
  }
  return { loss, dLogits, ratio: ratios, clipped };
}

/** Of rewards of one group: distance from their mean in deviations; nothing where all did equally well. */
export function advantages(rewards: readonly number[]): number[] {
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const variance = rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / rewards.length;
  return rewards.map((reward) => (variance === 0 ? 0 : (reward - mean) / Math.sqrt(variance)));
}

const candidateShares = (row: Floats, candidates: Int32Array, temperature: number): Float64Array =>
  softmax(
    Float64Array.from(candidates, (id) => row[id]!),
    temperature,
  );

function softmax(row: Floats, temperature: number): Float64Array {
  let highest = Number.NEGATIVE_INFINITY;
  for (const logit of row) highest = Math.max(highest, logit);
  const shares = Float64Array.from(row, (logit) => Math.exp((logit - highest) / temperature));
  let sum = 0;
  for (const share of shares) sum += share;
  for (let i = 0; i < shares.length; i++) shares[i]! /= sum;
  return shares;
}
