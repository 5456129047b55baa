// Owns: the angles of the rotary embedding. Does not own: how vectors are turned by them (plain/, onnx/).
import type { DecoderConfig, RopeScaling } from './decoder.js';

/** Cosines and sines, [maxPositions, headWidth / 2]: made in float64, rounded once, the same for every engine. */
export function rotaryTables(
  config: Pick<DecoderConfig, 'headWidth' | 'maxPositions' | 'ropeTheta' | 'ropeScaling'>,
): {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
} {
  const { headWidth, maxPositions, ropeTheta, ropeScaling } = config;
  const half = headWidth / 2;
  const cos = new Float32Array(maxPositions * half);
  const sin = new Float32Array(maxPositions * half);
  for (let i = 0; i < half; i++) {
    const own = ropeTheta ** ((-2 * i) / headWidth);
    const frequency = ropeScaling ? scaled(own, ropeScaling) : own;
    for (let position = 0; position < maxPositions; position++) {
      cos[position * half + i] = Math.cos(position * frequency);
      sin[position * half + i] = Math.sin(position * frequency);
    }
  }
  return { cos, sin };
}

/** In radians a position. */
function scaled(
  frequency: number,
  { factor, lowFactor, highFactor, originalPositions }: RopeScaling,
): number {
  const periods = (originalPositions * frequency) / (2 * Math.PI);
  const kept = Math.min(1, Math.max(0, (periods - lowFactor) / (highFactor - lowFactor)));
  return kept * frequency + ((1 - kept) * frequency) / factor;
}
