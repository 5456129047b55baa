// Owns: what a process uses, by /proc, and what this one holds. Does not own: when it is looked at.
import { readdir, readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Usage {
  readonly at: number;
  readonly rssMiB: number;
  readonly cpuS: number;
}

/** Resident memory and CPU time of a process. */
export async function usageOf(pid: number, at: number): Promise<Usage> {
  const [status, stat] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readFile(`/proc/${pid}/stat`, 'utf8'),
  ]);
  const rssMiB = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  // after the name in brackets, which may hold spaces: utime and stime are the 12th and 13th, in hundredths of a second
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { at, rssMiB, cpuS: (Number(fields[11]) + Number(fields[12])) / 100 };
}

/** Open files, sockets and pipes of a process; undefined for one that has just ended, and where there is no /proc. */
export const handlesOf = (pid: number): Promise<number | undefined> =>
  readdir(`/proc/${pid}/fd`).then(
    (all) => all.length,
    () => undefined,
  );

let gc: (() => void) | undefined;

/** Memory of this process's JavaScript, and what hangs on it, after all that nobody holds any more is gone. */
export function heldMemory(): NodeJS.MemoryUsage {
  if (!gc) {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as () => void;
  }
  gc();
  return process.memoryUsage();
}
