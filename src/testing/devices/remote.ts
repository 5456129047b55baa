// Owns: a device in a process of its own, reached over a loopback socket. Does not own: what it computes.
import { createConnection, createServer, type Socket } from 'node:net';
import { PackrStream, UnpackrStream } from 'msgpackr';
import type { Slot, SlotClaim } from '../../miner/slot.js';
import { systemClock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import type { Proving } from '../../verification/proof.js';

/** One request a message; `job` names the piece of work within the connection, `call` the answer's place. */
type Request =
  | { op: 'prepare'; slot: number; basis: Uint8Array }
  | { op: 'offer'; call: number; slot: number }
  | {
      op: 'start';
      call: number;
      job: number;
      slot: number;
      eventId: Uint8Array;
      basis: Uint8Array;
      seed: Uint8Array;
      place: Uint8Array | undefined;
      brief: Uint8Array | undefined;
      /** clocks of two processes differ; how long ago the Go came does not */
      goneMs: number | undefined;
    }
  | { op: 'next'; call: number; job: number; pass: Uint8Array | undefined; leftMs: number }
  | { op: 'open'; call: number; job: number; request: Uint8Array }
  | { op: 'end'; job: number };
type Response =
  | { call: number; commit: Uint8Array }
  | { call: number; opening: Uint8Array }
  | { call: number; offer: Uint8Array }
  | { call: number; error: string };

/**
 * Serves `slots` on 127.0.0.1 until aborted.
 * @param options.port 0 picks a free one
 * @returns the port, once it listens
 */
export async function serveDevice(
  slots: readonly Slot[],
  options: { port: number },
  signal: AbortSignal,
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serveSocket(socket, slots);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('device: expected a TCP address');
  const stop = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return address.port;
}

function serveSocket(socket: Socket, slots: readonly Slot[]): void {
  const out = new PackrStream({ useRecords: false });
  const requests = new UnpackrStream({ useRecords: false });
  const jobs = new Map<number, { stop: AbortController; proving: Promise<Proving> }>();
  out.pipe(socket);
  socket.pipe(requests);
  socket.on('error', () => socket.destroy()); // the miner died: 'close' releases its jobs
  requests.on('error', () => socket.destroy());
  socket.on('close', () => {
    for (const job of [...jobs.keys()]) end(job);
  });

  const reply = (response: Response) => {
    if (!socket.destroyed) out.write(response);
  };
  const end = (job: number) => {
    const running = jobs.get(job);
    jobs.delete(job);
    running?.stop.abort();
    running?.proving.then((proving) => proving.release()).catch(() => {});
  };

  requests.on('data', (request: Request) => {
    if (request.op === 'prepare') {
      const slot = slots.find(({ claim }) => claim.index === request.slot);
      void slot?.prepare?.(request.basis).catch(() => {}); // a hint: start() does what this could not
      return;
    }
    if (request.op === 'end') return end(request.job);
    const { call } = request;
    const fail = (error: unknown) =>
      reply({ call, error: error instanceof Error ? error.message : String(error) });
    if (request.op === 'offer') {
      const slot = slots.find(({ claim }) => claim.index === request.slot);
      if (!slot?.offer) return fail(new Error(`slot ${request.slot} offers nothing`));
      slot.offer().then((offer) => reply({ call, offer }), fail);
      return;
    }
    const { job } = request;
    if (request.op === 'start') {
      const slot = slots.find(({ claim }) => claim.index === request.slot);
      if (!slot || jobs.has(job)) return fail(new Error(`no slot ${request.slot} for job ${job}`));
      const stop = new AbortController();
      const { eventId, basis, seed, place, brief, goneMs } = request;
      const known = {
        ...(place ? { place } : {}),
        ...(brief ? { brief } : {}),
        ...(goneMs === undefined ? {} : { goneAt: systemClock.monotonic() - goneMs }),
      };
      const proving = slot.start({ eventId, basis, seed, ...known }, stop.signal);
      jobs.set(job, { stop, proving });
      proving.then(({ commit }) => reply({ call, commit }), fail);
    } else {
      const running = jobs.get(job);
      if (!running) return fail(new Error(`no job ${job}`));
      if (request.op === 'next') {
        const until = systemClock.monotonic() + request.leftMs;
        const step = { pass: request.pass, leftMs: () => until - systemClock.monotonic() };
        running.proving
          .then((proving) => {
            if (!proving.next) throw new Error(`job ${job} has no further step`);
            return proving.next(step, running.stop.signal);
          })
          .then((commit) => reply({ call, commit }), fail);
        return;
      }
      running.proving
        .then((proving) => proving.open(request.request))
        .then((opening) => reply({ call, opening }), fail);
    }
  });
}

/**
 * A slot whose work is done by slot `deviceSlot` of the device at 127.0.0.1:`port`; what the miner calls its slot is
 * its own affair.
 * @param of.phases of the claim's parameter set. @default one
 * @param of.meets whether slots of its kind meet others: the device has the link then, and says what it offers. @default false
 */
export function connectDevice(
  port: number,
  deviceSlot: number,
  claim: SlotClaim,
  { phases, meets = false }: Pick<Slot, 'phases'> & { readonly meets?: boolean } = {},
): Slot {
  const waiting = new Map<
    number,
    { resolve: (response: Response) => void; reject: (error: Error) => void }
  >();
  let link: { out: PackrStream } | undefined;
  let nextJob = 0;
  let nextCall = 0;

  function connect(): { out: PackrStream } {
    if (link) return link;
    const socket = createConnection({ host: '127.0.0.1', port });
    const out = new PackrStream({ useRecords: false });
    const responses = new UnpackrStream({ useRecords: false });
    out.pipe(socket);
    socket.pipe(responses);
    responses.on('data', (response: Response) => {
      const waiter = waiting.get(response.call);
      waiting.delete(response.call);
      if ('error' in response) waiter?.reject(unreachable(response.error));
      else waiter?.resolve(response);
    });
    let over = false;
    const lost = () => {
      if (over) return; // 'close' follows 'error', when another connection may stand already
      over = true;
      link = undefined;
      for (const { reject } of waiting.values()) reject(unreachable('the connection broke'));
      waiting.clear();
    };
    socket.on('error', lost);
    socket.on('close', lost);
    link = { out };
    return link;
  }

  const unreachable = (why: string) =>
    new AssayError('unreachable', `device at 127.0.0.1:${port}: ${why}`, { address: `127.0.0.1:${port}` });

  const ask = (request: Extract<Request, { op: 'start' | 'next' | 'open' | 'offer' }>): Promise<Response> =>
    new Promise((resolve, reject) => {
      const { out } = connect();
      waiting.set(request.call, { resolve, reject });
      out.write(request);
    });

  return {
    claim,
    ...(phases ? { phases } : {}),
    ...(meets
      ? {
          async offer() {
            const offered = await ask({ op: 'offer', call: nextCall++, slot: deviceSlot });
            if (!('offer' in offered)) throw unreachable('answered out of order');
            return offered.offer;
          },
        }
      : {}),
    async prepare(basis) {
      connect().out.write({ op: 'prepare', slot: deviceSlot, basis } satisfies Request);
    },
    async start({ eventId, basis, seed, place, brief, goneAt }, signal) {
      const job = nextJob++;
      const release = () => {
        signal.removeEventListener('abort', release);
        link?.out.write({ op: 'end', job } satisfies Request);
      };
      signal.addEventListener('abort', release);
      const started = await ask({
        op: 'start',
        call: nextCall++,
        job,
        slot: deviceSlot,
        eventId,
        basis,
        seed,
        place,
        brief,
        goneMs: goneAt === undefined ? undefined : systemClock.monotonic() - goneAt,
      });
      if (!('commit' in started)) throw unreachable('answered out of order');
      return {
        commit: started.commit,
        // the device stops with its job: `signal` is the job's
        async next({ pass, leftMs }) {
          const made = await ask({ op: 'next', call: nextCall++, job, pass, leftMs: leftMs() });
          if (!('commit' in made)) throw unreachable('answered out of order');
          return made.commit;
        },
        async open(request) {
          const opened = await ask({ op: 'open', call: nextCall++, job, request });
          if (!('opening' in opened)) throw unreachable('answered out of order');
          return opened.opening;
        },
        release,
      };
    },
  };
}
