// Owns: powers by quarters in whole numbers: the same on every machine, as no power of doubles is.

/** Bits that a root is carried out to beyond whole numbers: a worth of 2^-32 is told to one part in 2^32, and a u16 needs 16. */
const FINE = 32n;

/**
 * `value` to the power of `quarters` / 4, rounded down, times one and the same constant for all values: for comparing alone.
 * @param quarters 1..16
 */
export function curve(value: bigint, quarters: number): bigint {
  if (quarters % 4 === 0) return value ** BigInt(quarters / 4);
  if (quarters % 2 === 0) return root((value ** BigInt(quarters / 2)) << (2n * FINE));
  return root(root((value ** BigInt(quarters)) << (4n * FINE)));
}

/** Below it a double has the value's first 53 bits. */
const DOUBLES = 1n << 1000n;

/** Square root, rounded down. */
function root(value: bigint): bigint {
  if (value < 2n) return value;
  // never below the root: Newton's steps come down to it, and each doubles the bits that are right
  const shift = value < DOUBLES ? 0n : BigInt(value.toString(16).length * 4 - 64) & ~1n;
  let guess = (BigInt(Math.ceil(Math.sqrt(Number(value >> shift)) * (1 + 2 ** -50))) + 1n) << (shift / 2n);
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}
