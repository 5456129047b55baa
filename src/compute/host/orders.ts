// Owns: what a lane on a thread is told and answers. Does not own: the thread (threads.ts, lane-worker.ts).
import type { LanesSpec, Opened } from '../host.js';
import { Lane } from './lane.js';

/** What a lane's thread is started with. */
export interface LaneWorkerData {
  readonly givesWay: boolean;
}

/** Words of the block that all threads of one piece of work share. */
export const STOP = 0;
/** Values of its first word: go on; stop when the least is done; stop now. */
export const ON = 0;
export const ENOUGH = 1;
export const NOW = 2;

export type Task =
  | {
      readonly do: 'open';
      readonly spec: LanesSpec;
      readonly lane: number;
      readonly control: SharedArrayBuffer;
    }
  | { readonly do: 'fill'; readonly least: number }
  | { readonly do: 'root'; readonly labels: number }
  | { readonly do: 'pass'; readonly labels: number; readonly key: Uint8Array }
  | { readonly do: 'walk'; readonly labels: number; readonly key: Uint8Array }
  | { readonly do: 'walk-root'; readonly leaves: number }
  | { readonly do: 'open-labels'; readonly labels: number; readonly indices: readonly number[] }
  | {
      readonly do: 'open-digests';
      readonly labels: number;
      readonly round: number;
      readonly indices: readonly number[];
    }
  | { readonly do: 'open-walk'; readonly leaves: number; readonly indices: readonly number[] };

export type Order = Task & { readonly id: number };

export type Answer =
  | { readonly id: number; readonly value: number | Uint8Array | readonly Opened[] | undefined }
  | { readonly id: number; readonly failed: string }
  /** something was done, and more is to come */
  | { readonly progress: true };

/** Labels' bytes, and leaves of a walk, between two signs of life: some 20 ms. */
const PROGRESS_BYTES = 2 ** 20;
const PROGRESS_LEAVES = 4096;

/** Takes orders one after the other. */
export function createLaneHand(answer: (answer: Answer) => void): (order: Order) => void {
  let lane: Lane | undefined;
  let control: Int32Array = new Int32Array(1);
  const opened = (): Lane => {
    if (!lane) throw new Error('no lane is open');
    return lane;
  };

  function perform(task: Task): number | Uint8Array | readonly Opened[] | undefined {
    switch (task.do) {
      case 'open':
        control = new Int32Array(task.control);
        lane = new Lane(task.spec, task.lane);
        return undefined;
      case 'fill': {
        const { spec } = opened();
        const every = Math.max(1, Math.floor(PROGRESS_BYTES / spec.labelBytes));
        return work(
          task.least,
          spec.capacity,
          every,
          () => {
            opened().fillOne();
            return opened().labels;
          },
          opened().labels,
        );
      }
      case 'root':
        return opened().root(task.labels);
      case 'pass':
        return opened().pass(task.labels, task.key);
      case 'walk':
        opened().beginWalk(task.labels, task.key);
        return work(
          1,
          opened().spec.maxLeaves,
          PROGRESS_LEAVES,
          () => {
            opened().walkOne();
            return opened().leaves;
          },
          0,
        );
      case 'walk-root':
        return opened().walkRoot(task.leaves);
      case 'open-labels':
        return task.indices.map((index) => opened().openLabel(task.labels, index));
      case 'open-digests':
        return task.indices.map((index) => opened().openDigests(task.labels, task.round, index));
      case 'open-walk':
        return task.indices.map((index) => opened().openWalk(task.leaves, index));
    }
  }

  /** Steps until there are `most`, or the shared word says stop. */
  function work(least: number, most: number, every: number, step: () => number, begun: number): number {
    let done = begun;
    while (done < most) {
      const word = Atomics.load(control, STOP);
      if (word === NOW || (word === ENOUGH && done >= least)) break;
      done = step();
      if (done % every === 0) answer({ progress: true });
    }
    return done;
  }

  return ({ id, ...task }) => {
    try {
      answer({ id, value: perform(task) });
    } catch (error) {
      answer({ id, failed: String(error) }); // whoever gave the order decides what it means
    }
  };
}
