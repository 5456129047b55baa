// Owns: what counts as a neuron's stake in consensus. Does not own: who staked it, who lends it (children.ts).
import { inheritedStake, NO_RELATIONS, type OwnStake, type Relations } from './children.js';
import { I32F32, I64F64, normalize, U96F32 } from './fixed.js';

const U64_MAX = (1n << 64n) - 1n;

/** A stake with the fraction that the weight of root TAO leaves. */
export interface ConsensusStake {
  readonly rao: bigint;
  /** units of 2^-64 rao */
  readonly fraction: bigint;
}

let lastTaoWeight = { stored: 0n, fraction: 0n };

/** `get_tao_weight`: the stored u64 over 2^64−1, raw U96F32. The last one is remembered: it changes about never. */
export function taoWeightFraction(taoWeight: bigint): bigint {
  if (taoWeight !== lastTaoWeight.stored)
    lastTaoWeight = {
      stored: taoWeight,
      fraction: U96F32.div(U96F32.fromInteger(taoWeight), U96F32.fromInteger(U64_MAX)),
    };
  return lastTaoWeight.fraction;
}

/**
 * alpha + root TAO × weight (`get_stake_weights_for_network`), each after what children and parents make of it.
 *
 * @param parts.taoWeight the stored `TaoWeight`, u64
 */
export function consensusStake(
  parts: OwnStake & { readonly taoWeight: bigint },
  relations: Relations = NO_RELATIONS,
): ConsensusStake {
  const { alphaRao, rootTaoRao } = relations === NO_RELATIONS ? parts : inheritedStake(parts, relations);
  // the weight carries 32 fraction bits; in I64F64 they become the upper half of the fraction
  const weight = taoWeightFraction(parts.taoWeight) << (I64F64.fractionBits - U96F32.fractionBits);
  const raw = I64F64.add(I64F64.fromInteger(alphaRao), I64F64.mul(I64F64.fromInteger(rootTaoRao), weight));
  return { rao: raw >> I64F64.fractionBits, fraction: raw & (I64F64.one - 1n) };
}

/** Stakes as shares of their sum: normalised with 64 fraction bits, then truncated to I32F32 (`inplace_normalize_64`). */
export function stakeShares(rawStakes: readonly bigint[]): readonly bigint[] {
  return normalize(rawStakes, I64F64).map((share) => share >> (I64F64.fractionBits - I32F32.fractionBits));
}
