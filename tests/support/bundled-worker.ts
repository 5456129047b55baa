// Owns: the simulations' worker compiled once, and one pool of such threads for all commands of a test file: a thread
// from sources has to load a compiler first. Does not own: threads as commands use them (tests of simulations.ts).
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll } from 'vitest';
import type { createSimulations, Simulations } from '../../src/cli/simulations.js';

const WORKER = fileURLToPath(new URL('../../src/cli/simulation-worker.ts', import.meta.url));

export async function bundledWorker(): Promise<URL> {
  const { outputFiles } = await build({
    entryPoints: [WORKER],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  return new URL(`data:text/javascript;base64,${Buffer.from(outputFiles[0]!.contents).toString('base64')}`);
}

/** In place of `createSimulations`: threads stay from one command to the next, and end with the file. */
export async function withSharedThreads(create: typeof createSimulations): Promise<typeof createSimulations> {
  const worker = await bundledWorker();
  const pools = new Map<number, Simulations>();
  afterAll(async () => {
    for (const pool of pools.values()) await pool.close();
  });
  return ({ threads }, signal) => {
    const pool = pools.get(threads) ?? create({ threads, worker }, new AbortController().signal);
    pools.set(threads, pool);
    return {
      async run(...order) {
        signal.throwIfAborted();
        return pool.run(...order);
      },
      close: async () => {},
    };
  };
}
