// How much of an NVIDIA card the kernels reach: of its int8 peak, of its own copies, of cuBLASLt, and beside the CPUs of the host.
// Where there is no card, one line says so and nothing is measured.
import { isolateDevice } from '../../src/compute/process/isolate.js';
import { systemClock } from '../../src/model/clock.js';
import { isAssayError } from '../../src/model/errors.js';
import { memoryProof } from '../../src/verification/kinds/memory/index.js';
import { cpuRate } from './card/cpu-rate.js';
import { aloud, chooseCard, type Emit, measureSide, openChosen } from './card/measure-card.js';
import { memoryParamsFor } from './card/sets.js';
import { busyOf, rehearseSlot } from './card/slot.js';

const SIDES = [
  [4096, 512],
  [8192, 256],
  [16_384, 128],
] as const;

export default async function bench(emit: Emit): Promise<void> {
  try {
    await chooseCard();
  } catch (error) {
    if (!isAssayError(error, 'unsupported')) throw error;
    console.error(`skipped: ${error.message}`);
    emit({ bench: 'cuda', metric: `skipped: ${error.message}`, value: 0, unit: 'cards' });
    return;
  }
  const card = await openChosen();
  try {
    for (const [n, labels] of SIDES) await measureSide(emit, card, n, labels);
  } finally {
    await card.gpu.close();
  }
  emit({
    bench: 'cpu backend, n=4096',
    metric: 'product',
    value: (await cpuRate(4096)) * 1e-12,
    unit: 'TOPS',
  });
  await slot(emit, card.chosen.uuid);
}

/** All of a slot's work in the device's own process, as a miner has it. */
async function slot(emit: Emit, uuid: string): Promise<void> {
  const params = memoryParamsFor(await chooseCard());
  const choice = { device: 'cuda', uuid } as const;
  const compute = await isolateDevice({ choice, clock: systemClock, log: aloud });
  try {
    const { signal } = new AbortController();
    const rehearsal = await rehearseSlot(compute, memoryProof, params, signal);
    const { busyS, holdS } = busyOf(rehearsal);
    const bench = `one full slot, memory:${params.class}, ${JSON.stringify(rehearsal.verdict)}`;
    const row = (metric: string, value: number, unit: string): void => emit({ bench, metric, value, unit });
    row('device busy, hold not counted', busyS, 's');
    row('hold, at least (memory only occupied)', holdS[0], 's');
    row('hold, at most (memory only occupied)', holdS[1], 's');
    row('share of what the class expects', 100 * rehearsal.share, '%');
  } finally {
    await compute.close?.();
  }
}
