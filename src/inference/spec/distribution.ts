// Owns: what the race of a row makes likely: probabilities over candidates at a temperature, and what the stream's scores are
// expected to be there. Does not own: the race (race.ts), sums over rollouts (scan.ts).
// Sums run in the order of the row, in float64: another order is another last bit.
import { exp, ln } from './log.js';
import { allFinite, type LogitFault, notFinite, ownLogit, type Place, type Row } from './race.js';
import { uniformOf, wordAt } from './stream.js';

export interface Likelihood {
  readonly kind: 'likelihood';
  readonly probability: number;
  readonly logProbability: number;
}

/**
 * Of a token: softmax over the row at the temperature; a token that the row lacks (admissible by the band) is counted in beside
 * it. This, and not the softmax over the vocabulary, is what a miner samples from.
 * @param logit the token's own, where the row lacks it
 * @throws RangeError when the row lacks the token and no logit is given
 */
export function likelihoodOf(
  row: Row,
  temperature: number,
  token: number,
  logit?: number,
): Likelihood | LogitFault {
  const own = ownLogit(row, token, logit);
  if (!allFinite(row.logits) || !Number.isFinite(own)) return notFinite('likelihood');
  const highest = row.logits.reduce((a, b) => Math.max(a, b), own);
  const weight = exp((own - highest) / temperature);
  let sum = 0;
  for (const other of row.logits) sum += exp((other - highest) / temperature);
  if (!row.ids.includes(token)) sum += weight;
  const logProbability = (own - highest) / temperature - ln(sum);
  return { kind: 'likelihood', probability: weight / sum, logProbability };
}

/** `raceZ` is an integer of this unit. */
export const Z_UNIT = 2 ** 20;
/** Z of 1024: chance makes none; sums of 2^22 scores stay exact. */
const Z_CAP = 2 ** 30;

/**
 * Z = -ln(u) / p of a token: exponential with mean 1 for every token that won its race, whatever the text. A wrong stream makes
 * it large, a wrong temperature or a near model does not. floor(Z * 2^20), at most 2^30.
 */
export function raceZ({ key, position }: Place, token: number, probability: number): number {
  const z = -ln(uniformOf(wordAt(key, token, position))) / probability;
  return Math.min(Math.floor(z * Z_UNIT), Z_CAP);
}

/** `liftOf` and the sums of scan.ts are integers of this unit. */
export const SCORE_UNIT = 2 ** 16;
/** of candidates less likely than this the lift is below 2^-35 */
const NEGLIGIBLE = 2 ** -40;

/**
 * By how much the scan's score of this position is expected to exceed that of a token chosen without the stream: the mean of
 * H(1/p) - 1, H the harmonic number. floor(2^16 of it). Of the whole row, whatever token was submitted: who is judged does not
 * choose what is expected.
 */
export function liftOf(row: Row, temperature: number): number | LogitFault {
  if (!allFinite(row.logits) || row.logits.length === 0) return notFinite('lift');
  const highest = row.logits.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  for (const logit of row.logits) sum += exp((logit - highest) / temperature);
  let lift = 0;
  for (const logit of row.logits) {
    const p = exp((logit - highest) / temperature) / sum;
    if (p >= NEGLIGIBLE) lift += p * (harmonic(1 / p) - 1);
  }
  // of certain tokens rounding makes less than nothing
  return Math.max(0, Math.floor(lift * SCORE_UNIT));
}

const EULER_GAMMA = 0.5772156649015329;

/** H(y) for y >= 1: recurrence up to 8, then the asymptotic series; within 1e-10. */
function harmonic(y: number): number {
  let below = 0;
  let at = y;
  while (at < 8) {
    at += 1;
    below += 1 / at;
  }
  const inverse = 1 / (at * at);
  const series = inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252)));
  return ln(at) + EULER_GAMMA + 0.5 / at - series - below;
}
