// Owns: SIGHUP: the file of configuration is read again, what may change while running is applied, and all of it is said.
// Does not own: keys (config.ts), what a changed one does.
import { isAssayError } from '../model/errors.js';
import type { Log } from '../model/log.js';
import { type Config, type ConfigRole, loadConfig, ROLES } from './config.js';

/** Keys that change while a role runs; all others are of sockets, keys, folders, or of a plan that must not change in an epoch. */
export const LIVE = {
  validator: [
    'logLevel',
    'webhook',
    'keepEvidenceEpochs',
    'evidenceBudgetBytes',
    'keepOutcomeEpochs',
    'receipts',
  ],
  miner: ['logLevel', 'webhook', 'listed'],
} as const satisfies { readonly [R in ConfigRole]?: readonly (keyof Config<R>)[] };

type LiveRole = keyof typeof LIVE;

export const isLive = (role: string, key: string): boolean =>
  ((LIVE as Readonly<Record<string, readonly string[]>>)[role] ?? []).includes(key);

/**
 * Calls `apply` with what holds from now on: what it ran with so far, and new values of keys that may change. Of a role that was started with a file; the others end by SIGHUP, as processes do.
 * @returns stops listening
 */
export function reloadOnHangup<R extends LiveRole>(
  { log, apply }: { readonly log: Log; readonly apply: (config: Config<R>) => void },
  about: { readonly role: R; readonly flags: Readonly<Record<string, unknown>>; readonly config: Config<R> },
): () => void {
  if (about.flags['config'] === undefined) return () => {};
  let running = about.config;
  const onHangup = (): void => {
    let next: Config<R>;
    try {
      next = loadConfig(ROLES[about.role], about.flags) as Config<R>; // of the role's own schema
    } catch (error) {
      if (!isAssayError(error, 'invalid-config')) throw error;
      log.error('configuration: not read again, nothing changed', { problems: error.data.problems });
      return;
    }
    const [before, after] = [running, next] as readonly Readonly<Record<string, unknown>>[];
    const changed = Object.keys(ROLES[about.role].shape).filter(
      (key) => JSON.stringify(before![key]) !== JSON.stringify(after![key]),
    );
    const applied = changed.filter((key) => isLive(about.role, key));
    const needsRestart = changed.filter((key) => !isLive(about.role, key));
    // what needs a restart stays as it runs, and is said again the next time
    running = { ...running, ...Object.fromEntries(applied.map((key) => [key, after![key]])) };
    if (applied.length > 0) apply(running);
    log.info('configuration: read again', { applied, needsRestart });
  };
  process.on('SIGHUP', onHangup);
  return () => process.off('SIGHUP', onHangup);
}
