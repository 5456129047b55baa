// Owns: the simulator's randomness: a value for each name, not a stream. Does not own: who draws.

/**
 * What comes of (seed, keys) depends on nothing else: not on how many others drew, nor in which order. Two agents that
 * swap everything they are therefore swap what happens to them.
 */
export function draw(seed: number, a: number, b: number, c: number): number {
  return mix(mix(mix(seed ^ Math.imul(a, 0x9e3779b1)) + Math.imul(b, 0x85ebca77)) + Math.imul(c, 0xc2b2ae3d));
}

/** About normal with mean 0 and variance 1: four uniforms added, so that it is the same on every machine. Within ±3.47. */
export function drawNormal(seed: number, a: number, b: number, c: number): number {
  const first = draw(seed, a, b, c);
  const second = mix(first ^ 0x5bd1e995);
  const sum = (first & 0xffff) + (first >>> 16) + (second & 0xffff) + (second >>> 16);
  return (sum / 65_536 - 2) * ROOT_3;
}
/** one over the deviation of four uniforms' sum */
const ROOT_3 = Math.sqrt(3);

/** A text as 32 bits (FNV-1a, then mixed). */
export function keyOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** MurmurHash3's finalizer: every bit of the input moves half of the output's. */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
