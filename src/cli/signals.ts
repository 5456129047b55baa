// Owns: Ctrl-C. The first one asks everything to end in order, the second one ends the process.
import { setMaxListeners } from 'node:events';
import { EXIT } from './output.js';

export interface Interruption {
  /** aborts on SIGINT or SIGTERM, and when the parent process has gone */
  readonly signal: AbortSignal;
  /** A command that was interrupted ends as shells count the signal that it got; every other code stays. */
  exitCode(code: number): number;
}

export function abortOnSignals(): Interruption {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // every part of a role waits for it
  let asked: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals) => {
    if (asked !== undefined) process.exit(signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated);
    asked = signal;
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // a role that another process started does not outlive it
  process.on('disconnect', () => controller.abort());
  return {
    signal: controller.signal,
    exitCode: (code) => (code === EXIT.interrupted && asked === 'SIGTERM' ? EXIT.terminated : code),
  };
}
