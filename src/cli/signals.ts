// Owns: Ctrl-C. The first one asks everything to end in order, the second one ends the process.

import { setMaxListeners } from 'node:events';

/** Aborts on SIGINT or SIGTERM. */
export function abortOnSignals(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // every part of a role waits for it
  let asked = false;
  const stop = (signal: NodeJS.Signals) => {
    if (asked) process.exit(signal === 'SIGINT' ? 130 : 143);
    asked = true;
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // a role that another process started does not outlive it
  process.on('disconnect', () => controller.abort());
  return controller;
}
