// Owns: how much a manifest and its file may be, before anything of them is parsed. Does not own: what they must be.

/** Room for 938 forfeits, so for 46,900 groups; the rest is under 400 bytes. */
export const MAX_MANIFEST_BYTES = 4096;

/** 64 MiB: 40,000 rollouts of the 1.6 KB that 512 tokens may take. */
export const MAX_FILE_BYTES = 64 * 2 ** 20;

/** A validator holds them as 32 bits each: 128 MiB, beside at most 174 MiB of columns while they are read. */
export const MAX_FILE_TOKENS = 2 ** 25;

/** The file's columns hold a few bytes for each: bounds what is allocated for rollouts of few tokens. */
export const MAX_FILE_ROLLOUTS = 2 ** 20;

/**
 * Bytes of columns to one compressed byte. A model in a loop compresses better than that; the writer then compresses less
 * (file.ts), so that no honest file is beyond it. Zlib alone would let 64 MiB be 64 GiB.
 */
export const MAX_RATIO = 50;

/** One group in fifty may be given up: a straggler costs an honest miner two groups, and choosing costs a dishonest one more. */
export const GROUPS_PER_FORFEIT = 50;
