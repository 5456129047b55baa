// Owns: a graphics processor as a device of the miner: operands, labels, who holds what. Does not own: a chain (labels.ts).
import { toHex } from '../../model/bytes.js';
import { unsupported } from '../../model/errors.js';
import { assertOperand, type Compute, operandRows, type Supports } from '../compute.js';
import type { LabelsSpec } from '../labels.js';
import { operandMatrix } from '../spec/chain.js';
import type { Gpu, GpuMemory } from './gpu.js';
import { openGpuLabels } from './labels.js';
import { GpuPool, noRoomFor } from './memory.js';

/** Rows of C that are made and read at once: more would be a buffer beyond the bounds of small devices. */
const PRODUCT_BYTES = 64 << 20;

interface Operand {
  readonly key: string;
  readonly n: number;
  readonly transposed: GpuMemory;
  users: number;
}

/** A device whose kernels can be asked one by one, by whoever measures them. */
export interface GpuCompute extends Compute {
  readonly gpu: Gpu;
}

/** Labels are at most this large. */
const MAX_SIDE = 16_384;

/**
 * Between chains nothing but the newest operand is kept: the device's memory belongs to who pays for it.
 * @param supports `matrixUnits` of the processor's products. @default none
 */
export function createGpuCompute(
  gpu: Gpu,
  { matrixUnits = false }: Partial<Pick<Supports, 'matrixUnits'>> = {},
): Compute {
  const pool = new GpuPool(gpu);
  let newest: Operand | undefined;
  let chains = 0;
  let loading: Promise<unknown> = Promise.resolve();
  /** Who pays for the device needs its memory. */
  const settle = (): void => {
    if (chains === 0) pool.clear();
  };

  const allocate = async (bytes: number, what: string): Promise<GpuMemory> => {
    const memory = await pool.take(bytes);
    if (!memory) throw noRoomFor(gpu, what, bytes);
    return memory;
  };
  const transposed = async (b: Int8Array, n: number): Promise<GpuMemory> => {
    const plain = await allocate(n * n, `an operand of side ${n}`);
    try {
      const turned = await allocate(n * n, `an operand of side ${n}`);
      gpu.write(plain, 0, new Uint8Array(b.buffer, b.byteOffset, b.byteLength));
      gpu.run('transpose', { from: plain, to: turned, n });
      await gpu.done();
      return turned;
    } finally {
      pool.give(plain);
    }
  };
  const operandFor = async (basis: Uint8Array, n: number): Promise<Operand> => {
    const key = `${n}/${toHex(basis)}`;
    if (newest?.key === key) return newest;
    const stale = newest;
    newest = undefined;
    if (stale?.users === 0) pool.give(stale.transposed); // the new one takes its place, not one beside it
    newest = { key, n, transposed: await transposed(operandMatrix(basis, n), n), users: 0 };
    return newest;
  };
  /** Two that ask for one operand at once get the same. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = loading.then(work);
    loading = result.catch(() => undefined);
    return result;
  };
  const assertSupported = ({ n, capacity }: LabelsSpec): void => {
    const sized = Number.isInteger(Math.log2(n)) && n >= 16 && n <= MAX_SIDE && capacity >= 1;
    if (sized && n * n <= gpu.memoryBytes) return;
    const what = `${capacity} labels of side ${n}`;
    const why = sized
      ? `a label has ${n * n} bytes, and ${gpu.name} can bind ${gpu.memoryBytes} at once`
      : 'labels are at least one, with a side of a power of two from 16 to 16384';
    throw unsupported(what, why);
  };

  return {
    name: gpu.name,
    lost: gpu.lost,
    supports: {
      matrixUnits,
      maxSide: Math.min(MAX_SIDE, 2 ** Math.floor(Math.log2(gpu.memoryBytes) / 2)),
    },
    async loadOperand(b, n) {
      assertOperand(b, n);
      const atOnce = Math.max(1, Math.min(n, Math.floor(PRODUCT_BYTES / (4 * n))));
      const held: GpuMemory[] = [];
      const giveBack = (): void => {
        for (const memory of held.splice(0)) pool.give(memory);
        settle();
      };
      try {
        held.push(await transposed(b, n));
        held.push(await allocate(atOnce * n, `rows of ${n}`));
        held.push(await allocate(4 * atOnce * n, `a product with rows of ${n}`));
      } catch (error) {
        giveBack();
        throw error;
      }
      const [turned, left, to] = held;
      return {
        n,
        async multiply(a) {
          const rows = operandRows(a, n);
          const c = new Int32Array(rows * n);
          for (let from = 0; from < rows; from += atOnce) {
            const part = a.subarray(from * n, Math.min(rows, from + atOnce) * n);
            gpu.write(left, 0, new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
            gpu.run('product', { a: left, b: turned, to, rows: part.length / n, n });
            const [bytes] = await gpu.read([{ memory: to, at: 0, bytes: 4 * part.length }]);
            c.set(new Int32Array(bytes.buffer, bytes.byteOffset, part.length), from * n);
          }
          return c;
        },
        release: giveBack,
      };
    },
    async prepareLabels(basis, n) {
      assertSupported({ basis, n, seed: basis, capacity: 1 });
      await inTurn(() => operandFor(basis, n)).finally(settle);
    },
    async openLabels(spec) {
      assertSupported(spec);
      const operand = await inTurn(async () => {
        const found = await operandFor(spec.basis, spec.n);
        found.users++;
        return found;
      });
      chains++;
      const leave = (): void => {
        chains--;
        operand.users--;
        if (operand.users === 0 && newest !== operand) pool.give(operand.transposed);
        settle();
      };
      try {
        return await openGpuLabels(spec, { gpu, pool, operand }, leave);
      } catch (error) {
        leave();
        throw error;
      }
    },
    async close() {
      await gpu.close();
    },
  };
}
