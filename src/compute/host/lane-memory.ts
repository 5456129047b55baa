// Owns: where one lane's labels lie, and the kernel that digests them there. Does not own: who fills it (lane.ts).
import {
  DIGEST_BYTES,
  DIGEST_COLUMNS,
  DIGEST_LEAF_BYTES,
  DIGESTS_PER_LEAF,
  digestBlock,
  digestKey,
} from '../spec/digest.js';
import { WASM as BANK } from '../wasm/bank.wasm.js';
import { createSharedMemory, instantiate } from '../wasm/instance.js';

/** Labels of one lane, and room beside them. */
export interface LaneMemory {
  readonly labels: Uint8Array;
  /** the same bytes as words */
  readonly words: Int32Array;
  /** From now on under this key. */
  setKey(key: Uint8Array): void;
  /** Digests of `count` labels from `first`, at most a leaf's; valid until the next call. */
  digests(first: number, count: number): Uint8Array;
}

/** Bytes that the kernel's blocks have. */
const KERNEL_BLOCK = 4096;
const KEYS = DIGEST_COLUMNS * KERNEL_BLOCK;
const SCRATCH = 65_536;

/**
 * Memory that the kernel reads in place, so that a pass moves every byte once; plain arithmetic for labels of another size.
 * The system takes pages when they are written.
 * @throws RangeError when the process cannot have so much
 */
export function createLaneMemory(labelBytes: number, capacity: number): LaneMemory {
  return labelBytes === KERNEL_BLOCK ? kernelMemory(capacity) : plainMemory(labelBytes, capacity);
}

function kernelMemory(capacity: number): LaneMemory {
  const memory = createSharedMemory(SCRATCH + capacity * KERNEL_BLOCK);
  const { digest } = instantiate<{
    digest(block: number, count: number, keys: number, out: number): void;
  }>(BANK, { host: { memory } });
  const { buffer } = memory;
  const keys = new Int8Array(buffer, 0, KEYS);
  const out = new Uint8Array(buffer, KEYS, DIGEST_LEAF_BYTES);
  return {
    labels: new Uint8Array(buffer, SCRATCH, capacity * KERNEL_BLOCK),
    words: new Int32Array(buffer, SCRATCH, (capacity * KERNEL_BLOCK) / 4),
    setKey: (key) => keys.set(digestKey(key, KERNEL_BLOCK)),
    digests(first, count) {
      digest(SCRATCH + first * KERNEL_BLOCK, count, 0, KEYS);
      return out.slice(0, count * DIGEST_BYTES);
    },
  };
}

function plainMemory(labelBytes: number, capacity: number): LaneMemory {
  const buffer = new ArrayBuffer(capacity * labelBytes);
  const labels = new Uint8Array(buffer);
  const out = new Uint8Array(DIGESTS_PER_LEAF * DIGEST_BYTES);
  let keys: Int8Array = new Int8Array(0);
  return {
    labels,
    words: new Int32Array(buffer),
    setKey(key) {
      keys = digestKey(key, labelBytes);
    },
    digests(first, count) {
      for (let i = 0; i < count; i++) {
        const at = (first + i) * labelBytes;
        digestBlock(labels.subarray(at, at + labelBytes), keys, out, i * DIGEST_BYTES);
      }
      return out.subarray(0, count * DIGEST_BYTES);
    },
  };
}
