// Owns: child keys: the stake a hotkey lends to its children and has from its parents, and the dividends it owes them
// (subtensor staking/stake_utils.rs, run_coinbase.rs). Does not own: setting children, their limits.
import { U96F32 } from './fixed.js';

const U64_MAX = (1n << 64n) - 1n;

/** What a hotkey has in its own pools. */
export interface OwnStake {
  /** `TotalHotkeyAlpha` on this subnet */
  readonly alphaRao: bigint;
  readonly rootTaoRao: bigint;
}

/** Who lends to a hotkey; it need not be registered on the subnet. */
export interface Parent extends OwnStake {
  readonly hotkey: string;
  /** owner of the hotkey */
  readonly coldkey: string;
  /** of the parent's stake, u64 */
  readonly proportion: bigint;
}

export interface Relations {
  /** of the hotkey's own stake, u64 each, one for every child */
  readonly childProportions: readonly bigint[];
  readonly parents: readonly Parent[];
}

export const NO_RELATIONS: Relations = { childProportions: [], parents: [] };

/**
 * `get_inherited_for_hotkey_on_subnet` and its twin for root: own stake less what children have of it, plus what parents
 * lend; floored to rao.
 */
export function inheritedStake(own: OwnStake, relations: Relations): OwnStake {
  return {
    alphaRao: inherited(own.alphaRao, relations, (parent) => parent.alphaRao),
    rootTaoRao: inherited(own.rootTaoRao, relations, (parent) => parent.rootTaoRao),
  };
}

function inherited(
  ownRao: bigint,
  { childProportions, parents }: Relations,
  stakeOf: (parent: Parent) => bigint,
): bigint {
  const own = U96F32.fromInteger(ownRao);
  let lent = 0n;
  for (const proportion of childProportions) lent += U96F32.mul(own, fractionOf(proportion));
  let borrowed = 0n;
  for (const parent of parents)
    borrowed += U96F32.mul(U96F32.fromInteger(stakeOf(parent)), fractionOf(parent.proportion));
  return U96F32.toU64(U96F32.add(U96F32.sub(own, lent), borrowed));
}

export interface FamilyDividends {
  /** rao by parent, in their order */
  readonly toParents: readonly bigint[];
  /** the hotkey's own part and its take of the parents' */
  readonly toSelfRao: bigint;
  /** taken out of AlphaOut (`CKBurn`) */
  readonly recycledRao: bigint;
}

/**
 * `get_parent_child_dividends_distribution`: a validator's dividend goes to its parents by what each lends, and to itself
 * by what it keeps of its own. Of a parent that another coldkey owns, the hotkey takes its childkey take and `CKBurn`
 * is recycled. Parts floor to rao one by one.
 *
 * @param input.childkeyTake u16
 * @param input.ckBurn stored `CKBurn`, u64
 * @param input.taoWeight raw U96F32, of root stake
 */
export function familyDividends(input: {
  readonly dividendRao: bigint;
  readonly coldkey: string;
  readonly own: OwnStake;
  readonly relations: Relations;
  readonly childkeyTake: number;
  readonly ckBurn: bigint;
  readonly taoWeight: bigint;
}): FamilyDividends {
  const { relations, taoWeight } = input;
  const dividend = U96F32.fromInteger(input.dividendRao);
  const burnFraction = fractionOf(input.ckBurn);
  const takeFraction = U96F32.div(U96F32.fromInteger(input.childkeyTake), U96F32.fromInteger(65535));
  const lent = relations.parents.map((parent) =>
    contribution(parent, fractionOf(parent.proportion), taoWeight),
  );
  let total = U96F32.fromInteger(selfContribution(input.own, relations, taoWeight));
  for (const part of lent) total = U96F32.add(total, part);

  let rest = dividend;
  let takes = 0n;
  let recycledRao = 0n;
  const toParents = relations.parents.map(({ coldkey }, index) => {
    const part = U96F32.mul(dividend, U96F32.div(lent[index]!, total));
    rest = U96F32.sub(rest, part);
    if (coldkey === input.coldkey) return U96F32.toU64(part);
    const burned = U96F32.mul(burnFraction, part);
    const taken = U96F32.mul(takeFraction, part);
    takes = U96F32.add(takes, taken);
    recycledRao += U96F32.toU64(burned);
    return U96F32.toU64(U96F32.sub(U96F32.sub(part, burned), taken));
  });
  return { toParents, toSelfRao: U96F32.toU64(U96F32.add(rest, takes)), recycledRao };
}

/** `get_self_contribution`: what children leave of the hotkey's own stake; floored to rao. */
function selfContribution(own: OwnStake, { childProportions }: Relations, taoWeight: bigint): bigint {
  let kept = U96F32.one;
  for (const proportion of childProportions) kept = U96F32.sub(kept, fractionOf(proportion));
  return U96F32.toU64(contribution(own, kept, taoWeight));
}

function contribution({ alphaRao, rootTaoRao }: OwnStake, fraction: bigint, taoWeight: bigint): bigint {
  const alpha = U96F32.mul(U96F32.fromInteger(alphaRao), fraction);
  const root = U96F32.mul(U96F32.mul(U96F32.fromInteger(rootTaoRao), fraction), taoWeight);
  return U96F32.add(alpha, root);
}

/** u64 over 2^64−1, raw U96F32: exactly 1 for all of it. */
const fractionOf = (proportion: bigint): bigint =>
  U96F32.div(U96F32.fromInteger(proportion), U96F32.fromInteger(U64_MAX));
