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
    'openingBudgetBytes',
    'keepEvidenceEpochs',
    'evidenceBudgetBytes',
    'keepOutcomeEpochs',
    'receipts',
  ],
  miner: ['logLevel', 'webhook', 'listed'],
} as const satisfies { readonly [R in ConfigRole]?: readonly (keyof Config<R>)[] };

type LiveRole = keyof typeof LIVE;
type LiveKey<R extends LiveRole> = (typeof LIVE)[R][number] & keyof Config<R>;

/** What takes a new value, one for each key that may have one. */
export type Apply<R extends LiveRole> = { readonly [K in LiveKey<R>]: (value: Config<R>[K]) => void };

export const isLive = (role: string, key: string): boolean =>
  ((LIVE as Readonly<Record<string, readonly string[]>>)[role] ?? []).includes(key);

/**
 * Of a role that was started with a file; the others end by SIGHUP, as processes do.
 * @returns stops listening
 */
export function reloadOnHangup<R extends LiveRole>(
  { log, apply }: { readonly log: Log; readonly apply: Apply<R> },
  about: { readonly role: R; readonly flags: Readonly<Record<string, unknown>>; readonly config: Config<R> },
): () => void {
  if (about.flags['config'] === undefined) return () => {};
  let running: Readonly<Record<string, unknown>> = about.config;
  const onHangup = (): void => {
    let next: Readonly<Record<string, unknown>>;
    try {
      next = loadConfig(ROLES[about.role], about.flags);
    } catch (error) {
      if (!isAssayError(error, 'invalid-config')) throw error;
      log.error('configuration: not read again, nothing changed', { problems: error.data.problems });
      return;
    }
    const changed = [...new Set([...Object.keys(running), ...Object.keys(next)])].filter(
      (key) => JSON.stringify(running[key]) !== JSON.stringify(next[key]),
    );
    const applied = changed.filter((key) => isLive(about.role, key));
    const needsRestart = changed.filter((key) => !isLive(about.role, key));
    const all = apply as Readonly<Record<string, (value: unknown) => void>>; // checked by key above
    for (const key of applied) all[key]!(next[key]);
    // what needs a restart stays as it runs, and is said again the next time
    running = { ...running, ...Object.fromEntries(applied.map((key) => [key, next[key]])) };
    log.info('configuration: read again', { applied, needsRestart });
  };
  process.on('SIGHUP', onHangup);
  return () => process.off('SIGHUP', onHangup);
}
