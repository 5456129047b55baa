// Owns: bfloat16 bit patterns as integers in the order of their values. Does not own: their conversion (../bf16.ts).

/**
 * Bits of a non-negative number with the sign bit set, of a negative one inverted: one step of it is one unit in the last place,
 * through zero too (-0 is the step below +0), and past infinity through the payloads of NaN. A bijection of 16-bit words.
 */
export const toOrdered = (bits: number): number => (bits & 0x8000 ? ~bits & 0xffff : bits | 0x8000);

export const fromOrdered = (ordered: number): number =>
  ordered & 0x8000 ? ordered & 0x7fff : ~ordered & 0xffff;
