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

/** What its operator knows after an epoch. */
export interface MinerView {
  readonly epoch: number;
  /** of all its uids */
  readonly earnedAlpha: number;
  /** TAO per alpha */
  readonly price: number;
  readonly rentTao: number;
  /** of serving one epoch, less what the devices would earn elsewhere */
  readonly costTao: number;
  /** of the uids that earned an incentive, on average, alpha: public on the chain */
  readonly meanMinerAlpha: number;
}

/** Whether the machine serves in the coming epoch. */
export function decideServing(group: MinerGroup, machine: Machine, view: MinerView): boolean {
  const { behaviour } = group;
  switch (behaviour.kind) {
    case 'honest':
    case 'sybil':
      return true;
    case 'burst':
      return view.epoch % behaviour.periodEpochs < behaviour.onEpochs;
    case 'exit':
      return decideStaying(behaviour, machine, view);
  }
}

/** Leaves after that many poor epochs in a row. What it lived through weighs more than what others earn: it stays away for twice as long each time. */
function decideStaying(
  { patienceEpochs, margin }: Extract<MinerGroup['behaviour'], { kind: 'exit' }>,
  machine: Machine,
  { epoch, earnedAlpha, price, rentTao, costTao, meanMinerAlpha }: MinerView,
): boolean {
  const asked = costTao * margin;
  if (!machine.isServing) return epoch >= machine.returnsAt && meanMinerAlpha * price >= asked;
  machine.poorEpochs = earnedAlpha * price + rentTao < asked ? machine.poorEpochs + 1 : 0;
  if (machine.poorEpochs < patienceEpochs) return true;
  machine.poorEpochs = 0;
  machine.returnsAt = epoch + patienceEpochs * 2 ** Math.min(machine.departures++, MAX_DOUBLINGS);
  return false;
}
const MAX_DOUBLINGS = 10;

/** Device hours per hour of one machine under a mechanism. */
export const capacityOf = ({ capacity }: MinerGroup, mechanism: number): number =>
  typeof capacity === 'number' ? capacity : (capacity[mechanism] ?? 0);

/** What one uid of a serving machine proves: copies share the machine when proofs are simultaneous. */
export function provenCapacity(group: MinerGroup, mechanism: number): number {
  const whole = capacityOf(group, mechanism) * group.quality;
  const { behaviour } = group;
  return behaviour.kind === 'sybil' && behaviour.detected ? whole / behaviour.copies : whole;
}
