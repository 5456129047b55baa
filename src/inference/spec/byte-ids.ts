// Owns: the ids of the vocabulary of bytes. Does not own: text to ids and back (verification/environments), models that have it (tiny.ts).

/** 0..255 are bytes. It ends completions. */
export const END_OF_TEXT = 256;
/** Every prompt begins with it. */
export const BEGIN_OF_TEXT = 257;
export const BYTE_VOCABULARY = 258;
