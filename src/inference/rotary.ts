// Owns: the angles of the rotary embedding. Does not own: how vectors are turned by them (plain/, onnx/).
import type { DecoderConfig } from './decoder.js';

/** Cosines and sines, [maxPositions, headWidth / 2]: made in float64, rounded once, the same for every engine. */
export function rotaryTables(config: Pick<DecoderConfig, 'headWidth' | 'maxPositions' | 'ropeTheta'>): {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
} {
  const { headWidth, maxPositions, ropeTheta } = config;
  const half = headWidth / 2;
  const cos = new Float32Array(maxPositions * half);
  const sin = new Float32Array(maxPositions * half);
  for (let i = 0; i < half; i++) {
    const frequency = ropeTheta ** ((-2 * i) / headWidth);
    for (let position = 0; position < maxPositions; position++) {
      cos[position * half + i] = Math.cos(position * frequency);
      sin[position * half + i] = Math.sin(position * frequency);
    }
  }
  return { cos, sin };
}
