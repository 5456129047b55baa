// Owns: which token the stream demands, and how far a submitted one is from it: the race of candidates, its banded cut, the
// sentinel on given ids. Does not own: whose logits they are, what a violation costs (verification/rollouts).
import type { Candidates } from '../language-model.js';
import { gumbelOf, type StreamKey, wordAt } from './stream.js';

/** One row of candidates: the highest logits, before temperature. */
export interface Row {
  readonly ids: Int32Array;
  readonly logits: Float32Array;
}

export const rowOf = ({ ids, logits, perRow }: Candidates, row: number): Row => ({
  ids: ids.subarray(row * perRow, (row + 1) * perRow),
  logits: logits.subarray(row * perRow, (row + 1) * perRow),
});

/** Where in a stream: a rollout's key, and the index in its completion. */
export interface Place {
  readonly key: StreamKey;
  readonly position: number;
}

/** Logits that no rule holds for: the model's that made them, never of whom they judge. */
export interface LogitFault {
  readonly kind: 'fault';
  readonly why: string;
}

export type Choice = { readonly kind: 'chosen'; readonly token: number } | LogitFault;

/** Margins and tolerances are integers of this unit: 2^-20 of a logit. */
export const MARGIN_UNIT = 2 ** 20;

/** A tolerance in logits as the integer that rules take. */
export const toleranceUnits = (delta: number): number => Math.floor(delta * MARGIN_UNIT);

export interface RaceRules {
  readonly temperature: number;
  /** of the model: where a row holds all of it, nothing is cut */
  readonly vocabulary: number;
  /** delta: two logits of one token differ by less than half of it among honest engines; units of 2^-20 */
  readonly tolerance: number;
}

/** The token that the stream demands: the highest l / T + g among the row; of equal ones the lowest id. */
export function choose(row: Row, temperature: number, { key, position }: Place): Choice {
  let best = Number.NEGATIVE_INFINITY;
  let token = -1;
  for (let i = 0; i < row.ids.length; i++) {
    const id = row.ids[i]!;
    const score = scoreOf(id, row.logits[i]!, temperature, key, position);
    if (score > best || (score === best && id < token)) {
      best = score;
      token = id;
    }
  }
  if (!allFinite(row.logits) || token < 0) return notFinite('candidates');
  return { kind: 'chosen', token };
}

export interface Judged {
  readonly kind: 'judged';
  /** whether the token can have been among an honest engine's candidates */
  readonly admissible: boolean;
  /** by how much it lost to the best rival, in logits: floor(m * 2^20), at most 2^53 - 1 */
  readonly margin: number;
  readonly violation: boolean;
}
export type Judgement = Judged | LogitFault;

/**
 * The banded rule over the judge's own row. Rivals are at least delta above the cut, so that every honest engine had them; the
 * token is at most delta below it, so that some honest engine can have had it; and it may lose by delta.
 * @param logit the token's own; needed where the row lacks it, else the row's counts
 * @throws RangeError when the row lacks the token and no logit is given
 */
export function judge(rules: RaceRules, row: Row, place: Place, token: number, logit?: number): Judgement {
  if (!allFinite(row.logits) || row.ids.length === 0) return notFinite('candidates');
  const own = ownLogit(row, token, logit);
  if (!Number.isFinite(own)) return notFinite('token');
  const cut = cutOf(row, rules.vocabulary);
  const delta = rules.tolerance / MARGIN_UNIT;
  const { temperature } = rules;
  const { key, position } = place;
  const score = scoreOf(token, own, temperature, key, position);
  let best = score;
  for (let i = 0; i < row.ids.length; i++) {
    if (cut !== undefined && row.logits[i]! < cut + delta) continue;
    best = Math.max(best, scoreOf(row.ids[i]!, row.logits[i]!, temperature, key, position));
  }
  const admissible = cut === undefined || own >= cut - delta;
  const margin = marginUnits(best - score, temperature);
  return { kind: 'judged', admissible, margin, violation: !admissible || margin > rules.tolerance };
}

export interface SentinelCase extends Place {
  readonly token: number;
  /** of the token */
  readonly logit: number;
  /** ids whose logits are known, such as the policy's stop ids; the token's own is passed over */
  readonly ids: readonly number[];
  readonly logits: Float32Array;
}

export interface Sighted {
  readonly kind: 'sighted';
  /** as in `Judged` */
  readonly margin: number;
  /**
   * `unconfirmed`: an id beats the token by more than delta, but where the cut is nobody looked: it may not have raced. The head
   * at this position decides.
   */
  readonly finding: 'clear' | 'unconfirmed';
}

/** The same margin against a few given ids alone: a suppressed end of text is seen without the head. */
export function sentinel(rules: RaceRules, sighting: SentinelCase): Sighted | LogitFault {
  const { token, ids, key, position } = sighting;
  const logit = lowestIfMasked(sighting.logit);
  const logits = sighting.logits.map(lowestIfMasked);
  if (ids.length !== logits.length)
    throw new RangeError(`sentinel: expected ${ids.length} logits, got ${logits.length}`);
  if (!Number.isFinite(logit) || !allFinite(logits)) return notFinite('sentinel');
  const { temperature } = rules;
  const score = scoreOf(token, logit, temperature, key, position);
  let best = score;
  for (const [i, id] of ids.entries()) {
    if (id !== token) best = Math.max(best, scoreOf(id, logits[i]!, temperature, key, position));
  }
  const margin = marginUnits(best - score, temperature);
  return { kind: 'sighted', margin, finding: margin > rules.tolerance ? 'unconfirmed' : 'clear' };
}

function scoreOf(id: number, logit: number, temperature: number, key: StreamKey, position: number): number {
  return logit / temperature + gumbelOf(wordAt(key, id, position));
}

const LOWEST = -(2 - 2 ** -23) * 2 ** 127;
/**
 * -infinity is what models give ids that they mask: below all others, and no fault. Were it one, a miner would put such a token
 * into each rollout that must not be judged.
 */
const lowestIfMasked = (logit: number): number => (logit === Number.NEGATIVE_INFINITY ? LOWEST : logit);

/**
 * A token's logit, from the row where it is there.
 * @throws RangeError when it is neither there nor given
 */
export function ownLogit(row: Row, token: number, given?: number): number {
  const at = row.ids.indexOf(token);
  const own = at >= 0 ? row.logits[at]! : given;
  if (own === undefined) throw new RangeError(`token ${token}: its logit is neither in the row nor given`);
  return lowestIfMasked(own);
}

/** In logits whatever the temperature: scores are logits over it. */
function marginUnits(lead: number, temperature: number): number {
  return Math.min(Math.floor(lead * temperature * MARGIN_UNIT), Number.MAX_SAFE_INTEGER);
}

/** The lowest logit that raced; undefined where all of the vocabulary did. */
function cutOf(row: Row, vocabulary: number): number | undefined {
  if (row.ids.length >= vocabulary) return undefined;
  let lowest = Number.POSITIVE_INFINITY;
  for (const logit of row.logits) if (logit < lowest) lowest = logit;
  return lowest;
}

export function allFinite(logits: Float32Array): boolean {
  for (const logit of logits) if (!Number.isFinite(logit)) return false;
  return true;
}

export const notFinite = (what: string): LogitFault => ({
  kind: 'fault',
  why: `${what}: logits that are not finite`,
});
