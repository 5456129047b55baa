// Owns: what the CPUs of the host multiply, as the CPU backend does it. Does not own: what is compared with it.
import { openCpu } from '../../../src/compute/probe.js';
import { operandMatrix } from '../../../src/compute/spec/chain.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { aloud } from './measure-card.js';

/** Enough rows to fill the cores; all of them would take a minute without onnxruntime-node. */
const ROWS = 1024;

/** Operations a second, the better of two products after a first one. */
export async function cpuRate(n: number): Promise<number> {
  const cpu = await openCpu({ log: aloud });
  const random = createSeededRandom('cpu rate');
  const multiplier = await cpu.loadOperand(operandMatrix(random.bytes(32), n), n);
  const rows = Math.min(n, ROWS);
  const a = new Int8Array(random.bytes(rows * n));
  await multiplier.multiply(a);
  let best = Number.POSITIVE_INFINITY;
  for (let time = 0; time < 2; time++) {
    const from = performance.now();
    await multiplier.multiply(a);
    best = Math.min(best, performance.now() - from);
  }
  multiplier.release();
  await cpu.close?.();
  return (2 * rows * n * n * 1000) / best;
}
