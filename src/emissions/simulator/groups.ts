// Owns: a group of a scenario as it runs: its members, its account, what is said of it in the end.
// Does not own: what it decides (validators.ts, miners.ts), the chain's side of it (subnet.ts).
import { toTokens } from './amounts.js';
import { type Machine, newMachine } from './miners.js';
import { keyOf } from './noise.js';
import type { MinerGroup, ValidatorGroup } from './scenario.js';
import type { Series } from './series.js';
import type { Neuron } from './subnet.js';

export type Role = 'validator' | 'miner';

/** What one group had at the end. Amounts in tokens are doubles, those in rao exact. */
export interface GroupResult {
  readonly name: string;
  readonly role: Role;
  readonly coalition: string;
  readonly behaviour: string;
  /** uids that it has at the end */
  readonly uids: number;
  /** from incentive and dividends, with what its stakers got */
  readonly earnedAlphaRao: bigint;
  readonly soldAlphaRao: bigint;
  readonly salesTaoRao: bigint;
  readonly registrationTaoRao: bigint;
  /** stake that late validators bought, and what they paid for it */
  readonly boughtAlphaRao: bigint;
  readonly stakeTaoRao: bigint;
  readonly rentTao: number;
  readonly outsideTao: number;
  readonly costTao: number;
  /** sales, rent and outside income less cost, registrations and bought stake, with what is held of both at the last price */
  readonly profitTao: number;
  /** means over all epochs; of 1 */
  readonly incentiveShare: number;
  readonly dividendShare: number;
  /** of all validators' consensus stake, root stake weighed in; the owner and miners, who do not vote, left out */
  readonly stakeShare: number;
  /** validators: mean trust over members and epochs, of 1 */
  readonly validatorTrust: number;
  /** miners: share of machine epochs in which it served */
  readonly servingShare: number;
}

export interface Member {
  readonly machine: Machine;
  /** those it has now; a sybil's machine has several, one that was pruned none */
  uids: number[];
  /** device hours rented in this epoch */
  rentedHours: number;
  /** a late validator: it has bought what it wanted */
  isStaked: boolean;
}

/** What the subnet's neurons hold and earned in an epoch, for shares. */
export interface Whole {
  /** alpha rao of all incentives, what the owner's uid gets and burns included */
  readonly serverRao: number;
  /** consensus stake of all groups' validators with a permit, rao */
  readonly stakeRao: number;
}

export class Group {
  readonly name: string;
  /** for draws */
  readonly key: number;
  readonly members: Member[] = [];
  /** members that are still to come */
  waiting = 0;
  /** TAO of the present epoch */
  epochProfitTao = 0;
  #earnedRao = 0n;
  #soldRao = 0n;
  #salesRao = 0n;
  #registrationRao = 0n;
  #boughtRao = 0n;
  #stakeTaoRao = 0n;
  #rentTao = 0;
  #outsideTao = 0;
  #costTao = 0;
  #incentiveSum = 0;
  #dividendSum = 0;
  #stakeSum = 0;
  #trustSum = 0;
  #trustCount = 0;
  #servingSum = 0;
  #machineSum = 0;

  constructor(
    { name }: ValidatorGroup | MinerGroup,
    readonly role: Role,
  ) {
    this.name = name;
    this.key = keyOf(name);
  }

  addMember(): Member {
    const member = { machine: newMachine(), uids: [], rentedHours: 0, isStaked: false };
    this.members.push(member);
    return member;
  }

  /** For the noise of one uid, whichever number it has. */
  keyOf(member: number, copy: number): number {
    return keyOf(`${this.name}/${member}/${copy}`);
  }

  sold(alphaRao: bigint, taoRao: bigint): void {
    this.#soldRao += alphaRao;
    this.#salesRao += taoRao;
    this.epochProfitTao += toTokens(taoRao);
  }

  registered(taoRao: bigint): void {
    this.#registrationRao += taoRao;
    this.epochProfitTao -= toTokens(taoRao);
  }

  boughtStake(alphaRao: bigint, taoRao: bigint): void {
    this.#boughtRao += alphaRao;
    this.#stakeTaoRao += taoRao;
    this.epochProfitTao -= toTokens(taoRao);
  }

  /** One machine's epoch: TAO from renters, or from elsewhere while it does not serve. */
  worked(epoch: {
    readonly isServing: boolean;
    readonly rentTao: number;
    readonly outsideTao: number;
    readonly costTao: number;
  }): void {
    const { isServing, rentTao, outsideTao, costTao } = epoch;
    this.#machineSum++;
    if (isServing) this.#servingSum++;
    this.#rentTao += rentTao;
    this.#outsideTao += outsideTao;
    this.#costTao += costTao;
    this.epochProfitTao += rentTao + outsideTao - costTao;
  }

  /** Columns of the series, in the order of `record`. */
  columns(): Series['columns'] {
    const { name } = this;
    const common: Series['columns'] = [
      { name: `${name}.alpha`, kind: 'flow', unit: 'alpha' },
      { name: `${name}.profit`, kind: 'flow', unit: 'TAO' },
    ];
    return this.role === 'validator'
      ? [
          ...common,
          { name: `${name}.dividends`, kind: 'level', unit: '1' },
          { name: `${name}.stake`, kind: 'level', unit: '1' },
          { name: `${name}.trust`, kind: 'level', unit: '1' },
        ]
      : [
          ...common,
          { name: `${name}.incentive`, kind: 'level', unit: '1' },
          { name: `${name}.serving`, kind: 'level', unit: 'machines' },
        ];
  }

  /** Takes the epoch's results of its own neurons into account. */
  record(own: readonly Neuron[], whole: Whole): number[] {
    const earnedRao = own.reduce((sum, neuron) => sum + neuron.earnedRao, 0n);
    const common = [toTokens(earnedRao), this.epochProfitTao];
    this.#earnedRao += earnedRao;
    this.epochProfitTao = 0;
    return this.role === 'validator'
      ? [...common, ...this.#recordValidators(own, whole)]
      : [...common, ...this.#recordMiners(own, whole)];
  }

  #recordValidators(own: readonly Neuron[], whole: Whole): number[] {
    const dividends = own.reduce((sum, neuron) => sum + neuron.dividends, 0) / 65_535;
    const stake = whole.stakeRao === 0 ? 0 : Number(permittedStake(own)) / whole.stakeRao;
    const trust = own.reduce((sum, neuron) => sum + neuron.validatorTrust, 0) / 65_535;
    this.#dividendSum += dividends;
    this.#stakeSum += stake;
    this.#trustSum += trust;
    this.#trustCount += own.length;
    return [dividends, stake, own.length === 0 ? 0 : trust / own.length];
  }

  #recordMiners(own: readonly Neuron[], whole: Whole): number[] {
    const serverRao = own.reduce((sum, neuron) => sum + neuron.serverRao, 0);
    const incentive = whole.serverRao === 0 ? 0 : serverRao / whole.serverRao;
    this.#incentiveSum += incentive;
    return [
      incentive,
      this.members.filter(({ machine, uids }) => machine.isServing && uids.length > 0).length,
    ];
  }

  /** @param price TAO per alpha, of the last block */
  result(group: ValidatorGroup | MinerGroup, epochs: number, price: number): GroupResult {
    const heldRao = this.#earnedRao + this.#boughtRao - this.#soldRao;
    const income = toTokens(this.#salesRao) + this.#rentTao + this.#outsideTao + toTokens(heldRao) * price;
    const spent = this.#costTao + toTokens(this.#registrationRao + this.#stakeTaoRao);
    return {
      name: this.name,
      role: this.role,
      coalition: group.coalition ?? this.name,
      behaviour: group.behaviour.kind,
      uids: this.members.reduce((sum, { uids }) => sum + uids.length, 0),
      earnedAlphaRao: this.#earnedRao,
      soldAlphaRao: this.#soldRao,
      salesTaoRao: this.#salesRao,
      registrationTaoRao: this.#registrationRao,
      boughtAlphaRao: this.#boughtRao,
      stakeTaoRao: this.#stakeTaoRao,
      rentTao: this.#rentTao,
      outsideTao: this.#outsideTao,
      costTao: this.#costTao,
      profitTao: income - spent,
      incentiveShare: this.#incentiveSum / epochs,
      dividendShare: this.#dividendSum / epochs,
      stakeShare: this.#stakeSum / epochs,
      validatorTrust: this.#trustCount === 0 ? 0 : this.#trustSum / this.#trustCount,
      servingShare: this.#machineSum === 0 ? 0 : this.#servingSum / this.#machineSum,
    };
  }
}

/** Consensus stake of those of them that have a permit, rao. */
export const permittedStake = (neurons: readonly Neuron[]): bigint =>
  neurons.reduce((sum, { consensusStakeRao, permit }) => (permit ? sum + consensusStakeRao : sum), 0n);
