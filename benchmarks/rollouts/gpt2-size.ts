// Owns: the size of a decoder that is large enough for its head to weigh something. Does not own: what is measured with it.
import type { DecoderConfig } from '../../src/inference/decoder.js';
import { TINY } from '../../src/inference/tiny.js';

/** Of GPT-2's width, depth and vocabulary class, in our family: 100 million parameters, three heads a group as is usual now. */
export const GPT2_SIZE: DecoderConfig = {
  ...TINY,
  vocabulary: 32_000,
  width: 768,
  layers: 12,
  heads: 12,
  kvHeads: 4,
  headWidth: 64,
  hidden: 2048,
  tied: true,
};
