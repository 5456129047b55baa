import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { createFastLabels, type FastLabels } from '../../../src/compute/cpu/fast-labels.js';
import { bankKernels, laneKernels } from '../../../src/compute/cpu/kernels.js';
import { loadOnnx } from '../../../src/compute/cpu/onnx.js';
import { type Kernels, wrongKernel } from '../../../src/compute/cpu/probe-kernels.js';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { createWasmCompute } from '../../../src/compute/cpu/wasm.js';
import type { Labels, LabelsSpec } from '../../../src/compute/labels.js';
import { openCpu } from '../../../src/compute/probe.js';
import { wrongLabels } from '../../../src/compute/probe-labels.js';
import { operandMatrix } from '../../../src/compute/spec/chain.js';
import { createPlainLabels } from '../../../src/compute/spec/plain-labels.js';
import { createLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';

const onnx = await loadOnnx();
const { signal } = new AbortController();
const always = (): boolean => true;

const random = createSeededRandom('labels');
const spec: LabelsSpec = { basis: random.bytes(32), seed: random.bytes(32), n: 64, capacity: 9 };
const inThreads = createFastLabels({ engine: 'wasm', threads: 3, threadedRows: 256 });
const here = createFastLabels({ engine: 'wasm' });
const folder = mkdtempSync(join(tmpdir(), 'assay-lanes-'));

afterAll(async () => {
  await Promise.all([inThreads.close(), here.close()]);
  rmSync(folder, { recursive: true });
});

async function plainLabels(wanted: LabelsSpec): Promise<Labels> {
  const b = operandMatrix(wanted.basis, wanted.n);
  // the plain product takes seconds at the size whose rows have chunks
  const compute = wanted.n > 256 ? createWasmCompute() : createReferenceCompute();
  const multiplier = await compute.loadOperand(b, wanted.n);
  return createPlainLabels(wanted, { exclusive: (use) => use(multiplier), release() {} });
}

describe('labels of the CPU', () => {
  test('are the plain ones, operation by operation, with the kernel of this package', async () => {
    expect(await wrongLabels(here.openLabels, 64)).toBeUndefined();
    expect(await wrongLabels(here.openLabels, 128)).toBeUndefined();
  });

  test.skipIf(!onnx)('are the plain ones with the runtime', async () => {
    const labels = createFastLabels({ engine: 'onnx', onnx });
    expect(await wrongLabels(labels.openLabels, 64)).toBeUndefined();
    await labels.close();
  });

  test('are the plain ones on threads of unequal shares', async () => {
    expect(await wrongLabels(inThreads.openLabels, 256)).toBeUndefined();
  });

  test('are the plain ones where a row is hashed in chunks', async () => {
    const wanted = { ...spec, n: 2048, capacity: 1 };
    const labels = await here.openLabels(wanted);
    const plain = await plainLabels(wanted);
    await labels.extend(1, always, signal);
    await plain.extend(1, always, signal);
    expect(await labels.roots(1)).toEqual(await plain.roots(1));
    labels.release();
  });

  test('end when the caller has enough, and go on from there', async () => {
    const labels = await here.openLabels(spec);
    let asked = 0;
    expect(await labels.extend(9, () => ++asked <= 4, signal)).toBe(4);
    expect(await labels.extend(9, () => false, signal)).toBe(4);
    expect(await labels.extend(9, always, signal)).toBe(9);
    expect(await labels.extend(9, always, signal)).toBe(9);
    const plain = await plainLabels(spec);
    await plain.extend(9, always, signal);
    expect(await labels.roots(9)).toEqual(await plain.roots(9));
    labels.release();
  });

  test('end when the caller on another thread has enough', async () => {
    const wanted = { ...spec, n: 256 };
    const labels = await inThreads.openLabels(wanted);
    const count = await labels.extend(
      9,
      (
        (asked) => () =>
          ++asked <= 3
      )(0),
      signal,
    );
    expect(count).toBeGreaterThanOrEqual(3); // and what the lanes finished before they heard of it
    expect(await labels.extend(9, always, signal)).toBe(9);
    const plain = await plainLabels(wanted);
    await plain.extend(9, always, signal);
    expect(await labels.roots(9)).toEqual(await plain.roots(9));
    labels.release();
  });

  test.each([
    ['here', here, 64],
    ['in threads', inThreads, 256],
  ])('of several chains %s take turns and do not mix', async (_name, labels, n) => {
    const chains = await Promise.all(
      [1, 2, 3].map(async (seed) => {
        const wanted = { ...spec, n, seed: new Uint8Array(32).fill(seed) };
        return { tested: await labels.openLabels(wanted), plain: await plainLabels(wanted) };
      }),
    );
    await Promise.all(chains.map(({ tested }) => tested.extend(9, always, signal)));
    for (const { tested, plain } of chains) {
      await plain.extend(9, always, signal);
      expect(await tested.roots(9)).toEqual(await plain.roots(9));
      tested.release();
    }
  });

  test.each([
    ['here', here, 64],
    ['in threads', inThreads, 256],
  ])('stop %s when the caller aborts, and can be gone on with', async (_name, labels, n) => {
    const wanted = { ...spec, n };
    const tested = await labels.openLabels(wanted);
    const stop = new AbortController();
    const more = (): boolean => {
      if (tested.count >= 0) queueMicrotask(() => stop.abort(new Error('enough of it')));
      return true;
    };
    await expect(tested.extend(9, more, stop.signal)).rejects.toThrow('enough of it');
    expect(await tested.extend(9, always, signal)).toBe(9);
    const plain = await plainLabels(wanted);
    await plain.extend(9, always, signal);
    expect(await tested.roots(9)).toEqual(await plain.roots(9));
    tested.release();
  });

  test('fail with what the caller throws when it is asked', async () => {
    const labels = await inThreads.openLabels({ ...spec, n: 256 });
    let asked = 0;
    const failing = (): boolean => {
      if (++asked === 3) throw new Error('no clock');
      return true;
    };
    await expect(labels.extend(9, failing, signal)).rejects.toThrow('no clock');
    expect(await labels.extend(9, always, signal)).toBe(9);
    labels.release();
  });

  test('reject what still runs when they are released', async () => {
    const labels = await inThreads.openLabels({ ...spec, n: 256, capacity: 40 });
    const running = labels.extend(40, always, signal);
    labels.release();
    await expect(running).rejects.toThrow('released');
    await expect(labels.accumulators([{ label: 1, index: 0 }])).rejects.toThrow('released');
  });

  test('use the memory of released ones again, from whichever operand, and do not mix with them', async () => {
    const device = createFastLabels({ engine: 'wasm' });
    const first = await device.openLabels(spec);
    await first.extend(9, always, signal);
    first.release();
    await expect(first.rows([{ label: 1, index: 0 }])).rejects.toThrow('released');
    for (const fill of [1, 2]) {
      const wanted = { ...spec, basis: new Uint8Array(32).fill(fill), seed: new Uint8Array(32).fill(fill) };
      const [again, plain] = [await device.openLabels(wanted), await plainLabels(wanted)];
      await again.extend(9, always, signal);
      await plain.extend(9, always, signal);
      expect(await again.roots(9)).toEqual(await plain.roots(9));
      again.release();
    }
    await device.close();
  });

  test.each([
    { n: 8, capacity: 9 },
    { n: 100, capacity: 9 },
    { n: 32_768, capacity: 9 },
    { n: 64, capacity: 0 },
  ])('say what they cannot do: $capacity of side $n', async (size) => {
    await expect(here.openLabels({ ...spec, ...size })).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('refuse roots over labels that are not there, and passes over labels smaller than a block', async () => {
    const labels = await here.openLabels({ ...spec, n: 32 });
    await labels.extend(2, always, signal);
    await expect(labels.roots(3)).rejects.toThrow('expected 1..2, got 3');
    await expect(labels.pass(2, new Uint8Array(32))).rejects.toThrow('whole blocks');
    labels.release();
  });
});

describe('a thread that dies', () => {
  const dies = join(folder, 'dies.mjs');
  writeFileSync(
    dies,
    `import { parentPort } from 'node:worker_threads';
     parentPort.postMessage({ ready: true });
     parentPort.on('message', ({ job }) => { if (job) throw new Error('out of memory'); });`,
  );

  test('fails what it was doing and what waits for it, and is replaced', async () => {
    const labels = createFastLabels({
      engine: 'wasm',
      threads: 2,
      threadedRows: 64,
      worker: pathToFileURL(dies),
    });
    const opened = await Promise.allSettled([labels.openLabels(spec), labels.openLabels(spec)]);
    for (const result of opened)
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { code: 'internal', cause: { message: 'out of memory' } },
      });
    await labels.close();
  });

  test('before it was ready is a failure of whoever asked', async () => {
    const labels = createFastLabels({
      engine: 'wasm',
      threads: 2,
      threadedRows: 64,
      worker: pathToFileURL(join(folder, 'missing.mjs')),
    });
    await expect(labels.openLabels(spec)).rejects.toMatchObject({ code: 'internal' });
    await labels.close();
  });
});

describe('a probe', () => {
  /** One operation of the lot that gives something else. */
  function flawed(labels: FastLabels, change: (inner: Labels) => Partial<Labels>) {
    return async (wanted: LabelsSpec): Promise<Labels> => {
      const inner = await labels.openLabels(wanted);
      const outer = Object.create(inner) as Labels; // `count` is a getter
      return Object.assign(outer, change(inner));
    };
  }
  const flip = (bytes: readonly Uint8Array[]): readonly Uint8Array[] =>
    bytes.map((part, i) =>
      i === bytes.length - 1 ? part.map((byte, k) => (k === 0 ? byte ^ 1 : byte)) : part,
    );

  test.each<[string, (inner: Labels) => Partial<Labels>]>([
    ['extend', () => ({ extend: async () => 5 })],
    [
      'roots',
      (inner) => ({
        roots: async (count) => ({ ...(await inner.roots(count)), rowRoot: new Uint8Array(32) }),
      }),
    ],
    ['rows', (inner) => ({ rows: async (places) => flip(await inner.rows(places)) })],
    ['columns', (inner) => ({ columns: async (places) => flip(await inner.columns(places)) })],
    [
      'accumulators',
      (inner) => ({
        accumulators: async (places) => (await inner.accumulators(places)).map((c) => c.map((x) => x - 1)),
      }),
    ],
    ['row paths', (inner) => ({ rowPaths: async (...args) => flip(await inner.rowPaths(...args)) })],
    ['column paths', (inner) => ({ columnPaths: async (...args) => flip(await inner.columnPaths(...args)) })],
    ['pass', (inner) => ({ pass: async (...args) => flip([await inner.pass(...args)])[0] })],
    ['pass leaf', (inner) => ({ passLeaf: async (...args) => flip([await inner.passLeaf(...args)])[0] })],
  ])('names the operation that is wrong: %s', async (name, change) => {
    expect(await wrongLabels(flawed(here, change), 64)).toMatch(new RegExp(`^${name}, n 64: .*, expected `));
  });

  const kernels: Kernels = { bank: bankKernels, lane: laneKernels };

  test('finds the kernels of this package exact here', () => {
    expect(wrongKernel(kernels)).toBeUndefined();
  });

  test.each(['join', 'fold', 'spread'] as const)('finds a wrong kernel: %s', (name) => {
    const wrong: Kernels = {
      ...kernels,
      lane: (memory) => ({ ...laneKernels(memory), [name]: () => undefined }),
    };
    expect(wrongKernel(wrong)).toMatch(new RegExp(`^${name}`));
  });

  test.each(['transpose', 'digest'] as const)('finds a wrong kernel: %s', (name) => {
    const wrong: Kernels = {
      ...kernels,
      bank: (memory) => ({ ...bankKernels(memory), [name]: () => undefined }),
    };
    expect(wrongKernel(wrong)).toMatch(new RegExp(`^${name}`));
  });

  test('that fails leaves a device with plain labels, and says why', async () => {
    const lines: string[] = [];
    const log = createLog((line) => lines.push(line));
    const crashing: Kernels = {
      ...kernels,
      lane: () => {
        throw new Error('no SIMD');
      },
    };
    const compute = await openCpu({ log, load: async () => undefined, kernels: crashing });
    expect(compute.name).toBe('cpu-packed');
    expect(compute.openLabels).toBeUndefined();
    expect(lines.join('\n')).toContain('it failed: no SIMD');
  });
});
