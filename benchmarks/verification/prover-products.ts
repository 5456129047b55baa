// Owns: one whole product shared by threads as the lanes share it, and nothing else of theirs.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface Products {
  /** ms of one n x n product */
  multiply(): Promise<number>;
  close(): Promise<void>;
}

export async function startProducts(basis: Uint8Array, n: number, threads: number): Promise<Products> {
  const module = new URL('./prover-lane.ts', import.meta.url).href;
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import('${module}'); })`;
  const workers = Array.from(
    { length: threads },
    () => new Worker(code, { eval: true, workerData: { basis, n, rows: n / threads } }),
  );
  const all = (): Promise<unknown> => Promise.all(workers.map((worker) => once(worker, 'message')));
  await all();
  return {
    async multiply() {
      const from = performance.now();
      const done = all();
      for (const worker of workers) worker.postMessage('go');
      await done;
      return performance.now() - from;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
