// Owns: a process with one device in it, forked by isolate.ts. Does not own: what it is asked (serve.ts).
import type { Log, LogLevel } from '../../model/log.js';
import type { Compute } from '../compute.js';
import { openCpu } from '../probe.js';
import type { DeviceAnswer, DeviceRequest } from './messages.js';
import { serveCompute } from './serve.js';

const tell = (answer: DeviceAnswer): void => {
  process.send?.(answer, undefined, undefined, () => undefined); // whoever does not hear it is gone
};

const log = logOf({});
const compute = await openDevice(JSON.parse(process.argv[2] ?? '{}') as DeviceChoice);
const take = serveCompute(compute, tell);
process.on('message', (request: DeviceRequest) => take(request));
// the parent closed the device, or died: nobody is left to work for
process.on('disconnect', () => {
  void (compute.close?.() ?? Promise.resolve()).finally(() => process.exit(0));
});
// a terminal's interrupt reaches every process of its group: what it means here is the parent's to say
process.on('SIGINT', () => undefined);
tell({ ready: { name: compute.name, labels: compute.openLabels !== undefined } });

/** What a process can hold: more kinds come with their backends. */
export interface DeviceChoice {
  readonly device: 'cpu';
  readonly threads: number;
}

function openDevice({ threads }: DeviceChoice): Promise<Compute> {
  return openCpu({ log, threads });
}

/** Lines go to the parent's log. */
function logOf(data: Record<string, unknown>): Log {
  const line =
    (level: LogLevel) =>
    (message: string, more: Record<string, unknown> = {}): void =>
      tell({ log: level, message, data: { ...data, ...more } });
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (more) => logOf({ ...data, ...more }),
  };
}
