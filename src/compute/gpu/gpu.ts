// Owns: what is asked of a graphics processor: memory, nine kernels in order, answers. Does not own: what follows from them
// (labels.ts), how one device runs them (../webgpu, ../cuda), their bytes in plain code (plain.ts).
import type { AssayError } from '../../model/errors.js';

/** Bytes on the device. Opaque: only the processor that gave them can use them. */
export interface GpuMemory {
  readonly bytes: number;
}

/** Bytes `at` .. `at + bytes` of a memory; both are multiples of four. */
export interface GpuPart {
  readonly memory: GpuMemory;
  readonly at: number;
  readonly bytes: number;
}

/** `to[i] = SHA-256(tag, run i of from)`, 32 bytes each; runs lie one behind the other. */
export interface HashRuns {
  readonly from: GpuMemory;
  /** a multiple of 16 */
  readonly fromAt: number;
  /** another memory than `from` */
  readonly to: GpuMemory;
  /** a multiple of 16 */
  readonly toAt: number;
  readonly count: number;
  /** of one run: a multiple of 16 */
  readonly bytes: number;
  /** first byte of every preimage */
  readonly tag: number;
}

/**
 * A tree in heap order: `node i = SHA-256(tag, node 2i, node 2i + 1)` for i in `width` .. `2 width - 1`, then the same for half the
 * width, and so on to the root, which is node 1.
 */
export interface HashLevels {
  /** node i at byte 32 i */
  readonly heap: GpuMemory;
  /** a power of two */
  readonly width: number;
  readonly tag: number;
}

/** `to[j n + i] = from[i n + j]`, bytes. */
export interface Transpose {
  readonly from: GpuMemory;
  readonly to: GpuMemory;
  readonly n: number;
}

/** `to[i]` = word 0, made odd, of SHA-256(prefix, seed, label, i, leaf i of rows, leaf i of columns): spec/chain.ts `tweakRow`. */
export interface TweakRows {
  /** heaps whose leaves begin at byte 32 n */
  readonly rows: GpuMemory;
  readonly columns: GpuMemory;
  /** n words */
  readonly to: GpuMemory;
  /** 32 bytes */
  readonly seed: Uint8Array;
  readonly label: number;
  readonly n: number;
}

/** Left operand: spec/chain.ts `joinRow` over all rows. */
export interface Join {
  /** n x n bytes: the label before */
  readonly rows: GpuMemory;
  /** n x n bytes: the label of the back edge, transposed */
  readonly columns: GpuMemory;
  /** n words each */
  readonly x: GpuMemory;
  readonly y: GpuMemory;
  readonly to: GpuMemory;
  readonly n: number;
}

/** `c = a b`, exact int32; a is `rows` x n int8 in [-128, 127], b is n x n int8 in [-64, 63]. */
export interface Product {
  readonly a: GpuMemory;
  /** transposed: entry (k, j) of b at byte j n + k */
  readonly b: GpuMemory;
  /** `rows` x n words */
  readonly to: GpuMemory;
  /** 1 .. n */
  readonly rows: number;
  readonly n: number;
}

/** As `Product` with n rows, and only the bytes that spec/chain.ts `fold` makes of it. */
export interface ProductFold {
  readonly a: GpuMemory;
  readonly b: GpuMemory;
  /** n x n bytes */
  readonly to: GpuMemory;
  readonly n: number;
}

/** Digests of blocks of 4096 bytes, 16 bytes each: spec/digest.ts `digestBlock`. */
export interface Digests {
  readonly from: GpuMemory;
  /** first block */
  readonly first: number;
  readonly blocks: number;
  /** four columns of 4096 values in [-64, 63], one behind the other */
  readonly key: GpuMemory;
  readonly to: GpuMemory;
  /** a multiple of 16 */
  readonly toAt: number;
}

/** `to[toAt + i] = from[i n + index]`, n bytes. */
export interface Column {
  readonly from: GpuMemory;
  readonly n: number;
  readonly index: number;
  readonly to: GpuMemory;
  /** a multiple of four */
  readonly toAt: number;
}

/** By name, with what each takes: the same for every processor. Sides n are powers of two from 16. */
export interface GpuCalls {
  hashRuns: HashRuns;
  hashLevels: HashLevels;
  transpose: Transpose;
  tweakRows: TweakRows;
  join: Join;
  product: Product;
  productFold: ProductFold;
  digests: Digests;
  column: Column;
}

/**
 * One device and one queue: what is asked is done in the order of asking, each step as if those before it were finished.
 * A device that is lost rejects what waits, and everything after it, with AssayError `unreachable`.
 */
export interface Gpu {
  /** e.g. `cuda: NVIDIA H200`, `webgpu: swiftshader` */
  readonly name: string;
  /** the most that one memory may have */
  readonly memoryBytes: number;
  /** @returns undefined when the device has no room for it; bytes are zeros */
  allocate(bytes: number): Promise<GpuMemory | undefined>;
  free(memory: GpuMemory): void;
  /** @param bytes taken over before it returns */
  write(memory: GpuMemory, at: number, bytes: Uint8Array): void;
  /** Kernels of `GpuCalls`. */
  run<K extends keyof GpuCalls>(kernel: K, call: GpuCalls[K]): void;
  /** The bytes as they are after all that was asked before. One waiting for many parts. */
  read(parts: readonly GpuPart[]): Promise<Uint8Array[]>;
  /** When all that was asked so far is done. */
  done(): Promise<void>;
  /** Once, with the reason, when the device is gone for good; `close` is none. */
  readonly lost: Promise<AssayError<'unreachable'>>;
  close(): Promise<void>;
}
