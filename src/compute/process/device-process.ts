// Owns: a process with one device in it, forked by isolate.ts. Does not own: what it is asked (serve.ts).
import { systemClock } from '../../model/clock.js';
import type { Log, LogLevel } from '../../model/log.js';
import type { Compute } from '../compute.js';
import type { ProductModule } from '../cuda/kernels.js';
import type { GpuChoice } from '../gpu/open.js';
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
let fault: ProductModule | undefined;
const compute = await openDevice(JSON.parse(process.argv[2] ?? '{}') as DeviceChoice).catch(
  (error: unknown) => {
    endAfter({ refused: told(error), ...(fault ? { fault } : {}) });
    return new Promise<never>(() => {}); // it ends
  },
);
// whoever asked for the device died while it was opened, which takes a card seconds
if (process.send && !process.connected) process.exit(0);
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
const { name, supports } = compute;
tell({ ready: { name, labels: compute.openLabels !== undefined, ...(supports ? { supports } : {}) } });

/** What a process can hold. */
export type DeviceChoice = { readonly device: 'cpu'; readonly threads: number } | GpuChoice;

async function openDevice(choice: DeviceChoice): Promise<Compute> {
  if (choice.device === 'cpu') return openCpu({ log, threads: choice.threads });
  const { openGpu } = await import('../gpu/open.js');
  return openGpu(choice, {
    log,
    clock: systemClock,
    onFault(product) {
      fault = product;
    },
  });
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
