// What a year of a subnet costs: 7,300 epochs of 360 blocks with every block's coinbase and pool, 256 neurons of whom 64
// validate and weigh all 191 miners, each with its own noise. What the epochs and the blocks would take with the plain
// references stands in the rows of epoch.bench.ts and coinbase.bench.ts; here the baseline is memory's own beginning.
import { parseScenario } from '../../src/emissions/simulator/scenario.js';
import { simulate } from '../../src/emissions/simulator/simulate.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const EPOCHS = 7300;
const HEAP_SAMPLES = 10;

export default async function bench(emit: Emit): Promise<void> {
  const name = `year ${EPOCHS} epochs 256x64`;
  const scenario = yearOf(EPOCHS);
  simulate({ ...scenario, epochs: 20 });
  const heap: number[] = [];
  const start = performance.now();
  simulate(scenario, {
    onEpoch: (epoch) => {
      if (epoch % (EPOCHS / HEAP_SAMPLES) === 0) heap.push(heapMiB());
    },
  });
  emit({ bench: name, metric: 'simulate', value: (performance.now() - start) / 1000, unit: 's' });
  emit({ bench: name, metric: 'heap after a tenth', value: heap[0]!, unit: 'MiB' });
  emit({ bench: name, metric: 'heap at the end', value: heap.at(-1)!, unit: 'MiB', baseline: heap[0]! });
}

/** After a collection where the process allows one (node --expose-gc). */
function heapMiB(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

const yearOf = (epochs: number) =>
  parseScenario({
    name: 'year',
    title: 'A year',
    epochs,
    subnet: { alphaOut: 8_000_000 },
    validators: [
      { name: 'validators', count: 64, stakeAlpha: 100_000, rootTao: 10_000, noise: 0.05, sells: 0.2 },
    ],
    miners: [{ name: 'miners', count: 191, capacity: 8, costTaoPerHour: 0.001 }],
    market: { buyTaoPerDay: 50, sellAlphaPerDay: 1_000, noise: 0.2 },
  });
