// Owns: what a validator asks scoring of its own ledger and of the chain. Does not own: what is paid for it (scoring), the row
// that is sent (chain/weights.ts).
import type { Neuron, Subnet } from '../chain/chain.js';
import { type Hotkey, toColdkey } from '../model/ids.js';
import {
  DEFAULT_POLICY,
  type Facts,
  type PaidNeuron,
  type Pay,
  payOf,
  type Reason,
  type ScoringPolicy,
  type ScoringState,
  type StateParts,
  scoringStateOf,
  TURN_EPOCHS,
} from '../scoring/index.js';
import type { Ledger } from './ledger/ledger.js';

export interface EpochScore {
  /** worth by hotkey of everybody who is known here, zeros included */
  readonly scores: ReadonlyMap<Hotkey, number>;
  readonly reasons: ReadonlyMap<Hotkey, Partial<Reason>>;
  /** What a row is made of: the owner has, beside its own, what nobody earned, which the chain burns. */
  withOwner(owner: Hotkey): ReadonlyMap<Hotkey, number>;
}

/** By a policy: all that hangs on the subnet is known only when the row is made. */
export interface PolicyScore extends EpochScore {
  readonly policy: ScoringPolicy;
  pay(facts: Facts): Pay;
}

/**
 * Undefined when no event was completed in the epoch nor in those carried from: then there is nothing to say, and
 * weights stay as they are. That ends once events were tried in all of these epochs: or miners who fell silent together
 * would be paid for ever on what they once proved. What nobody proves goes to the owner.
 */
export function scoreEpoch(
  ledger: Pick<Ledger, 'outcomes' | 'completedEvents' | 'startedEvents'>,
  epoch: number,
  { policy = DEFAULT_POLICY, ...parts }: StateParts & { readonly policy?: ScoringPolicy | undefined } = {},
): PolicyScore | undefined {
  const fromEpoch = oldestOf(policy, epoch);
  const told = {
    outcomes: ledger.outcomes({ fromEpoch }),
    completed: ledger.completedEvents({ fromEpoch }),
    started: ledger.startedEvents({ fromEpoch }),
    through: epoch,
  };
  return scoreState(scoringStateOf(policy, told, parts), epoch);
}

/** The same of a state that was folded already. A policy that pays for no outcomes needs no events to say something. */
export function scoreState(state: ScoringState, epoch: number): PolicyScore | undefined {
  const hangsOnEvents = state.policy.pools.some(({ credit = 'outcomes' }) => credit === 'outcomes');
  if (hangsOnEvents && !state.hasSay(epoch)) return undefined;
  const pay = (facts: Facts): Pay => payOf(state, { epoch, facts });
  /** Each hotkey as its own coldkey. Only where somebody asks: a subnet's own rule would be asked for coldkeys that there are not. */
  function alone(owner: Hotkey): Pay {
    const neurons = new Map<Hotkey, PaidNeuron>();
    for (const [hotkey] of state.at(epoch)) neurons.set(hotkey, { coldkey: toColdkey(hotkey) });
    return pay({ neurons, owner });
  }
  let ofNobody: Pay | undefined;
  const told = (): Pay => {
    ofNobody ??= alone('' as Hotkey); // what the owner has is not looked at
    return ofNobody;
  };
  return {
    policy: state.policy,
    get scores() {
      return told().worth;
    },
    get reasons() {
      return told().reasons;
    },
    pay,
    withOwner: (owner) => alone(owner).u16,
  };
}

/** Before it nothing counts any more. */
function oldestOf({ memory = {}, uptime, quarantine }: ScoringPolicy, epoch: number): number {
  const { retain = 0, carryEpochs = 1, turnEpochs = TURN_EPOCHS } = memory;
  if (retain > 0 || uptime) return 0;
  return Math.max(0, epoch - Math.max(carryEpochs, turnEpochs, quarantine?.epochs ?? 0));
}

/** What of the chain's state counts. */
export function factsOf(
  { neurons, ownerHotkey, epochIndex, lastEpochBlock, tempo }: FactsSubnet,
  more: Pick<Facts, 'rollouts' | 'usage'> = {},
): Facts {
  /** by the tempo of today, as the chain keeps no older ones */
  const epochOf = (block: number): number =>
    epochIndex - Math.max(0, Math.ceil((lastEpochBlock - block) / Math.max(1, tempo)));
  return {
    owner: ownerHotkey,
    neurons: new Map(
      neurons.map(({ hotkey, coldkey, registeredAt, stakeRao }) => [
        hotkey,
        { coldkey, registeredEpoch: Math.max(0, epochOf(registeredAt)), stakeRao },
      ]),
    ),
    ...more,
  };
}

type FactsSubnet = Pick<Subnet, 'ownerHotkey' | 'epochIndex' | 'lastEpochBlock' | 'tempo'> & {
  readonly neurons: readonly Pick<Neuron, 'hotkey' | 'coldkey' | 'registeredAt' | 'stakeRao'>[];
};
