// Owns: what environments ask of a tokenizer, and the one of bytes. Does not own: those of exported models (inference).
import { BEGIN_OF_TEXT, END_OF_TEXT } from '../../inference/spec/byte-ids.js';
import { utf8 } from '../../model/bytes.js';

/** Prompt ids are what the network agrees on; text is for grading alone. */
export interface Tokenizer {
  /** ids of a prompt, with the id it begins with where the model wants one */
  encode(text: string): Uint32Array;
  /** text of a completion; ids that stand for no text vanish. Should throw for no ids within the vocabulary. */
  decode(ids: Uint32Array): string;
}

/** An id for each byte of UTF-8; what is no UTF-8 decodes to U+FFFD, as the Encoding Standard has it. */
export const byteTokenizer: Tokenizer = {
  encode: (text) => Uint32Array.of(BEGIN_OF_TEXT, ...utf8(text)),
  decode: (ids) =>
    new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      Uint8Array.from(ids.filter((id) => id < END_OF_TEXT)),
    ),
};
