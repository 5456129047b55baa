// Owns: where one lane's labels lie, and the kernel that digests them there. Does not own: who fills it (lane.ts).
import {
  DIGEST_BYTES,
  DIGEST_COLUMNS,
  DIGEST_LEAF_BYTES,
  DIGESTS_PER_LEAF,
  digestBlock,
  digestKey,
} from '../spec/digest.js';
import { walkColumns } from '../spec/host-walk.js';
import { WASM as BANK } from '../wasm/bank.wasm.js';
import { createSharedMemory, instantiate } from '../wasm/instance.js';

/** Labels of one lane, and room beside them. */
export interface LaneMemory {
  readonly labels: Uint8Array;
  /** From now on under this key. */
  setKey(key: Uint8Array): void;
  /** Digests of `count` labels from `first`, at most a leaf's. */
  digests(first: number, count: number): Uint8Array;
  /** Columns of the walk from now on. */
  setWalkKey(key: Uint8Array): void;
  /** The label's digest under the four columns from `shift` on; valid until the next call. */
  shifted(label: number, shift: number): Int32Array;
}

/** Bytes that the kernel's blocks have. */
const KERNEL_BLOCK = 4096;
const KEYS = DIGEST_COLUMNS * KERNEL_BLOCK;
const WALK_KEYS_AT = KEYS + DIGEST_LEAF_BYTES;
const WALK_KEYS = (DIGEST_COLUMNS + 1) * KERNEL_BLOCK;
const STEP_AT = WALK_KEYS_AT + WALK_KEYS;
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
  const walkKeys = new Int8Array(buffer, WALK_KEYS_AT, WALK_KEYS);
  const step = new Int32Array(buffer, STEP_AT, DIGEST_COLUMNS);
  return {
    labels: new Uint8Array(buffer, SCRATCH, capacity * KERNEL_BLOCK),
    setKey: (key) => keys.set(digestKey(key, KERNEL_BLOCK)),
    digests(first, count) {
      digest(SCRATCH + first * KERNEL_BLOCK, count, 0, KEYS);
      return out.slice(0, count * DIGEST_BYTES);
    },
    setWalkKey: (key) => walkKeys.set(walkColumns(key, KERNEL_BLOCK)),
    shifted(label, shift) {
      digest(SCRATCH + label * KERNEL_BLOCK, 1, WALK_KEYS_AT + shift, STEP_AT);
      return step;
    },
  };
}

function plainMemory(labelBytes: number, capacity: number): LaneMemory {
  const buffer = new ArrayBuffer(capacity * labelBytes);
  const labels = new Uint8Array(buffer);
  const out = new Uint8Array(DIGESTS_PER_LEAF * DIGEST_BYTES);
  const stepBytes = new Uint8Array(DIGEST_BYTES);
  const step = new Int32Array(stepBytes.buffer);
  let keys: Int8Array = new Int8Array(0);
  let walkKeys: Int8Array = new Int8Array(0);
  return {
    labels,
    setKey(key) {
      keys = digestKey(key, labelBytes);
    },
    digests(first, count) {
      for (let i = 0; i < count; i++) {
        const at = (first + i) * labelBytes;
        digestBlock(labels.subarray(at, at + labelBytes), keys, out, i * DIGEST_BYTES);
      }
      return out.slice(0, count * DIGEST_BYTES);
    },
    setWalkKey(key) {
      walkKeys = walkColumns(key, labelBytes);
    },
    shifted(label, shift) {
      const at = label * labelBytes;
      const columns = walkKeys.subarray(shift, shift + DIGEST_COLUMNS * labelBytes);
      digestBlock(labels.subarray(at, at + labelBytes), columns, stepBytes, 0);
      return step;
    },
  };
}
