// Owns: waiting for what comes by itself, on a machine that may be busy with others. Does not own: claims about how long it takes.
import { vi } from 'vitest';

/** Below the limit of a test, so that what did not come is named; who does not wait in vain never spends it. */
const PATIENCE_MS = 30_000;

/** Resolves once `holds` no longer throws; rejects with what it threw last. */
export function soon<T>(holds: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(holds, { timeout: PATIENCE_MS, interval: 20 });
}
