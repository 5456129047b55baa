// Owns: the orders that a lane takes, on whatever thread it runs. Does not own: what it does then (lane.ts), threads (crew.ts).
import type { LabelsSpec, Place } from '../labels.js';
import { addBank, Control, Lane, type LaneLabels, type LaneParts, openLaneLabels, Stopped } from './lane.js';
import { type Bank, LabelStore } from './store.js';

/** What a lane is told to do with a chain: its own part of it. */
export type LaneJob =
  | { readonly do: 'origin' }
  | { readonly do: 'extend'; readonly from: number }
  | { readonly do: 'settle'; readonly count: number }
  | { readonly do: 'accumulators'; readonly places: readonly Place[] }
  | { readonly do: 'pass'; readonly count: number; readonly key: Uint8Array; readonly out: SharedArrayBuffer }
  | { readonly do: 'pass-leaf'; readonly count: number; readonly key: Uint8Array; readonly leaf: number };

export type LaneOrder =
  | { readonly open: number; readonly spec: LabelsSpec; readonly control: SharedArrayBuffer }
  | { readonly labels: number; readonly banks: readonly Bank[] }
  | { readonly labels: number; readonly job: LaneJob }
  | { readonly forget: number };

export type LaneAnswer =
  | { readonly ready: true }
  /** this lane was the last to finish a label */
  | { readonly label: number }
  /** a job ended, or stopped when it was told to */
  | { readonly done: unknown }
  | { readonly error: unknown };

/** Makes the lane, says `ready`, and takes orders; one job at a time. */
export function createLaneHost(
  parts: LaneParts,
  tell: (answer: LaneAnswer) => void,
): (order: LaneOrder) => void {
  const held = new Map<number, LaneLabels>();
  const lane = Lane.create(parts);
  lane.then(
    () => tell({ ready: true }),
    (error: unknown) => tell({ error }),
  );

  const run = async (id: number, job: LaneJob): Promise<void> => {
    try {
      const labels = held.get(id);
      if (!labels) throw new RangeError(`labels: expected an open chain, got ${id}`);
      const done = await work(await lane, labels, job, (label) => {
        if (labels.control.finished >= label) tell({ label });
      });
      tell({ done });
    } catch (error) {
      tell(error instanceof Stopped ? { done: undefined } : { error });
    }
  };

  return (order) => {
    if ('open' in order) {
      const { spec, control } = order;
      const store = new LabelStore({ n: spec.n, capacity: spec.capacity, lanes: parts.lanes });
      held.set(order.open, openLaneLabels(spec, new Control(control, parts.lanes), store));
    } else if ('banks' in order) {
      for (const bank of order.banks) addBank(held.get(order.labels)!, bank); // orders come after `open`
    } else if ('forget' in order) held.delete(order.forget);
    else void run(order.labels, order.job);
  };
}

function work(lane: Lane, labels: LaneLabels, job: LaneJob, onLabel: (label: number) => void): unknown {
  switch (job.do) {
    case 'origin':
      return lane.origin(labels);
    case 'extend':
      return lane.extend(labels, job.from, onLabel);
    case 'settle':
      return lane.settle(labels, job.count);
    case 'accumulators':
      return lane.accumulators(labels, job.places);
    case 'pass':
      return lane.pass(labels, job.count, job.key, new Uint8Array(job.out));
    case 'pass-leaf':
      return lane.passLeaf(labels, job.count, job.key, job.leaf);
  }
}
