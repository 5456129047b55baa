// Owns: what a process uses, by /proc. Does not own: when it is looked at.
import { readdir, readFile } from 'node:fs/promises';

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
