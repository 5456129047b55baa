// Owns: what fills a host's memory: labels of a lane, their parents, leaves and root. Same code on both ends.
// Does not own: where labels are kept (compute/host), what is proven with them (verification/kinds/host-memory).
import { hash, hkdfSync } from 'node:crypto';
import { u32le, utf8 } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { HASH_BYTES, hashInto } from '../../model/merkle.js';

const LABEL = utf8('assay/host/1/label');
const ROOT = utf8('assay/host/1/root');

/** First bytes of preimages, apart from those of the other trees (chain.ts, digest.ts). */
export const HOST_TAG = {
  label: 32,
  node: 33,
  top: 34,
  passTop: 35,
  walkLeaf: 36,
  walkNode: 37,
  walkTop: 38,
} as const;

/** Bytes of one output of SHA-256: a label is a chain of them. */
export const CHUNK_BYTES = 32;

/** Most labels of a lane: indices times 2^32 stay exact in float64, and a lane of 4 KiB labels within 4 GiB with its scratch. */
export const MAX_LANE_LABELS = 2 ** 20 - 64;

/** What fixes every byte of every label. */
export interface HostLabelsSpec {
  /** 32 bytes */
  readonly seed: Uint8Array;
  /** a power of two, 256..4096; no more chunks than HKDF allows (255) */
  readonly labelBytes: number;
  /** bytes of parents, a third of each, that every chunk of a label hashes: a multiple of three */
  readonly infoBytes: number;
}

/** A label's own 32 bytes, from nothing but its place. */
export function labelName(seed: Uint8Array, lane: number, index: number): Uint8Array {
  const preimage = new Uint8Array(LABEL.length + seed.length + 8);
  preimage.set(LABEL);
  preimage.set(seed, LABEL.length);
  const view = new DataView(preimage.buffer);
  view.setUint32(LABEL.length + seed.length, lane, true);
  view.setUint32(LABEL.length + seed.length + 4, index, true);
  return hash('sha256', preimage, 'buffer');
}

/**
 * The labels of the same lane that label `index` is made of: the one before it, and two that are uniform over all before it.
 * Label 0 has none.
 */
export function parentsOf(name: Uint8Array, index: number): readonly number[] {
  if (index === 0) return [];
  const view = new DataView(name.buffer, name.byteOffset, name.byteLength);
  const before = (at: number): number => Math.floor((view.getUint32(at, true) * index) / 2 ** 32);
  return [index - 1, before(0), before(4)];
}

/**
 * Makes labels; holds scratch space, so one per user. A label is HKDF-SHA256 (RFC 5869) with its name as salt, its three
 * parents as key material, a third of `infoBytes` from the beginning of each as info. Chunk t is then
 * HMAC(PRK, chunk t-1 || info || t): every 32 bytes cost as many compressions as all others, so that nothing smaller than a
 * label makes one for less (docs/proofs/host-memory.md, No waist).
 */
export class LabelMaker {
  readonly #parents: Uint8Array;
  readonly #info: Uint8Array;
  readonly #labelBytes: number;
  readonly #third: number;

  constructor({ labelBytes, infoBytes }: Pick<HostLabelsSpec, 'labelBytes' | 'infoBytes'>) {
    this.#labelBytes = labelBytes;
    this.#third = infoBytes / 3;
    this.#parents = new Uint8Array(3 * labelBytes);
    this.#info = new Uint8Array(infoBytes);
  }

  /** @param parents three labels, or none for label 0, whose parents are zeros */
  make(name: Uint8Array, parents: readonly Uint8Array[]): Uint8Array {
    if (parents.length === 0) this.#parents.fill(0);
    for (let p = 0; p < parents.length; p++) this.#parents.set(parents[p], p * this.#labelBytes);
    for (let p = 0; p < 3; p++) {
      const from = p * this.#labelBytes;
      this.#info.set(this.#parents.subarray(from, from + this.#third), p * this.#third);
    }
    return new Uint8Array(hkdfSync('sha256', this.#parents, name, this.#info, this.#labelBytes));
  }
}

/** Compressions of SHA-256 (64 bytes each) for a message of so many bytes behind a whole block. */
const compressions = (bytes: number): number => Math.ceil((bytes + 9) / 64);

/** Compressions for one chunk, where its label's PRK is known. */
export const chunkCompressions = ({ infoBytes }: Pick<HostLabelsSpec, 'infoBytes'>): number =>
  compressions(CHUNK_BYTES + infoBytes + 1) + 1;

/** Compressions for one label, its leaf and name left out. */
export const labelCompressions = (spec: Pick<HostLabelsSpec, 'labelBytes' | 'infoBytes'>): number =>
  3 + compressions(3 * spec.labelBytes) + 2 + (spec.labelBytes / CHUNK_BYTES) * chunkCompressions(spec);

/** Hashes labels to leaves: SHA-256(tag, label). Holds scratch space, so one per user. */
export class LabelLeafHasher {
  readonly #preimage: Uint8Array;

  constructor(labelBytes: number) {
    this.#preimage = new Uint8Array(1 + labelBytes);
    this.#preimage[0] = HOST_TAG.label;
  }

  into(label: Uint8Array, out: Uint8Array, at: number): void {
    this.#preimage.set(label, 1);
    hashInto(this.#preimage, out, at);
  }

  of(label: Uint8Array): Uint8Array {
    const out = new Uint8Array(HASH_BYTES);
    this.into(label, out, 0);
    return out;
  }
}

/** What Commit carries: the work, and whose it is. */
export const hostRoot = (seed: Uint8Array, lanes: number, labels: number, top: Uint8Array): Uint8Array =>
  Uint8Array.from(sha256(ROOT, seed, u32le(lanes), u32le(labels), top));
