// Owns: the shapes of the decoders that need no download. Does not own: their weights (master.ts).
import type { DecoderConfig } from './decoder.js';

/** Ids of the byte-level vocabulary: 0..255 are bytes. */
export const END_OF_TEXT = 256;
export const BEGIN_OF_TEXT = 257;
export const BYTE_VOCABULARY = 258;

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
