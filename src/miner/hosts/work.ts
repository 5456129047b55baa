// Owns: the end that works: calls of a miner to slots of this host, and their answers; all of it ends with its channel.
// Does not own: frames' form (channel.ts), what a slot does (miner/slot.ts), who asks (host.ts).
import { type Clock, systemClock } from '../../model/clock.js';
import type { Proving } from '../../verification/proof.js';
import type { Slot, SlotJob } from '../slot.js';
import type { Body, BodyOf, Channel } from './channel.js';
import { HOST_LIMITS } from './limits.js';

export interface Work {
  /** @returns whether it was one of the calls of this end */
  take(body: Body): boolean;
  /** Begins nothing more from now on; what is at work goes on. */
  drain(): void;
  /** The channel is over: whatever is at work here is for nobody any more. */
  end(): void;
}

/** @param parts.find the slot of a number and, where there are several sets, of this set's digest */
export function createWork(parts: {
  readonly channel: () => Pick<Channel, 'send' | 'drained' | 'isOver'>;
  readonly find: (slot: number, paramsId: Uint8Array) => Slot | undefined;
  /** Why no work is begun on a slot. @default it always is */
  readonly refuses?: (slot: Slot) => string | undefined;
  /** told how much is at work, whenever that changes. @default nobody */
  readonly onJobs?: (count: number) => void;
  /** @default the system's */
  readonly clock?: Pick<Clock, 'monotonic'>;
}): Work {
  const { channel, find, refuses = () => undefined, onJobs = () => {}, clock = systemClock } = parts;
  const jobs = new Map<number, { stop: AbortController; proving: Promise<Proving> }>();
  let isDraining = false;

  const done = (call: number, body: Uint8Array) => channel().send({ case: 'done', value: { call, body } });
  const failed = (call: number) => (error: unknown) => {
    const why = (error instanceof Error ? error.message : String(error)).slice(0, HOST_LIMITS.reasonChars);
    channel().send({ case: 'failed', value: { call, why } });
  };

  function end(job: number): void {
    const running = jobs.get(job);
    jobs.delete(job);
    onJobs(jobs.size);
    running?.stop.abort();
    running?.proving.then((proving) => proving.release()).catch(() => {}); // work that failed has released itself
  }

  function slotOf({ slot, paramsId }: { slot: number; paramsId: Uint8Array }): Slot {
    const found = find(slot, paramsId);
    if (!found) throw new Error(`no slot ${slot}`);
    return found;
  }

  function start(of: BodyOf<'start'>): Promise<Proving> {
    const { job, eventId, basis, seed, place, brief, goneMs } = of;
    if (isDraining) throw new Error('this host is about to end');
    const slot = find(of.slot, of.paramsId);
    if (!slot || jobs.has(job)) throw new Error(`no slot ${of.slot} for job ${job}`);
    if (jobs.size >= HOST_LIMITS.jobs) throw new Error(`${jobs.size} jobs are at work, which is the most`);
    const refused = refuses(slot);
    if (refused !== undefined) throw new Error(refused);
    const stop = new AbortController();
    const known: Omit<SlotJob, 'eventId' | 'basis' | 'seed'> = {
      ...(place.length > 0 ? { place } : {}),
      ...(brief.length > 0 ? { brief } : {}),
      ...(goneMs === undefined ? {} : { goneAt: clock.monotonic() - goneMs }),
    };
    const proving = slot.start({ eventId, basis, seed, ...known }, stop.signal);
    jobs.set(job, { stop, proving });
    onJobs(jobs.size);
    proving.catch(() => end(job)); // failed work has no later call
    return proving;
  }

  async function next({ job, pass, leftMs }: BodyOf<'next'>): Promise<Uint8Array> {
    const { proving, stop } = runningOf(job);
    const until = clock.monotonic() + leftMs;
    const work = await proving;
    if (!work.next) throw new Error(`job ${job} has no further step`);
    const step = {
      pass: pass.length > 0 ? pass : undefined,
      leftMs: () => until - clock.monotonic(),
    };
    return work.next(step, stop.signal);
  }

  async function open({ call, job, request }: BodyOf<'open'>): Promise<void> {
    const opening = await runningOf(job).proving.then((proving) => proving.open(request));
    const size = HOST_LIMITS.pieceBytes;
    const pieces = Math.max(1, Math.ceil(opening.length / size));
    for (let piece = 0; piece < pieces && jobs.has(job); piece++) {
      await channel().drained();
      const data = opening.subarray(piece * size, (piece + 1) * size);
      channel().send({ case: 'piece', value: { call, data, last: piece === pieces - 1 } });
    }
  }

  function runningOf(job: number) {
    const running = jobs.get(job);
    if (!running) throw new Error(`no job ${job}`);
    return running;
  }

  return {
    take({ case: name, value }) {
      switch (name) {
        case 'prepare': {
          const slot = find(value.slot, value.paramsId);
          if (slot && !isDraining && refuses(slot) === undefined)
            void slot.prepare?.(value.basis).catch(() => {}); // a hint: start() does what this could not
          return true;
        }
        case 'offer':
          offerOf(() => slotOf(value)).then((offer) => done(value.call, offer), failed(value.call));
          return true;
        case 'start':
          attempt(() => start(value)).then(({ commit }) => done(value.call, commit), failed(value.call));
          return true;
        case 'next':
          next(value).then((commit) => done(value.call, commit), failed(value.call));
          return true;
        case 'open':
          open(value).catch(failed(value.call));
          return true;
        case 'end':
          end(value.job);
          return true;
        default:
          return false;
      }
    },
    drain() {
      isDraining = true;
    },
    end() {
      for (const job of [...jobs.keys()]) end(job);
    },
  };
}

async function offerOf(slot: () => Slot): Promise<Uint8Array> {
  const found = slot();
  if (!found.offer) throw new Error(`slot ${found.claim.index} offers nothing`);
  return found.offer();
}

const attempt = async <T>(make: () => Promise<T>): Promise<T> => make();
