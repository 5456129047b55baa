// Owns: how miners of a scenario act: whether a machine serves, from its own earnings, cost and the price.
// Does not own: what it is paid, how it is measured.
import type { MinerGroup } from './scenario.js';

/** One machine of a group. */
export interface Machine {
  isServing: boolean;
  /** epochs in a row in which it would not have earned what it asks */
  poorEpochs: number;
}

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
    case 'exit': {
      const income = machine.isServing
        ? view.earnedAlpha * view.price + view.rentTao
        : view.meanMinerAlpha * view.price;
      const isPoor = income < view.costTao * behaviour.margin;
      machine.poorEpochs = isPoor ? machine.poorEpochs + 1 : 0;
      return machine.isServing ? machine.poorEpochs < behaviour.patienceEpochs : !isPoor;
    }
  }
}

/** Device hours per hour of one machine under a mechanism. */
export const capacityOf = ({ capacity }: MinerGroup, mechanism: number): number =>
  typeof capacity === 'number' ? capacity : (capacity[mechanism] ?? 0);

/** What one uid of a serving machine proves: copies share the machine when proofs are simultaneous. */
export function provenCapacity(group: MinerGroup, mechanism: number): number {
  const whole = capacityOf(group, mechanism) * group.quality;
  const { behaviour } = group;
  return behaviour.kind === 'sybil' && behaviour.detected ? whole / behaviour.copies : whole;
}
