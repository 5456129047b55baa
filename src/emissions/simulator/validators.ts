// Owns: how validators of a scenario weigh: from what they measured and what the chain shows, nothing else.
// Does not own: what is true of miners, when weights are set, what they bring.
import { EMPTY_ROW, type PackedRow } from '../packed-rows.js';
import { drawNormal } from './noise.js';
import type { PayRule } from './pay-rules.js';
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

/** True hours of one epoch by uid; a validator sees them through its own noise. */
export interface HoursTable {
  readonly proven: Float64Array;
  readonly rented: Float64Array;
}

/** What one validator sees when it sets weights. */
export interface ValidatorView {
  readonly self: { readonly uid: number; readonly key: number };
  readonly epoch: number;
  /** uids of the subnet */
  readonly n: number;
  /** uids ascending */
  readonly candidates: readonly Candidate[];
  readonly mechanism: number;
  /** whether a row of its own stands, or is committed */
  readonly hasSet: boolean;
  /** as it was that many epochs ago */
  hours(lagEpochs: number): HoursTable;
  /** stake-weighted median of the rows that stand on the chain */
  medianOnChain(): PackedRow;
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
): PackedRow | undefined {
  const { behaviour } = group;
  switch (behaviour.kind) {
    case 'honest':
      return toRow(measuredScores(group, policy, view, behaviour.lagEpochs), policy, view);
    case 'lazy':
      // each at its own time; a validator without any weights sets some at once
      if (view.hasSet && (view.epoch + view.self.key) % behaviour.refreshEpochs !== 0) return undefined;
      return toRow(measuredScores(group, policy, view, 0), policy, view);
    case 'copier':
      return view.medianOnChain();
    case 'cabal':
      return toRow(favour(new Float64Array(view.n), view, behaviour.favours, 1), policy, view);
    case 'booster': {
      const scores = measuredScores(group, policy, view, behaviour.lagEpochs);
      for (const uid of scores.keys()) scores[uid]! *= 1 - behaviour.boost;
      return toRow(favour(scores, view, behaviour.favours, behaviour.boost), policy, view);
    }
  }
}

/** Shares of 1 by uid: the owner's burn, each class's pool by the pay rule; what no candidate takes is the owner's too. */
function measuredScores(
  group: ValidatorGroup,
  policy: WeighingPolicy,
  view: ValidatorView,
  lagEpochs: number,
): Float64Array {
  const { owner, ownerUid } = policy;
  const scores = payOf(group, policy, view, lagEpochs);
  const given =
    owner.pools.length === 0 ? scale(scores, 1 - owner.burnShare) : fillPools(scores, owner, view.candidates);
  if (given < 1 - 1e-12) scores[ownerUid]! += 1 - given;
  return scores;
}

/** What the pay rule makes of the hours that this validator measured, by uid. */
function payOf(
  group: ValidatorGroup,
  { payRule, noiseSeed }: WeighingPolicy,
  { n, self, epoch, mechanism, candidates, hours }: ValidatorView,
  lagEpochs: number,
): Float64Array {
  const paid = new Float64Array(n);
  const table = hours(lagEpochs);
  const measured = { proven: 0, rented: 0 };
  for (const { uid, key } of candidates) {
    const seen =
      group.noise === 0 ? 1 : 1 + group.noise * drawNormal(noiseSeed, self.key + mechanism, key, epoch);
    const factor = seen > 0 ? seen : 0;
    measured.proven = table.proven[uid]! * factor;
    measured.rented = table.rented[uid]! * factor;
    const pay = payRule(measured);
    if (!(pay >= 0 && pay <= MAX_PAY))
      throw new RangeError(
        `payRule: expected 0 to ${MAX_PAY} for ${measured.proven} proven and ${measured.rented} rented hours, got ${pay}`,
      );
    paid[uid] = pay;
  }
  return paid;
}

/** Sums of so many stay finite. */
const MAX_PAY = 1e300;

/** To a sum of `share`. @returns that, or 0 when there is nothing to scale */
function scale(scores: Float64Array, share: number): number {
  let total = 0;
  for (let i = 0; i < scores.length; i++) total += scores[i]!;
  if (total <= 0) return 0;
  const factor = share / total;
  for (let i = 0; i < scores.length; i++) scores[i]! *= factor;
  return share;
}

/** Each class to its pool's share. @returns what all pools took */
function fillPools(scores: Float64Array, owner: Scenario['owner'], candidates: readonly Candidate[]): number {
  const classes = new Map<string, Float64Array>();
  for (const { uid, class: name } of candidates) {
    const own = classes.get(name) ?? new Float64Array(scores.length);
    own[uid] = scores[uid]!;
    classes.set(name, own);
  }
  scores.fill(0);
  let given = 0;
  for (const { class: name, share } of owner.pools) {
    const own = classes.get(name);
    if (own === undefined) continue;
    given += scale(own, share * (1 - owner.burnShare));
    for (let i = 0; i < scores.length; i++) scores[i]! += own[i]!;
  }
  return given;
}

/** Adds a share to the miners of one group, each the same. */
function favour(
  scores: Float64Array,
  { candidates }: ValidatorView,
  group: string,
  share: number,
): Float64Array {
  const own = candidates.filter((candidate) => candidate.group === group);
  for (const { uid } of own) scores[uid]! += share / own.length;
  return scores;
}

/** Largest to 65535; zeros stay explicit, so that bonds towards them decay. */
function toRow(
  scores: Float64Array,
  { ownerUid }: WeighingPolicy,
  { candidates }: ValidatorView,
): PackedRow | undefined {
  let largest = 0;
  for (const score of scores) if (score > largest) largest = score;
  if (largest === 0) return undefined;
  const scale = 65_535 / largest;
  const burns = scores[ownerUid]! > 0 ? 1 : 0;
  const uids = new Uint16Array(candidates.length + burns);
  const values = new Uint16Array(uids.length);
  // the owner's uid is 0, and candidates ascend
  if (burns === 1) uids[0] = ownerUid;
  for (let i = 0; i < candidates.length; i++) uids[i + burns] = candidates[i]!.uid;
  // stored whole: halves go up
  for (let i = 0; i < uids.length; i++) values[i] = scores[uids[i]!]! * scale + 0.5;
  return { uids, values };
}

/**
 * What a copier reads off the chain: by uid the weight that half of the stake supports, of rows as shares, its own left
 * out. The rows are read once, when the first asks.
 *
 * @param read rows of validators with a permit, with their consensus stake
 */
export function createMedian(
  read: () => readonly { readonly uid: number; readonly row: PackedRow; readonly stake: number }[],
): (reader: number) => PackedRow {
  let votes: Map<number, Vote[]> | undefined;
  const stakes = new Map<number, number>();
  const prepare = (): Map<number, Vote[]> => {
    const byUid = new Map<number, Vote[]>();
    for (const { uid: voter, row, stake } of read()) {
      if (row.uids.length === 0 || stake <= 0) continue;
      stakes.set(voter, stake);
      const sum = row.values.reduce((all, value) => all + value, 0);
      row.uids.forEach((uid, i) => {
        const cast = byUid.get(uid) ?? [];
        cast.push({ voter, weight: sum === 0 ? 0 : row.values[i]! / sum, stake });
        byUid.set(uid, cast);
      });
    }
    for (const cast of byUid.values()) cast.sort((a, b) => b.weight - a.weight);
    return byUid;
  };
  return (reader) => {
    votes ??= prepare();
    let total = 0;
    for (const [voter, stake] of stakes) if (voter !== reader) total += stake;
    const medians = [...votes].map(([uid, cast]) => [uid, medianOf(cast, reader, total)] as const);
    const largest = medians.reduce((most, [, weight]) => Math.max(most, weight), 0);
    if (largest === 0) return EMPTY_ROW;
    medians.sort(([a], [b]) => a - b);
    return {
      uids: Uint16Array.from(medians, ([uid]) => uid),
      values: Uint16Array.from(medians, ([, weight]) => Math.round((weight / largest) * 65_535)),
    };
  };
}

interface Vote {
  readonly voter: number;
  readonly weight: number;
  readonly stake: number;
}

/** @param cast heaviest first */
function medianOf(cast: readonly Vote[], reader: number, total: number): number {
  let supporters = 0;
  for (const { voter, weight, stake } of cast) {
    if (voter === reader) continue;
    supporters += stake;
    if (supporters * 2 >= total) return weight;
  }
  return 0;
}
