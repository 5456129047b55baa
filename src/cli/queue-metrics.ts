// Owns: the work queue as series and a check, for whoever has a side of it: scheduler or worker. Does not own: the queue.
import { Gauge, type Registry } from 'prom-client';
import type { Clock } from '../model/clock.js';
import type { JobQueue } from '../validator/queue/job-queue.js';
import type { Health } from './health.js';
import { gauge } from './metrics.js';

/** Jobs wait and none came to its end for so long: nobody verifies. */
const STALLED_MS = 300_000;
const TALLIED = ['ended', 'setAside', 'recovered', 'doubled', 'refused'] as const;
const LABELS: Readonly<Record<(typeof TALLIED)[number], string>> = {
  ended: 'ended',
  setAside: 'set-aside',
  recovered: 'recovered',
  doubled: 'doubled',
  refused: 'refused',
};

/** Asked for when somebody comes. */
export function addQueueSeries(
  { register, health, clock }: { register: Registry; health: Health; clock: Pick<Clock, 'monotonic'> },
  queue: Pick<JobQueue, 'status'>,
): void {
  const registers = [register];
  new Gauge({
    name: 'assay_queue_jobs',
    help: "jobs that wait, by priority, and those in somebody's hand",
    labelNames: ['state'],
    registers,
    collect() {
      const { waiting, active } = queue.status();
      for (const [priority, jobs] of Object.entries(waiting))
        this.set({ state: `waiting-${priority}` }, jobs);
      this.set({ state: 'active' }, active);
    },
  });
  // counts since the process began; a gauge because the queue counts, and not we
  new Gauge({
    name: 'assay_queue_ends',
    help: 'what became of jobs since the process began',
    labelNames: ['end'],
    registers,
    collect() {
      const status = queue.status();
      for (const name of TALLIED) this.set({ end: LABELS[name] }, status[name]);
    },
  });
  gauge(register, 'assay_queue_opening_bytes', 'bytes of openings of jobs that wait or are in hand', (self) =>
    self.set(queue.status().bytes),
  );

  let seen = { ended: 0, at: clock.monotonic() };
  health.add('ready', 'queue', () => {
    const { waiting, active, ended, stopped } = queue.status();
    const isIdle = active === 0 && Object.values(waiting).every((jobs) => jobs === 0);
    if (isIdle || ended !== seen.ended) seen = { ended, at: clock.monotonic() };
    if (stopped !== undefined) return stopped;
    return clock.monotonic() - seen.at > STALLED_MS
      ? 'jobs wait, and none came to its end for five minutes'
      : undefined;
  });
}
