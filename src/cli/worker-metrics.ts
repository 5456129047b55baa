// Owns: the series and the probe of a worker. Does not own: a scheduler's queue (queue-metrics.ts).
import { Gauge } from 'prom-client';
import type { BullWorkerStatus } from '../validator/queue/bull-worker.js';
import { gauge, type Metrics } from './metrics.js';

const ENDS = {
  done: 'done',
  setAside: 'set-aside',
  handedBack: 'handed-back',
  failed: 'failed',
  refused: 'refused',
} as const satisfies Partial<Record<keyof BullWorkerStatus, string>>;

const WHY: Readonly<Record<BullWorkerStatus['state'], string | undefined>> = {
  working: undefined,
  waiting: 'no validator has come to this Redis',
  away: 'Redis is away',
  ending: 'it is ending',
};

/** @returns is told how the worker fares */
export function addWorkerSeries({
  register,
  health,
}: Pick<Metrics, 'register' | 'health'>): (status: BullWorkerStatus) => void {
  let last: BullWorkerStatus | undefined;
  gauge(register, 'assay_worker_in_hand', 'jobs that this worker has in hand', (self) =>
    self.set(last?.inHand ?? 0),
  );
  // counts since the process began; a gauge because the worker counts, and not we
  new Gauge({
    name: 'assay_worker_ends',
    help: 'what became of jobs that this worker took, since the process began',
    labelNames: ['end'],
    registers: [register],
    collect() {
      for (const [name, end] of Object.entries(ENDS))
        this.set({ end }, last?.[name as keyof typeof ENDS] ?? 0);
    },
  });
  health.add('ready', 'queue', () => (last ? WHY[last.state] : 'it has not begun'));
  return (status) => {
    last = status;
  };
}
