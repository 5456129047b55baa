// Owns: how miners of a scenario act: whether a machine serves, from its own earnings, cost and the price.
// Does not own: what it is paid, how it is measured.
import type { MinerGroup } from './scenario.js';

/** One machine of a group. */
export interface Machine {
  isServing: boolean;
  /** epochs in a row, serving, in which it did not earn what it asks */
  poorEpochs: number;
  /** how often it left, and the epoch before which it does not try again */
  departures: number;
  returnsAt: number;
}

export const newMachine = (): Machine => ({ isServing: true, poorEpochs: 0, departures: 0, returnsAt: 0 });

/** What its operator knows when an epoch begins. */
export interface MinerView {
  /** that begins, from 1; 0 before the run */
  readonly epoch: number;
  /** of all its uids, in the last epoch */
  readonly earnedAlpha: number;
  /** TAO per alpha */
  readonly price: number;
  /** in the last epoch */
  readonly rentTao: number;
  /** of serving one epoch, with what the devices would earn elsewhere */
  readonly costTao: number;
  /** its share of the miners' alpha, if it served beside those who serve now */
  readonly expectedAlpha: number;
  /** 0 to 1, its own: not all lose patience in the same hour */
  readonly phase: number;
}

/** Whether the machine serves in the epoch that begins. */
export function decideServing(group: MinerGroup, machine: Machine, view: MinerView): boolean {
  const { behaviour } = group;
  switch (behaviour.kind) {
    case 'honest':
    case 'sybil':
      return true;
    case 'burst':
      return Math.max(0, view.epoch - 1) % behaviour.periodEpochs < behaviour.onEpochs;
    case 'exit':
      // nothing was earned before the first epoch
      return view.epoch <= 1 || decideStaying(behaviour, machine, view);
  }
}

/**
 * Leaves after that many poor epochs in a row, or up to twice as many. What it lived through weighs more than what it
 * could expect: it stays away for twice as long each time.
 */
function decideStaying(
  { patienceEpochs, margin }: Extract<MinerGroup['behaviour'], { kind: 'exit' }>,
  machine: Machine,
  { epoch, earnedAlpha, price, rentTao, costTao, expectedAlpha, phase }: MinerView,
): boolean {
  const asked = costTao * margin;
  const patience = Math.ceil(patienceEpochs * (1 + phase));
  if (!machine.isServing) {
    // not all look on the same day: each return makes less of it for the next
    const looks = epoch % patienceEpochs === Math.floor(phase * patienceEpochs);
    return looks && epoch >= machine.returnsAt && expectedAlpha * price >= asked;
  }
  machine.poorEpochs = earnedAlpha * price + rentTao < asked ? machine.poorEpochs + 1 : 0;
  if (machine.poorEpochs < patience) return true;
  machine.poorEpochs = 0;
  machine.returnsAt = epoch + patience * 2 ** Math.min(machine.departures++, MAX_DOUBLINGS);
  return false;
}
const MAX_DOUBLINGS = 10;

/** Device hours per hour of one machine under a mechanism. */
export const capacityOf = ({ capacity }: MinerGroup, mechanism: number): number =>
  typeof capacity === 'number' ? capacity : (capacity[mechanism] ?? 0);

/** Devices of one machine under all mechanisms, as capacity counts them. */
export function devicesOf({ capacity }: MinerGroup): number {
  return typeof capacity === 'number' ? capacity : capacity.reduce((sum, each) => sum + each, 0);
}

/**
 * What one uid of a serving machine proves: copies share the machine when proofs are simultaneous.
 *
 * @param uids that answer with this machine
 */
export function provenCapacity(group: MinerGroup, mechanism: number, uids: number): number {
  const whole = capacityOf(group, mechanism) * group.quality;
  const { behaviour } = group;
  return behaviour.kind === 'sybil' && behaviour.detected ? whole / uids : whole;
}
