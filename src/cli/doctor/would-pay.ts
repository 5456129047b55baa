// Owns: what a policy would pay for what was proven here, once it is remembered in full: the very fold and pay of validators, over
// one event in which all of it is accepted. Pure. Does not own: the chain's part (earnings.ts), proofs (examine.ts).
import type { Credit } from '../../model/credit.js';
import type { Coldkey, Hotkey } from '../../model/ids.js';
import { accepted } from '../../model/verdict.js';
import {
  createScoringState,
  type Facts,
  type PaidNeuron,
  type Pay,
  type Pool,
  payOf,
  type Scored,
  type ScoringPolicy,
  type ScoringRule,
} from '../../scoring/index.js';

/** A slot as it was proven. */
export interface ProvenSlot {
  readonly kind: string;
  readonly class: string;
  /** of its parameter set, lower-case hex */
  readonly paramsId: string;
  readonly credit: Credit;
  readonly share: number;
  /** of a set that counts on localnets only */
  readonly simulated: boolean;
}

/** Sets of parameters that there are, for whoever must be thought up. */
export type KnownSet = Pick<ProvenSlot, 'kind' | 'class' | 'paramsId'>;

/** Who else is paid. */
export type Others =
  | { readonly is: 'nobody' }
  /** so many hotkeys that prove the same each */
  | { readonly is: 'equals'; readonly many: number }
  /** worth by pool, all of them together, and how many coldkeys have as much of it each; more where caps would cut that */
  | { readonly is: 'worth'; readonly byPool: ReadonlyMap<string, number>; readonly many: number };

export interface WouldPay {
  readonly pay: Pay;
  /** u16 of this host's hotkey, of the owner's (what is burned), and of the whole row */
  readonly row: { readonly mine: number; readonly burned: number; readonly all: number };
}

/** A hotkey of this host, where none was named: names are all that scoring knows of it. */
export const NO_HOTKEY = 'this host' as Hotkey;

const EPOCH = 0;
/** Of one slot; scoring cuts what is more. */
const MOST_WORTH = 512;
const MOST_RIVALS = 4096;

export function wouldPay(
  of: {
    readonly policy: ScoringPolicy;
    /** of the subnet's own, that the policy may name. @default none */
    readonly rules?: readonly ScoringRule[] | undefined;
    readonly sets: readonly KnownSet[];
    readonly hotkey: Hotkey;
    readonly neuron: PaidNeuron;
    readonly owner: Hotkey;
  },
  slots: readonly ProvenSlot[],
  others: Others,
): WouldPay {
  const { policy, rules, sets, hotkey, neuron, owner } = of;
  const names = new Map(sets.map(({ paramsId, class: name }) => [paramsId, name]));
  const state = createScoringState(policy, { classOf: (paramsId) => names.get(paramsId), rules });
  const neurons = new Map<Hotkey, PaidNeuron>([[hotkey, neuron]]);
  const tell = (miner: Hotkey, all: readonly ProvenSlot[]): void => {
    for (const [slot, { kind, paramsId, credit, share, simulated }] of all.entries()) {
      const told = { kind, paramsId, credit, share, simulated };
      const outcome: Scored = { event: 'doctor', epoch: EPOCH, miner, slot, verdict: accepted, ...told };
      state.outcome(outcome);
    }
  };
  tell(hotkey, slots);
  for (const [i, rival] of rivalsOf(policy, sets, slots, others).entries()) {
    const name = `rival ${i}`;
    neurons.set(name as Hotkey, { coldkey: name as Coldkey }); // as above
    tell(name as Hotkey, rival);
  }
  state.completed({ event: 'doctor', epoch: EPOCH });
  const facts: Facts = { neurons, owner };
  const pay = payOf(state, { epoch: EPOCH, facts });
  let all = 0;
  for (const each of pay.u16.values()) all += each;
  const mine = pay.u16.get(hotkey) ?? 0;
  return { pay, row: { mine, burned: pay.u16.get(owner) ?? 0, all } };
}

/** The same after it was proven for long: all is remembered, no probation, every check between events answered. */
export function inTheLongRun({ uptime: _, probation: __, ...policy }: ScoringPolicy): ScoringPolicy {
  return { ...policy, memory: { ...policy.memory, retain: 0 } };
}

function rivalsOf(
  policy: ScoringPolicy,
  sets: readonly KnownSet[],
  slots: readonly ProvenSlot[],
  others: Others,
): readonly (readonly ProvenSlot[])[] {
  if (others.is === 'nobody') return [];
  if (others.is === 'equals') return Array.from({ length: Math.min(others.many, MOST_RIVALS) }, () => slots);
  const { caps = {} } = policy;
  const most = Math.min(
    MOST_WORTH,
    ...[caps.slot, caps.hotkey, caps.coldkey].filter((cap) => cap !== undefined),
  );
  return [...others.byPool].flatMap(([name, worth]) => {
    const index = policy.pools.findIndex((pool) => pool.name === name);
    const pool = policy.pools[index];
    const set = pool && sets.find(({ kind, class: each }) => poolIndexOf(policy, kind, each) === index);
    const made = pool && set && unitOf(pool);
    if (!made || worth <= 0) return [];
    const { resource, perWorth, simulated } = made;
    const many = Math.min(MOST_RIVALS, Math.max(others.many, Math.ceil(worth / most)));
    const credit = { [resource]: (worth / many) * perWorth };
    return Array.from({ length: many }, () => [{ ...set, credit, share: 1, simulated }]);
  });
}

/** The first pool that takes outcomes of it, as state.ts has it. */
export function poolIndexOf({ pools }: ScoringPolicy, kind: string, className: string): number {
  return pools.findIndex(
    ({ match: { kinds, classes } = {}, credit = 'outcomes' }) =>
      credit === 'outcomes' && (kinds?.includes(kind) ?? true) && (classes?.includes(className) ?? true),
  );
}

/** One resource that the pool pays for, and how much of it is worth 1. */
function unitOf({ prices = {}, simulatedPrices = {} }: Pool) {
  for (const [of, simulated] of [
    [prices, false],
    [simulatedPrices, true],
  ] as const)
    for (const [resource, price] of Object.entries(of))
      if (price && price.counts > 0) return { resource, perWorth: price.of / price.counts, simulated };
  return undefined;
}
