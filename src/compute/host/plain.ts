// Owns: host memory on the caller's own thread: for tests, liars, and hosts without threads. Does not own: what a lane does
// (lane.ts), threads (threads.ts).
import { concat } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import type { HostLanes, HostMemory, LanesSpec, Opened } from '../host.js';
import { Lane } from './lane.js';

export interface PlainHostOptions {
  /** @default 2 */
  readonly lanes?: number;
  /** bytes of labels. @default 256 MiB */
  readonly bytes?: number;
  /** what a lane is; liars hand in theirs */
  readonly createLane?: (spec: LanesSpec, lane: number) => Lane;
}

/** Everything in one thread, one lane after the other. */
export function createPlainHost(options: PlainHostOptions = {}): HostMemory {
  const { lanes = 2, bytes = 2 ** 28, createLane = (spec, lane) => new Lane(spec, lane) } = options;
  return {
    name: 'host-plain',
    lanes,
    bytes: () => bytes,
    openLanes: async (spec, signal) => {
      signal.throwIfAborted();
      assertRoom(spec, bytes);
      return plainLanes(
        spec,
        Array.from({ length: spec.lanes }, (_, lane) => createLane(spec, lane)),
      );
    },
  };
}

/** @throws AssayError `unsupported` when labels would take more than `bytes` */
export function assertRoom({ lanes, capacity, labelBytes }: LanesSpec, bytes: number): void {
  const wanted = lanes * capacity * labelBytes;
  if (wanted <= bytes) return;
  const why = `${wanted} bytes of labels were asked for, ${bytes} are to be had`;
  throw new AssayError('unsupported', `host memory: ${why}`, { what: 'host memory', why });
}

function plainLanes(spec: LanesSpec, given: readonly Lane[]): HostLanes {
  let lanes = given;
  const step = async (signal: AbortSignal): Promise<void> => {
    await Promise.resolve(); // so that an abort can come in between
    signal.throwIfAborted();
  };
  const open = async (
    places: readonly { lane: number; index: number }[],
    of: (lane: Lane, i: number) => Opened,
  ) => places.map(({ lane, index }) => of(lanes[lane], index));
  return {
    spec,
    async fill(least, more, signal) {
      while (lanes[0].labels < spec.capacity && (lanes[0].labels < least || more())) {
        await step(signal);
        for (const lane of lanes) lane.fillOne();
      }
      return lanes[0].labels;
    },
    roots: async (labels) => concat(...lanes.map((lane) => lane.root(labels))),
    pass: async (labels, key) => concat(...lanes.map((lane) => lane.pass(labels, key))),
    async walk(labels, key, more, signal) {
      for (const lane of lanes) lane.beginWalk(labels, key);
      do {
        await step(signal);
        for (const lane of lanes) lane.walkOne();
      } while (lanes[0].leaves < spec.maxLeaves && more());
      return lanes[0].leaves;
    },
    walkRoots: async (leaves) => concat(...lanes.map((lane) => lane.walkRoot(leaves))),
    openLabels: (labels, places) => open(places, (lane, i) => lane.openLabel(labels, i)),
    openDigests: (labels, round, places) => open(places, (lane, i) => lane.openDigests(labels, round, i)),
    openWalk: (leaves, places) => open(places, (lane, i) => lane.openWalk(leaves, i)),
    release() {
      lanes = [];
    },
  };
}
