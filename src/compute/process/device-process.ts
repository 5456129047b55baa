// Owns: a process with one device in it, forked by isolate.ts. Does not own: what it is asked (serve.ts).
import { systemClock } from '../../model/clock.js';
import type { Log, LogLevel } from '../../model/log.js';
import type { Compute } from '../compute.js';
import { openCpu } from '../probe.js';
import type { DeviceAnswer, DeviceRequest } from './messages.js';
import { serveCompute, told } from './serve.js';

const tell = (answer: DeviceAnswer): void => {
  process.send?.(answer, undefined, undefined, () => undefined); // whoever does not hear it is gone
};

/** What waits for a message that is still on its way out would not hear it. */
const endAfter = (answer: DeviceAnswer): void => {
  if (process.send) process.send(answer, undefined, undefined, () => process.exit(1));
  else process.exit(1);
};

const log = logOf({});
const compute = await openDevice(JSON.parse(process.argv[2] ?? '{}') as DeviceChoice).catch(
  (error: unknown) => {
    endAfter({ refused: told(error) });
    return new Promise<never>(() => {}); // it ends
  },
);
// a device that is gone is gone for this process: another one may have it again
void compute.lost?.then(({ message }) => endAfter({ lost: message }));
const take = serveCompute(compute, tell);
process.on('message', (request: DeviceRequest) => take(request));
// the parent closed the device, or died: nobody is left to work for
process.on('disconnect', () => {
  void (compute.close?.() ?? Promise.resolve()).finally(() => process.exit(0));
});
// a terminal's interrupt reaches every process of its group: what it means here is the parent's to say
process.on('SIGINT', () => undefined);
tell({ ready: { name: compute.name, labels: compute.openLabels !== undefined } });

/** What a process can hold. */
export type DeviceChoice =
  | { readonly device: 'cpu'; readonly threads: number }
  /** @see openWebGpu */
  | { readonly device: 'webgpu'; readonly adapter?: string; readonly allowSoftware?: boolean }
  /** `uuid` of a card or of a slice of one, as the driver's tools show it; without it the first card that there is */
  | { readonly device: 'cuda'; readonly uuid?: string };

async function openDevice(choice: DeviceChoice): Promise<Compute> {
  switch (choice.device) {
    case 'cpu':
      return openCpu({ log, threads: choice.threads });
    case 'webgpu': {
      const { openWebGpu } = await import('../webgpu/open.js');
      return openWebGpu({ log, clock: systemClock, ...choice });
    }
    case 'cuda': {
      // the driver looks at it once, when it starts: of several cards this process is to see one
      if (choice.uuid !== undefined) process.env.CUDA_VISIBLE_DEVICES = choice.uuid;
      const { openCard } = await import('../cuda/open.js');
      return openCard({ log });
    }
  }
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
