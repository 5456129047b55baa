// Owns: the lab's other end: one order, run on a thread of its own at the lowest priority, its report rendered there too. Does not
// own: what is ordered (dashboard/lab), how long it may take (lab.ts).
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { CLIENT_SCRIPT } from '../../emissions/report/client.js';
import { renderReport } from '../../emissions/report/report.js';
import { deviationsOf } from '../../emissions/simulator/deviations.js';
import { metricsOf } from '../../emissions/simulator/metrics.js';
import { simulate } from '../../emissions/simulator/simulate.js';
import { pointsOf, type SweepResult, scenarioAt } from '../../emissions/simulator/sweep.js';
import { AssayError } from '../../model/errors.js';
import type { LabReply, LabWork } from './lab.js';

/** Messages cost more than epochs do. */
const PROGRESS_MS = 250;
const LOWEST = 19;
/** Points of a chart: a page takes them in as text. */
const POINTS = 256;

const tell = (reply: LabReply): void => parentPort?.postMessage(reply);

// on Linux a thread has a priority of its own; elsewhere it would be the whole process's
if (process.platform === 'linux') setPriority(0, LOWEST);
try {
  tell({ result: run(workerData as LabWork) });
} catch (error) {
  // between threads an error keeps its message alone
  const why = error instanceof Error ? error.message : 'unknown';
  tell({ failed: why, isInternal: !(error instanceof AssayError) });
}

function run({
  scenario,
  deviations,
  axes,
  command,
  library,
}: LabWork): Extract<LabReply, { result: unknown }>['result'] {
  let done = 0;
  let toldAt = performance.now();
  const onEpoch = (): void => {
    done++;
    const now = performance.now();
    if (now - toldAt < PROGRESS_MS) return;
    toldAt = now;
    tell({ epochs: done });
  };
  const result = simulate(scenario, { onEpoch, points: POINTS });
  const rows =
    axes.length === 0
      ? []
      : pointsOf(axes).map((at) => {
          const point = scenarioAt(scenario, axes, at);
          return { at, metrics: metricsOf(simulate(point, { onEpoch, points: 2 })) };
        });
  const { version, seed } = result;
  const sweep: SweepResult | undefined =
    rows.length === 0 ? undefined : { version, seed, scenario, axes, rows };
  const parts = {
    result,
    deviations: deviations ? deviationsOf(result, { onEpoch }) : undefined,
    chartLibrary: library,
    command,
  };
  return {
    document: renderReport(sweep ? { ...parts, sweep } : parts),
    scripts: [library.script, CLIENT_SCRIPT],
    metrics: metricsOf(result),
    sweep: rows,
  };
}
