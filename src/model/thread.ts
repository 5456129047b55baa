// Owns: starting a module of ours on a thread, from dist and from sources alike. Does not own: what threads are given to do.
import { type ResourceLimits, Worker } from 'node:worker_threads';

/** The module `stem` beside the file at `from`, as this build has it: compiled, or as a source. */
export const moduleBeside = (from: string, stem: string): URL =>
  new URL(`./${stem}${from.endsWith('.ts') ? '.ts' : '.js'}`, from);

export function startThread(
  module: URL,
  options: { readonly resourceLimits?: ResourceLimits; readonly workerData?: unknown } = {},
): Worker {
  if (!module.pathname.endsWith('.ts')) return new Worker(module, options);
  // tests run from sources, and on Node 20 `--import tsx` does not reach threads: there it has to be asked for
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import('${module.href}'); })`;
  return new Worker(code, { ...options, eval: true });
}
