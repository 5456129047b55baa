// Owns: the peak of the memory that all processes of the demo really use.
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../model/clock.js';

const EVERY_MS = 2000;

/** Sum of proportional set sizes (shared pages counted by share), in MiB; null where the system does not tell. */
export function watchPss(
  clock: Clock,
  pids: () => readonly number[],
  signal: AbortSignal,
): { peakMiB(): number | null } {
  let peakKiB = 0;
  void (async () => {
    while (!signal.aborted) {
      const sizes = await Promise.all([process.pid, ...pids()].map(pssKiB));
      peakKiB = Math.max(
        peakKiB,
        sizes.reduce((sum, size) => sum + size, 0),
      );
      await clock.sleep(EVERY_MS, signal);
    }
  })();
  return { peakMiB: () => (peakKiB === 0 ? null : Math.round(peakKiB / 1024)) };
}

/** 0 for a process that is gone, and on systems without smaps_rollup. */
async function pssKiB(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0);
}
