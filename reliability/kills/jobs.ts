// Owns: which sessions ever waited for their verdict, by the files that a validator keeps of them, and which still do. Does not own: the files
// (validator/queue/job-book.ts).
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const ID = /^[0-9a-f]{32}$/;

export interface JobsSeen {
  /** outcome ids of all sessions whose opening was taken down */
  readonly ids: ReadonlySet<string>;
  /** of those that were not settled yet */
  left(): Promise<readonly string[]>;
  /** of those that were given up as what ends processes */
  setAside(): Promise<readonly string[]>;
  close(): void;
}

/** @param folder the queue's, of a validator that is about to start */
export async function watchJobs(folder: string): Promise<JobsSeen> {
  const ids = new Set<string>();
  const jobs = join(folder, 'jobs');
  await mkdir(jobs, { recursive: true, mode: 0o700 });
  const note = (name: string | null) => {
    if (name !== null && ID.test(name)) ids.add(name);
  };
  const watcher: FSWatcher = watch(jobs, (_event, name) => note(name));
  const named = async (path: string) =>
    (await readdir(path).catch(() => [] as string[])).filter((name) => ID.test(name)); // a folder that nobody needed yet
  return {
    ids,
    left: () => named(jobs),
    setAside: () => named(join(folder, 'set-aside')),
    close: () => watcher.close(),
  };
}
