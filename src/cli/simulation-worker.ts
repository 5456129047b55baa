// Owns: the other end of simulations.ts: one simulation after another on a thread of its own.
import { parentPort } from 'node:worker_threads';
import { deviationsOf } from '../emissions/simulator/deviations.js';
import { metricsOf } from '../emissions/simulator/metrics.js';
import { simulate } from '../emissions/simulator/simulate.js';
import { AssayError } from '../model/errors.js';
import type { SimulationAnswers, SimulationOrder, SimulationReply } from './simulations.js';

/** Short epochs would cost more in messages than in work. */
const PROGRESS_MS = 50;

const tell = (reply: SimulationReply): void => parentPort?.postMessage(reply);

parentPort?.on('message', (order: SimulationOrder) => {
  try {
    tell({ answer: answerTo(order) });
  } catch (error) {
    const assay = error instanceof AssayError ? { code: error.code, data: error.data } : undefined;
    tell({ error, assay });
  }
});

function answerTo({ scenario, want }: SimulationOrder): SimulationAnswers[typeof want] {
  let told = performance.now();
  const onEpoch = (epoch: number): void => {
    const now = performance.now();
    if (epoch < scenario.epochs && now - told < PROGRESS_MS) return;
    told = now;
    tell({ epoch });
  };
  switch (want) {
    case 'metrics':
      return metricsOf(simulate(scenario, { onEpoch, points: 2 }));
    case 'result':
      return simulate(scenario, { onEpoch });
    case 'deviations': {
      const result = simulate(scenario, { onEpoch });
      return { result, deviations: deviationsOf(result) };
    }
  }
}
