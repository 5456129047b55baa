// Owns: telling a process from a later one of the same number. Does not own: whose processes those are.
import { readFileSync } from 'node:fs';

/**
 * When a process began, in the kernel's own count: ids are reused, in containers at once. Undefined where it has ended, and on
 * systems without /proc.
 */
export function startOf(pid: number): string | undefined {
  try {
    // the name (2nd field) may hold spaces and brackets; starttime is the 20th field after it (proc_pid_stat(5))
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** @param start as `startOf` told it when it was alive; without it the number alone must do */
export function isRunning(pid: number, start?: string): boolean {
  let isOthers = false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // somebody else's may not be signalled, and lives
    isOthers = error instanceof Error && 'code' in error && error.code === 'EPERM';
    if (!isOthers) return false;
  }
  const found = startOf(pid);
  if (start === undefined || found === start) return true;
  return isOthers && found === undefined; // hidden from us: nothing says that it is another one
}
