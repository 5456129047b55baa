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

function answerTo({ scenario, want, points }: SimulationOrder): SimulationAnswers[typeof want] {
  const progress = createCount();
  const { onEpoch } = progress;
  const options = points === undefined ? { onEpoch } : { onEpoch, points };
  const answer = (): SimulationAnswers[typeof want] => {
    switch (want) {
      case 'metrics':
        return metricsOf(simulate(scenario, { onEpoch, points: 2 }));
      case 'result':
        return simulate(scenario, options);
      case 'deviations': {
        const result = simulate(scenario, options);
        return { result, deviations: deviationsOf(result, { onEpoch }) };
      }
    }
  };
  const answered = answer();
  progress.end();
  return answered;
}

/** Epochs of all runs of an answer. */
function createCount(): { onEpoch(): void; end(): void } {
  let done = 0;
  let told = { done, at: performance.now() };
  const tellNow = (at: number): void => {
    told = { done, at };
    tell({ epochs: done });
  };
  return {
    onEpoch() {
      done++;
      const now = performance.now();
      if (now - told.at >= PROGRESS_MS) tellNow(now);
    },
    end: () => tellNow(told.at),
  };
}
