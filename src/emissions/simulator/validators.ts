// Owns: how validators of a scenario weigh: from what they measured and what the chain shows, nothing else.
// Does not own: what is true of miners, when weights are set, what they bring.
import type { U16Row } from '../epoch.js';
import { drawNormal } from './noise.js';
import type { Hours, PayRule } from './pay-rules.js';
import type { Scenario, ValidatorGroup } from './scenario.js';

/** A miner as validators meet it: an axon, a class, hours under one mechanism. */
export interface Candidate {
  readonly uid: number;
  /** of the group whose machine answers there; a cabal knows its own */
  readonly group: string;
  readonly class: string;
  /** for the noise of measuring it */
  readonly key: number;
}

/** What one validator sees when it sets weights. */
export interface ValidatorView {
  readonly self: { readonly uid: number; readonly key: number };
  readonly epoch: number;
  readonly mechanism: number;
  readonly candidates: readonly Candidate[];
  /** true hours of a candidate, `lagEpochs` ago; the validator sees them through its own noise */
  hours(candidate: Candidate, lagEpochs: number): Hours;
  /** κ-stake-weighted median of the rows that stand on the chain */
  medianOnChain(): U16Row;
}

export interface WeighingPolicy {
  readonly owner: Scenario['owner'];
  readonly payRule: PayRule;
  readonly ownerUid: number;
  readonly noiseSeed: number;
}

/** The row that a validator sets, max-upscaled, uids ascending; undefined when it leaves the old one standing. */
export function weigh(
  group: ValidatorGroup,
  policy: WeighingPolicy,
  view: ValidatorView,
): U16Row | undefined {
  const { behaviour } = group;
  switch (behaviour.kind) {
    case 'honest':
      return toRow(measuredScores(group, policy, view, behaviour.lagEpochs));
    case 'lazy':
      if (view.epoch % behaviour.refreshEpochs !== 0) return undefined;
      return toRow(measuredScores(group, policy, view, 0));
    case 'copier':
      return view.medianOnChain();
    case 'cabal':
      return toRow(favoured(view, behaviour.favours, 1));
    case 'booster': {
      const scores = measuredScores(group, policy, view, behaviour.lagEpochs);
      const honest = scores.map(([uid, score]) => [uid, score * (1 - behaviour.boost)] as const);
      return toRow(joined(honest, favoured(view, behaviour.favours, behaviour.boost)));
    }
  }
}

type Scores = readonly (readonly [uid: number, score: number])[];

/** Shares of 1: the owner's burn, then each class's pool by the pay rule; what no candidate takes goes to the owner. */
function measuredScores(
  group: ValidatorGroup,
  policy: WeighingPolicy,
  view: ValidatorView,
  lagEpochs: number,
): Scores {
  const { owner, payRule, ownerUid, noiseSeed } = policy;
  const raw = view.candidates.map((candidate) => {
    const { proven, rented } = view.hours(candidate, lagEpochs);
    const seen = 1 + group.noise * drawNormal(noiseSeed, view.self.key, candidate.key, view.epoch);
    const factor = seen > 0 ? seen : 0;
    return Math.max(0, payRule({ proven: proven * factor, rented: rented * factor }));
  });
  const pools = owner.pools.length > 0 ? owner.pools : [{ class: undefined, share: 1 }];
  const scores = new Float64Array(view.candidates.length);
  let given = 0;
  for (const pool of pools) {
    let total = 0;
    view.candidates.forEach((candidate, i) => {
      if (pool.class === undefined || candidate.class === pool.class) total += raw[i]!;
    });
    if (total <= 0) continue;
    given += pool.share;
    view.candidates.forEach((candidate, i) => {
      if (pool.class === undefined || candidate.class === pool.class)
        scores[i] = (raw[i]! / total) * pool.share * (1 - owner.burnShare);
    });
  }
  const burned = 1 - given * (1 - owner.burnShare);
  const paid = view.candidates.map(({ uid }, i) => [uid, scores[i]!] as const);
  return burned > 1e-12 ? joined([[ownerUid, burned]], paid) : paid;
}

function favoured(view: ValidatorView, group: string, share: number): Scores {
  const own = view.candidates.filter((candidate) => candidate.group === group);
  return own.map(({ uid }) => [uid, share / own.length] as const);
}

function joined(a: Scores, b: Scores): Scores {
  const byUid = new Map<number, number>();
  for (const [uid, score] of [...a, ...b]) byUid.set(uid, (byUid.get(uid) ?? 0) + score);
  return [...byUid];
}

/** Largest to 65535; zeros stay explicit, so that bonds towards them decay (subtensor.md 6.8). */
function toRow(scores: Scores): U16Row | undefined {
  const largest = scores.reduce((most, [, score]) => Math.max(most, score), 0);
  if (largest <= 0) return undefined;
  const row = scores.map(([uid, score]) => [uid, Math.round((score / largest) * 65_535)] as const);
  return row.sort(([a], [b]) => a - b);
}

/**
 * What a copier reads off the chain: by uid the weight that half of the stake supports, of rows as shares.
 *
 * @param rows of validators with a permit
 */
export function stakeWeightedMedian(
  rows: readonly { readonly row: U16Row; readonly stake: number }[],
): U16Row {
  const votes = new Map<number, { weight: number; stake: number }[]>();
  let total = 0;
  for (const { row, stake } of rows) {
    if (row.length === 0 || stake <= 0) continue;
    total += stake;
    const sum = row.reduce((all, [, value]) => all + value, 0);
    for (const [uid, value] of row) {
      const cast = votes.get(uid) ?? [];
      cast.push({ weight: sum === 0 ? 0 : value / sum, stake });
      votes.set(uid, cast);
    }
  }
  const scores = [...votes].map(([uid, cast]) => {
    cast.sort((a, b) => b.weight - a.weight);
    let supporters = 0;
    for (const { weight, stake } of cast) {
      supporters += stake;
      if (supporters * 2 >= total) return [uid, weight] as const;
    }
    return [uid, 0] as const;
  });
  return toRow(scores) ?? [];
}
