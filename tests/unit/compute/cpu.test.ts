import { describe, expect, test } from 'vitest';
import type { Compute } from '../../../src/compute/compute.js';
import { createOnnxCompute, loadOnnx, type Onnx } from '../../../src/compute/cpu/onnx.js';
import { createPackedCompute } from '../../../src/compute/cpu/packed.js';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { createWasmCompute } from '../../../src/compute/cpu/wasm.js';
import { inexactProduct, openCpu } from '../../../src/compute/probe.js';
import { createLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';

const onnx = await loadOnnx();
const backends: [string, Compute | undefined][] = [
  ['reference', createReferenceCompute()],
  ['packed', createPackedCompute()],
  ['wasm', createWasmCompute()],
  ['onnx', onnx && createOnnxCompute(onnx, { threads: 1 })],
];
if (!onnx)
  console.warn(
    'skipping onnx: onnxruntime-node is not installed (npm install --ignore-scripts onnxruntime-node@1.30.0)',
  );

function operand(n: number, seed: string): Int8Array {
  return Int8Array.from(createSeededRandom(seed).bytes(n * n), (byte) => (byte & 127) - 64);
}

/** C = A B element by element, in BigInt-free but obvious arithmetic. */
function naiveProduct(a: Int8Array, b: Int8Array, n: number): number[] {
  return Array.from({ length: a.length }, (_, at) => {
    const row = Math.floor(at / n) * n;
    let sum = 0;
    for (let k = 0; k < n; k++) sum += a[row + k] * b[k * n + (at % n)];
    return sum;
  });
}

describe.each(backends)('%s', (_name, backend) => {
  test.skipIf(!backend)('gives the product, for as many rows as are handed in', async () => {
    for (const n of [16, 64, 128]) {
      const b = operand(n, `b-${n}`);
      const multiplier = await backend!.loadOperand(b, n);
      for (const rows of [1, 2, 3, 15, n]) {
        const a = new Int8Array(createSeededRandom(`a-${n}-${rows}`).bytes(rows * n));
        expect([...(await multiplier.multiply(a))], `n ${n}, ${rows} rows`).toEqual(naiveProduct(a, b, n));
      }
      multiplier.release();
    }
  });

  test.skipIf(!backend)('is exact at the extremes of both operands', async () => {
    expect(await inexactProduct(backend!)).toBeUndefined();
  });

  test.skipIf(!backend)('stays exact where a sum is at its largest', async () => {
    const n = 4096;
    const rows = 2;
    for (const [left, right] of [
      [-128, -64],
      [127, 63],
    ]) {
      const multiplier = await backend!.loadOperand(new Int8Array(n * n).fill(right), n);
      const c = await multiplier.multiply(new Int8Array(rows * n).fill(left));
      expect(c.every((value) => value === left * right * n)).toBe(true);
      multiplier.release();
    }
  });

  test.skipIf(!backend)('does not look at the operand again after it is loaded', async () => {
    const b = operand(16, 'kept');
    const multiplier = await backend!.loadOperand(b, 16);
    const a = new Int8Array(16 * 16).fill(3);
    const before = [...(await multiplier.multiply(a))];
    b.fill(0);
    expect([...(await multiplier.multiply(a))]).toEqual(before);
  });

  test.skipIf(!backend)('refuses operands of the wrong size', async () => {
    await expect(backend!.loadOperand(new Int8Array(10), 16)).rejects.toThrow(RangeError);
    const multiplier = await backend!.loadOperand(operand(16, 'size'), 16);
    for (const length of [0, 15, 17, 17 * 16])
      await expect(multiplier.multiply(new Int8Array(length))).rejects.toThrow(RangeError);
  });
});

describe('opening the CPU', () => {
  async function opened(load: () => Promise<Onnx | undefined>): Promise<{ name: string; lines: string }> {
    const lines: string[] = [];
    const compute = await openCpu({ log: createLog((line) => lines.push(line)), threads: 1, load });
    return { name: compute.name, lines: lines.join('\n') };
  }

  test('says how to add the runtime where it is missing, and goes on without it', async () => {
    const { name, lines } = await opened(async () => undefined);
    expect(name).toBe('cpu-wasm');
    expect(lines).toContain('npm install --ignore-scripts onnxruntime-node@1.30.0');
  });

  test('falls back from a runtime that saturates 16-bit pair sums, and says where it was wrong', async () => {
    const { name, lines } = await opened(async () => saturatingRuntime());
    expect(name).toBe('cpu-wasm');
    expect(lines).toMatch(/not exact here.*element \d+ is -?\d+, expected -?\d+/);
  });

  test('falls back from a runtime that does not start', async () => {
    const broken: Onnx = {
      Tensor: class {},
      InferenceSession: { create: () => Promise.reject(new Error('no kernel')) },
    };
    const { name, lines } = await opened(async () => broken);
    expect(name).toBe('cpu-wasm');
    expect(lines).toContain('no kernel');
  });

  test.skipIf(!onnx)('takes the runtime where it is exact', async () => {
    expect((await opened(loadOnnx)).name).toBe('cpu-onnx');
  });
});

/**
 * What vpmaddubsw would do with wider operands: sums of two products clamped to 15 bits. With B in [-64, 63] real
 * kernels stay within 16 bits (255 * 64 * 2 = 32640), so this one is made a bit worse than they are.
 */
function saturatingRuntime(): Onnx {
  class Tensor {
    constructor(
      readonly type: string,
      readonly data: Uint8Array | Int32Array,
      readonly dims: readonly number[],
    ) {}
  }
  const clamp = (x: number): number => Math.max(-16_384, Math.min(16_383, x));
  return {
    Tensor,
    InferenceSession: {
      async create(model) {
        // the operand is the one long field of the model: its last n * n bytes before the zero point and the shapes
        const b = operandOf(model);
        const n = Math.sqrt(b.length);
        return {
          async run(feeds, fetches) {
            const a = (feeds.a as Tensor).data;
            const c = (fetches.c as Tensor).data;
            for (let at = 0; at < c.length; at++) {
              const row = Math.floor(at / n) * n;
              let sum = 0;
              let offset = 0;
              for (let k = 0; k < n; k += 2) {
                const b0 = b[k * n + (at % n)];
                const b1 = b[(k + 1) * n + (at % n)];
                sum += clamp(a[row + k] * b0 + a[row + k + 1] * b1);
                offset += 128 * (b0 + b1);
              }
              c[at] = sum - offset;
            }
          },
          async release() {},
        };
      },
    },
  };
}

/** raw_data (field 9) of the largest tensor in the model, found by its length prefix. */
function operandOf(model: Uint8Array): Int8Array {
  for (const n of [256, 128, 16]) {
    const length = n * n;
    const prefix: number[] = [(9 << 3) | 2];
    for (let rest = length; ; rest >>>= 7) {
      prefix.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) break;
    }
    const at = Buffer.from(model).indexOf(Buffer.from(prefix));
    if (at >= 0 && at + prefix.length + length <= model.length)
      return new Int8Array(model.slice(at + prefix.length, at + prefix.length + length).buffer);
  }
  throw new Error('no operand in the model');
}
