// Owns: the bytes that every kernel must give, in plain code over the host's memory. Slow; tests and probes compare with it.
import { HASH_BYTES, hashInto } from '../../model/merkle.js';
import { createChain, fold, joinRow } from '../spec/chain.js';
import { DIGEST_BYTES, digestBlock } from '../spec/digest.js';
import { BLOCK_BYTES } from '../spec/plain-labels.js';
import type { Gpu, GpuCalls, GpuMemory } from './gpu.js';

/** @param memoryBytes room on the device. @default no bound */
export function createPlainGpu({ memoryBytes = Number.MAX_SAFE_INTEGER } = {}): Gpu {
  const held = new Map<GpuMemory, Uint8Array>();
  let used = 0;
  const of = (memory: GpuMemory): Uint8Array => {
    const bytes = held.get(memory);
    if (!bytes) throw new RangeError('gpu: expected memory that is allocated');
    return bytes;
  };
  const kernels = createPlainKernels(of);
  return {
    name: 'plain',
    memoryBytes,
    async allocate(bytes) {
      if (used + bytes > memoryBytes) return undefined;
      used += bytes;
      const memory: GpuMemory = { bytes };
      held.set(memory, new Uint8Array(bytes));
      return memory;
    },
    free(memory) {
      used -= of(memory).length;
      held.delete(memory);
    },
    write: (memory, at, bytes) => of(memory).set(bytes, at),
    run: (kernel, call) => kernels[kernel](call),
    read: async (parts) => parts.map(({ memory, at, bytes }) => of(memory).slice(at, at + bytes)),
    done: async () => undefined,
    lost: new Promise(() => undefined),
    async close() {
      held.clear();
    },
  };
}

type Kernels = { readonly [K in keyof GpuCalls]: (call: GpuCalls[K]) => void };

function createPlainKernels(of: (memory: GpuMemory) => Uint8Array): Kernels {
  const hash = (tag: number, run: Uint8Array, to: Uint8Array, at: number): void => {
    const preimage = new Uint8Array(1 + run.length);
    preimage[0] = tag;
    preimage.set(run, 1);
    hashInto(preimage, to, at);
  };
  const words = (memory: GpuMemory): Uint32Array => new Uint32Array(of(memory).buffer);
  const multiply = ({ a, b, rows, n }: Omit<GpuCalls['product'], 'to'>): Int32Array => {
    const left = new Int8Array(of(a).buffer);
    const right = new Int8Array(of(b).buffer);
    const c = new Int32Array(rows * n);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let k = 0; k < n; k++) sum += left[i * n + k] * right[j * n + k];
        c[i * n + j] = sum;
      }
    return c;
  };
  return {
    hashRuns({ from, fromAt, to, toAt, count, bytes, tag }) {
      for (let i = 0, at = fromAt; i < count; i++, at += bytes)
        hash(tag, of(from).subarray(at, at + bytes), of(to), toAt + i * HASH_BYTES);
    },
    hashLevels({ heap, width, tag }) {
      const nodes = of(heap);
      for (let i = 2 * width - 1; i >= 1; i--)
        hash(tag, nodes.subarray(2 * i * HASH_BYTES, (2 * i + 2) * HASH_BYTES), nodes, i * HASH_BYTES);
    },
    transpose({ from, to, n }) {
      const source = of(from);
      const target = of(to);
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) target[j * n + i] = source[i * n + j];
    },
    tweakRows({ rows, columns, to, seed, label, n }) {
      const leaf = (memory: GpuMemory, i: number): Uint8Array =>
        of(memory).subarray((n + i) * HASH_BYTES, (n + i + 1) * HASH_BYTES);
      const chain = createChain(seed, n, 1);
      for (let i = 0; i < n; i++) words(to)[i] = chain.tweakRow(label, i, leaf(rows, i), leaf(columns, i));
    },
    join({ rows, columns, x, y, to, n }) {
      const row = (memory: GpuMemory, i: number): Uint8Array => of(memory).subarray(i * n, (i + 1) * n);
      for (let i = 0; i < n; i++)
        joinRow(row(rows, i), row(columns, i), words(x)[i], words(y).subarray(0, n), row(to, i));
    },
    product(call) {
      new Int32Array(of(call.to).buffer).set(multiply(call));
    },
    productFold({ to, ...call }) {
      fold(multiply({ ...call, rows: call.n }), of(to).subarray(0, call.n ** 2));
    },
    digests({ from, first, blocks, key, to, toAt }) {
      const keys = new Int8Array(of(key).buffer);
      for (let i = 0, at = first * BLOCK_BYTES; i < blocks; i++, at += BLOCK_BYTES)
        digestBlock(of(from).subarray(at, at + BLOCK_BYTES), keys, of(to), toAt + i * DIGEST_BYTES);
    },
    column({ from, n, index, to, toAt }) {
      for (let i = 0; i < n; i++) of(to)[toAt + i] = of(from)[i * n + index];
    },
  };
}
