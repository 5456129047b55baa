// Owns: one common window as the validator times it, with simulated devices and the kind's own credit. Does not own: who shares what (compute-window.ts, events.ts).
import { CREDITED_DELAY } from '../../validator/dispatch.js';
import { encodeCommit } from '../../verification/kinds/compute/codec.js';
import { type ComputeParams, computeOps, paramsByClass } from '../../verification/kinds/compute/params.js';
import { computeProof } from '../../verification/kinds/index.js';
import { createResource, type Resource } from '../devices/model.js';
import { createVirtualClock, type VirtualClock } from '../virtual-clock.js';

export const PACED: ComputeParams = paramsByClass('paced')!;
const LABEL_OPS = computeOps({ n: PACED.n, labels: 1 });

/** A slot as its owner works on it. */
export interface TimedSlot {
  readonly device: Resource;
  /** ms at which this slot's Go leaves the validator */
  readonly goAt: number;
  /** ms at which work can begin: not before this slot's seed is known */
  readonly startAt: number;
  /** labels it is to be given before its owner turns to the next; as many as fit without it */
  readonly labels?: number;
  /** ms after its own Go at which it stops, whatever the window; the window without it */
  readonly untilMs?: number;
  /** ms that a Commit is on its way */
  readonly wayMs?: number;
}

export interface TimedCommit {
  readonly labels: number;
  /** on the validator's clock from its own Go, nothing taken off */
  readonly measuredMs: number;
  readonly commit: Uint8Array;
}

/** Slots of one device are served in the order given: the best that its owner can do. */
export async function timeSlots(slots: readonly TimedSlot[], clock: VirtualClock): Promise<TimedCommit[]> {
  const windowMs = PACED.windowMs;
  const queues = new Map<Resource, Promise<void>>();
  const commits = slots.map((slot) => {
    const before = queues.get(slot.device) ?? Promise.resolve();
    const mine = before.then(() => work(slot));
    queues.set(
      slot.device,
      mine.then(() => {}),
    );
    return mine;
  });
  return clock.runUntil(Promise.all(commits));

  async function work(slot: TimedSlot): Promise<TimedCommit> {
    const { device, goAt, startAt, labels: wanted = PACED.labels, untilMs = windowMs, wayMs = 0 } = slot;
    await clock.sleep(Math.max(0, startAt - clock.monotonic()));
    const leftMs = (): number => goAt + untilMs - wayMs - clock.monotonic();
    let labels = 0;
    // a thousandth of a ms: sums of label times are not exact
    while (labels < wanted && device.wouldTakeMs(LABEL_OPS) <= leftMs() + 1e-3) {
      await device.take(LABEL_OPS);
      labels++;
    }
    await clock.sleep(wayMs);
    return {
      labels,
      measuredMs: clock.monotonic() - goAt,
      commit: encodeCommit({ labels: Math.max(1, labels), root: new Uint8Array(32) }),
    };
  }
}

/** What the validator credits, in operations a second: as `dispatch.ts` times it, as `computeProof.credit` pays it. */
export function credited({ labels, measuredMs, commit }: TimedCommit, ownDelayMs = 0): number {
  const { windowMs } = PACED;
  const late = measuredMs - Math.min(ownDelayMs, CREDITED_DELAY * windowMs) > windowMs + 1e-3;
  if (late || labels === 0) return 0;
  return computeProof.credit(PACED, [commit])?.opsPerS ?? 0;
}

/** The first design's: operations over the slot's own time. */
export const creditedByOwnTime = ({ labels, measuredMs }: TimedCommit): number =>
  labels === 0 ? 0 : (labels * LABEL_OPS * 1000) / measuredMs;

export const pacedDevice = (clock: VirtualClock, share = 1): Resource =>
  createResource({ clock, perS: PACED.paceOpsPerS * share });

/** What one device of the class alone is credited for one window, at no distance: the unit of all credits. */
export const ONE_DEVICE =
  (Math.floor((PACED.paceOpsPerS * PACED.windowMs) / 1000 / LABEL_OPS) * LABEL_OPS * 1000) / PACED.windowMs;

export const startClock = (): VirtualClock => createVirtualClock(0);
