// Owns: emission that is constant per block for a while, then lower. Does not own: when it falls.

/** Blocks with the same reward. The last era of a schedule has none. */
export interface Era {
  /** counted from 0 */
  readonly firstBlock: bigint;
  readonly rewardNano: bigint;
  /** by all eras before */
  readonly issuedBeforeNano: bigint;
}

/** What the first `blocks` blocks issue. */
export function issuedByBlocks(eras: readonly Era[], blocks: bigint): bigint {
  const era = eras.findLast(({ firstBlock }) => firstBlock <= blocks)!;
  return era.issuedBeforeNano + (blocks - era.firstBlock) * era.rewardNano;
}

/** The era after `era`, which lasts `blocks`. */
export const eraAfter = (era: Era, blocks: bigint, rewardNano: bigint): Era => ({
  firstBlock: era.firstBlock + blocks,
  rewardNano,
  issuedBeforeNano: era.issuedBeforeNano + blocks * era.rewardNano,
});
