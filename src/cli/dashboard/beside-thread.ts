// Owns: the thread on which a validator's dashboard runs: its own connection to the chain, its own reading of the ledger. Does not own:
// pages (join.ts), who starts it (beside.ts).
import { parentPort, workerData } from 'node:worker_threads';
import { connectSubtensor } from '../../chain/subtensor/connect.js';
import { serveDashboard } from '../../dashboard/server.js';
import { toNetuid } from '../../model/ids.js';
import { createLog, type LogLevel } from '../../model/log.js';
import { noTracer, type Span } from '../../model/trace.js';
import { systemParts } from '../assemble.js';
import { openKnown } from '../subnet-module.js';
import type { BesideWork, FromThread, ToThread } from './beside.js';
import { joinDashboard } from './join.js';

const port = parentPort!; // this is a thread
const work = workerData as BesideWork;
const tell = (message: FromThread): void => port.postMessage(message);
const log = createLog(
  (line) => {
    // a line is JSON already: what is in it can be posted, whatever was logged
    const { t: _t, level, msg, ...data } = JSON.parse(line) as { t: string; level: LogLevel; msg: string };
    tell({ is: 'log', level, message: `dashboard: ${msg}`, data });
  },
  { level: 'warn' },
);
const { clock } = systemParts;
const stop = new AbortController();
const { signal } = stop;
const address = `${work.host}:${work.port}`;

const known = await openKnown(work.module);
/** Its validator's is up: a node that is away now will be there again. */
const chain = await connectSubtensor({ urls: work.urls, genesis: work.genesis, log, clock, signal });
const joined = joinDashboard({
  clock,
  log,
  known,
  validator: work.data,
  chain: { client: chain, netuid: toNetuid(work.netuid), mechanism: work.mechanism },
  isInside: true,
  isOwner: work.isOwner,
  hasLab: false, // simulations take a core, which verification has a use for
});

const spans = new Map<number, Span>();
const tracer = joined.rounds?.traced(noTracer) ?? noTracer;
let finish: () => void = () => {};
const closed = new Promise<void>((resolve) => {
  finish = resolve;
});
port.on('message', (message: ToThread) => {
  if (message.is === 'status') joined.rounds?.status(message.status);
  else if (message.is === 'close') finish();
  else
    for (const { id, name, about, hasFailed } of message.spans) {
      if (name !== undefined) spans.set(id, tracer.start(name, about));
      else {
        spans.get(id)?.end(hasFailed ? true : undefined);
        spans.delete(id);
      }
    }
});

const server = await serveDashboard(joined, work).catch((error: unknown) => {
  tell({ is: 'failed', why: error instanceof Error ? error.message : String(error), address });
  return undefined;
});
if (server) {
  tell({ is: 'listening', url: server.url });
  const reading = read().catch((error: unknown) => {
    if (!signal.aborted) log.error('stands still', { error });
  });
  await closed;
  stop.abort();
  await server.close();
  await reading;
}
await chain.close();
port.close();

async function read(): Promise<void> {
  // what cannot be read now is tried again as it goes on
  await joined.read(signal).catch((error: unknown) => {
    if (!signal.aborted) log.warn('not read yet', { error });
  });
  await joined.run(signal);
}
