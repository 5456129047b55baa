// Owns: the bytes between a receiver and a source, and their assembly. Pure. Does not own: sockets (link.ts).
import { equals } from '../../model/bytes.js';
import { HASH_BYTES } from '../../model/merkle.js';
import { digestLeaves, helloProof, LEAF_BYTES } from '../spec/link.js';

/** What the source says first: a value that nobody has answered before. */
export const NONCE_BYTES = 16;
/** What the receiver answers: ticket, and the proof that it knows the ticket's pass. */
export const HELLO_BYTES = 64;
export const SIGNATURE_BYTES = 64;

export function encodeHello(ticket: Uint8Array, pass: Uint8Array, nonce: Uint8Array): Uint8Array {
  const out = new Uint8Array(HELLO_BYTES);
  out.set(ticket, 0);
  out.set(helloProof(pass, nonce, ticket), 32);
  return out;
}

/** `hello` must have 64 bytes. */
export const ticketOf = (hello: Uint8Array): Uint8Array => hello.subarray(0, 32);

export const isHello = (hello: Uint8Array, pass: Uint8Array, nonce: Uint8Array): boolean =>
  equals(hello.subarray(32), helloProof(pass, nonce, ticketOf(hello)));

/** Segments out of a stream of chunks: content of `leaves` leaves, then a signature, again and again. */
export class SegmentReader {
  readonly #leaves: number;
  /** a leaf that is spread over chunks */
  readonly #partial = new Uint8Array(LEAF_BYTES);
  #filled = 0;
  #digests: Uint8Array;
  #done = 0;
  readonly #signature = new Uint8Array(SIGNATURE_BYTES);
  #signed = 0;

  constructor(leaves: number) {
    this.#leaves = leaves;
    this.#digests = new Uint8Array(leaves * HASH_BYTES);
  }

  /** Takes the next bytes; `onSegment` is called for each segment that is whole with them, and says whether to go on. */
  take(chunk: Uint8Array, onSegment: (digests: Uint8Array, signature: Uint8Array) => boolean): boolean {
    for (let at = 0; at < chunk.length; ) {
      if (this.#done < this.#leaves) at = this.#takeContent(chunk, at);
      else {
        const part = chunk.subarray(at, at + SIGNATURE_BYTES - this.#signed);
        this.#signature.set(part, this.#signed);
        this.#signed += part.length;
        at += part.length;
        if (this.#signed < SIGNATURE_BYTES) return true;
        const digests = this.#digests;
        this.#digests = new Uint8Array(this.#leaves * HASH_BYTES);
        this.#done = 0;
        this.#signed = 0;
        if (!onSegment(digests, this.#signature.slice())) return false;
      }
    }
    return true;
  }

  #takeContent(chunk: Uint8Array, from: number): number {
    let at = from;
    if (this.#filled === 0) {
      // leaves that lie whole in the chunk are digested where they are
      const whole = Math.min(this.#leaves - this.#done, Math.floor((chunk.length - at) / LEAF_BYTES));
      digestLeaves(chunk.subarray(at, at + whole * LEAF_BYTES), this.#digests, this.#done * HASH_BYTES);
      this.#done += whole;
      at += whole * LEAF_BYTES;
      if (this.#done === this.#leaves) return at;
    }
    const part = chunk.subarray(at, at + LEAF_BYTES - this.#filled);
    this.#partial.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled === LEAF_BYTES) {
      digestLeaves(this.#partial, this.#digests, this.#done * HASH_BYTES);
      this.#done++;
      this.#filled = 0;
    }
    return at + part.length;
  }
}
