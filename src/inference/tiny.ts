// Owns: the shapes of the decoders that need no download. Does not own: their weights (master.ts).
import type { DecoderConfig } from './decoder.js';
import { BYTE_VOCABULARY } from './spec/byte-ids.js';

/** 1.4 million parameters: a demo on two cores is a matter of seconds. */
export const TINY: DecoderConfig = {
  vocabulary: BYTE_VOCABULARY,
  width: 192,
  layers: 4,
  heads: 6,
  kvHeads: 2,
  headWidth: 32,
  hidden: 384,
  maxPositions: 1024,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  tied: false,
};

/** 40 thousand: for tests that run the plain decoder. Groups of heads and an output matrix of its own, as in the large ones. */
export const MINIATURE: DecoderConfig = {
  ...TINY,
  width: 32,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headWidth: 8,
  hidden: 64,
  maxPositions: 256,
};
