import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createSimulations, epochsOf, type Simulations } from '../../../src/cli/simulations.js';
import { deviationsOf } from '../../../src/emissions/simulator/deviations.js';
import { metricsOf } from '../../../src/emissions/simulator/metrics.js';
import { parseScenario } from '../../../src/emissions/simulator/scenario.js';
import { simulate } from '../../../src/emissions/simulator/simulate.js';
import { bundledWorker } from '../../support/bundled-worker.js';
import { smallScenario } from '../../support/small-scenario.js';

const scenario = parseScenario(smallScenario);
/** longer than any test would wait */
const endless = { ...scenario, epochs: 1_000_000 };

let bundled: URL;
beforeAll(async () => {
  bundled = await bundledWorker();
});

let folder: string;
let simulations: Simulations | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-simulations-'));
});
afterEach(async () => {
  await simulations?.close();
  rmSync(folder, { recursive: true });
});

function open(threads: number, signal = new AbortController().signal, worker = bundled): Simulations {
  simulations = createSimulations({ threads, worker }, signal);
  return simulations;
}

function workerOf(code: string): URL {
  const file = join(folder, 'worker.mjs');
  writeFileSync(file, `import { parentPort } from 'node:worker_threads';\n${code}`);
  return pathToFileURL(file);
}

/** Threads that this process started and that have not ended. */
const live = new Set<Worker>();
const onWorker = (worker: Worker): void => {
  live.add(worker);
  worker.once('exit', () => live.delete(worker));
};
beforeAll(() => void process.on('worker', onWorker));
afterAll(() => void process.off('worker', onWorker));

test('a thread answers with the bits that this one would compute', async () => {
  const result = simulate(scenario);
  // as commands start it, its own module and no other
  simulations = createSimulations({ threads: 1 }, new AbortController().signal);
  const { run } = simulations;
  expect(await run(scenario, 'result')).toEqual(result);
  expect(await run(scenario, 'metrics')).toEqual(metricsOf(result));
  expect(await run(scenario, 'deviations')).toEqual({ result, deviations: deviationsOf(result) });
});

test('more jobs than threads wait in turn, each with its own answer', async () => {
  const { run } = open(2);
  const shares = [0, 0.25, 0.5, 0.75, 1];
  const runs = shares.map((burnShare) =>
    run({ ...scenario, owner: { ...scenario.owner, burnShare } }, 'result'),
  );
  expect((await Promise.all(runs)).map((result) => result.scenario.owner.burnShare)).toEqual(shares);
});

test('tells how far it is, and of the last epoch always: of all runs that an answer takes', async () => {
  const { run } = open(1);
  for (const [want, epochs] of [
    ['metrics', 5],
    ['deviations', 10],
  ] as const) {
    const told: number[] = [];
    await run(scenario, want, { onEpoch: (done) => told.push(done) });
    expect(told.at(-1)).toBe(epochs);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(epochsOf(scenario, want)).toBe(epochs);
  }
});

test('keeps as many points as were asked for', async () => {
  const { run } = open(1);
  expect(await run(scenario, 'result', { points: 4 })).toEqual(simulate(scenario, { points: 4 }));
  const { result } = await run(scenario, 'deviations', { points: 4 });
  expect(result.series).toEqual(simulate(scenario, { points: 4 }).series);
});

test('what a simulation throws arrives with its code, and the thread goes on', async () => {
  const { run } = open(1);
  // past the schema's door: an epoch in which a change makes the scenario one that cannot be
  const broken = { ...scenario, changes: [{ epoch: 2, set: { 'subnet.tempo': 0 } }] };
  await expect(run(broken, 'metrics')).rejects.toMatchObject({
    name: 'AssayError',
    code: 'invalid-config',
    message: expect.stringContaining('subnet.tempo'),
  });
  expect(Object.keys(await run(scenario, 'metrics'))).toContain('farm.profitTao');
});

test('a thread that dies fails its job with the cause, and the next job has a thread of its own', async () => {
  const { run } = open(
    1,
    undefined,
    workerOf(`parentPort.on('message', ({ want }) => {
      if (want === 'result') throw new Error('out of order');
      if (want === 'deviations') process.exit(7);
      parentPort.postMessage({ answer: 'fine' });
    });`),
  );
  await expect(run(scenario, 'result')).rejects.toMatchObject({
    code: 'internal',
    message: "a simulation's thread ended with exit code 1",
    cause: { message: 'out of order' },
  });
  await expect(run(scenario, 'deviations')).rejects.toThrow('ended with exit code 7');
  expect(await run(scenario, 'metrics')).toBe('fine');
});

test('the signal ends threads in the middle of a run, what waits with them, and nothing stays', async () => {
  const controller = new AbortController();
  const { run, close } = open(2, controller.signal);
  const runs = [1, 2, 3].map(() => run(endless, 'metrics', { onEpoch: () => controller.abort() }));
  for (const outcome of await Promise.allSettled(runs))
    expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'AbortError' } });
  await expect(run(scenario, 'metrics')).rejects.toMatchObject({ name: 'AbortError' });
  await close();
  expect(live.size).toBe(0);
});

test('closed in the middle of a run, it says so and keeps no thread', async () => {
  const { run, close } = open(1);
  let began: () => void = () => {};
  const running = new Promise<void>((resolve) => {
    began = resolve;
  });
  const outcome = run(endless, 'metrics', { onEpoch: began }).catch((error: unknown) => error);
  await running;
  expect(live.size).toBe(1);
  await close();
  expect(await outcome).toMatchObject({ message: 'simulations: closed' });
  expect(live.size).toBe(0);
});
