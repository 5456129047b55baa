// Owns: running a scenario: who acts when in an epoch, what each group ends with. Does not own: decisions (validators.ts,
// miners.ts, market.ts), the chain (subnet.ts), comparing runs (deviations.ts).
import { VERSION } from '../../model/version.js';
import type { U16Row } from '../epoch.js';
import { toRao, toTokens } from './amounts.js';
import { type Float, type Offer, rentOut, trade } from './market.js';
import { capacityOf, decideServing, type Machine, newMachine, provenCapacity } from './miners.js';
import { draw, keyOf } from './noise.js';
import { type PayRule, payRules } from './pay-rules.js';
import { type MinerGroup, type Scenario, uidsOf, type ValidatorGroup, withParameters } from './scenario.js';
import { createSeriesRecorder, type Series } from './series.js';
import { BLOCKS_PER_DAY, type Neuron, OWNER_UID, Subnet, type Totals, unpaidRao } from './subnet.js';
import {
  type Candidate,
  type HoursTable,
  stakeWeightedMedian,
  type ValidatorView,
  weigh,
} from './validators.js';

/** Blocks before the epoch at which validators set weights. */
const WEIGHTS_LEAD = 10;
/** Measurements that are kept, in epochs: the longest `lagEpochs` and the present one. */
const HISTORY = 65;
const HOURS_PER_BLOCK = 12 / 3600;

export interface SimulateOptions {
  /** in place of the scenario's own `owner.payRule` */
  readonly payRule?: PayRule;
  /** after each epoch, from 1 */
  readonly onEpoch?: (epoch: number) => void;
  /**
   * points kept of the series
   * @default 512
   */
  readonly points?: number;
}

/** What one group had at the end. Amounts in tokens are doubles, those in rao exact. */
export interface GroupResult {
  readonly name: string;
  readonly role: 'validator' | 'miner';
  readonly coalition: string;
  readonly behaviour: string;
  /** uids that it has at the end */
  readonly uids: number;
  /** from incentive and dividends, with what its stakers got */
  readonly earnedAlphaRao: bigint;
  readonly soldAlphaRao: bigint;
  readonly salesTaoRao: bigint;
  readonly registrationTaoRao: bigint;
  readonly rentTao: number;
  readonly outsideTao: number;
  readonly costTao: number;
  /** sales, rent and outside income less cost and registrations, with unsold earnings at the last price */
  readonly profitTao: number;
  /** means over all epochs; of 1 */
  readonly incentiveShare: number;
  readonly dividendShare: number;
  readonly stakeShare: number;
  /** validators: mean trust over members and epochs, of 1 */
  readonly validatorTrust: number;
  /** miners: share of machine epochs in which it served */
  readonly servingShare: number;
}

export interface SimulationResult {
  readonly version: string;
  readonly seed: string;
  /** as it was at the start */
  readonly scenario: Scenario;
  readonly epochs: number;
  /** of 7,200 blocks */
  readonly days: number;
  readonly groups: readonly GroupResult[];
  readonly totals: Readonly<Totals>;
  readonly final: {
    /** TAO per alpha */
    readonly price: number;
    readonly movingPrice: number;
    readonly poolTaoRao: bigint;
    readonly poolAlphaRao: bigint;
    readonly alphaOutRao: bigint;
    readonly burnTaoRao: bigint;
    readonly minerBurned: number;
  };
  /** mean over epochs of this subnet's part of the chain's TAO */
  readonly taoShare: number;
  readonly series: Series;
}

/**
 * Runs a scenario. The same scenario gives the same result to the last bit; nothing outside the arguments is read.
 *
 * In each epoch: the block after the last epoch, in which commits are revealed, earnings are sold in one order of all
 * groups, miners come, go and register; at the middle the market trades; ten blocks before the end validators set
 * weights; then the epoch runs.
 *
 * @example
 * const result = simulate(parseScenario(JSON.parse(text)), { onEpoch: (epoch) => progress(epoch) });
 */
export function simulate(scenario: Scenario, options: SimulateOptions = {}): SimulationResult {
  const run = new Run(scenario, options);
  for (let epoch = 1; epoch <= scenario.epochs; epoch++) {
    run.epoch(epoch);
    options.onEpoch?.(epoch);
  }
  return run.result();
}

/** A group's members and its account. */
interface Actor {
  readonly name: string;
  readonly role: 'validator' | 'miner';
  readonly key: number;
  /** uids by member; a sybil's machine has several */
  readonly members: { readonly machine: Machine; uids: number[]; readonly rented: number }[];
  /** members that are still to come */
  waiting: number;
  earnedRao: bigint;
  soldRao: bigint;
  salesRao: bigint;
  registrationRao: bigint;
  rentTao: number;
  outsideTao: number;
  costTao: number;
  incentiveSum: number;
  dividendSum: number;
  stakeSum: number;
  trustSum: number;
  trustCount: number;
  servingSum: number;
  machineSum: number;
  epochProfitTao: number;
}

class Run {
  readonly #subnet: Subnet;
  readonly #seed: number;
  readonly #payRule: PayRule | undefined;
  readonly #actors: Actor[];
  readonly #float: Float;
  readonly #series;
  /** noise keys by uid: a uid that changes hands changes its key */
  readonly #keys: number[] = [];
  /** proven and rented hours by age, mechanism, uid */
  readonly #history: HoursTable[][];
  readonly #changes: Scenario['changes'][number][];
  readonly #original: Scenario;
  /** as changed so far */
  #scenario: Scenario;
  #validators: ReadonlyMap<string, ValidatorGroup> = new Map();
  #miners: ReadonlyMap<string, MinerGroup> = new Map();
  #days = 0;
  #taoShareSum = 0;
  #rentTao = 0;
  #before: Totals;

  constructor(scenario: Scenario, { payRule, points }: SimulateOptions) {
    this.#original = scenario;
    this.#scenario = scenario;
    this.#payRule = payRule;
    this.#seed = keyOf(scenario.seed);
    this.#changes = [...scenario.changes];
    this.#subnet = new Subnet(scenario);
    this.#index();
    const size = scenario.subnet.maxUids;
    this.#history = Array.from({ length: HISTORY }, () =>
      scenario.subnet.mechanisms.map(() => ({
        proven: new Float64Array(size),
        rented: new Float64Array(size),
      })),
    );
    this.#subnet.place({ group: -1, member: 0, take: 0, rootRao: 0n, stakeRao: 0n, permit: false });
    this.#keys.push(0);
    const groups = [...scenario.validators, ...scenario.miners];
    this.#actors = groups.map((group) => createActor(group, 'stakeAlpha' in group ? 'validator' : 'miner'));
    groups.forEach((group, index) => {
      if (group.arrivesAtEpoch === 0)
        for (let member = 0; member < group.count; member++) this.#placeMember(group, index);
      else this.#actors[index]!.waiting = group.count;
    });
    const staked = this.#subnet.neurons.reduce((sum, { stakeRao }) => sum + stakeRao, 0n);
    this.#float = { alphaRao: toRao(scenario.subnet.alphaOut) - staked };
    this.#before = { ...this.#subnet.totals };
    this.#series = createSeriesRecorder(this.#columns(), points);
  }

  epoch(epoch: number): void {
    const subnet = this.#subnet;
    this.#applyChanges(epoch);
    const start = subnet.block;
    const end = subnet.nextEpochBlock;
    const at = (block: number): void => subnet.runTo(Math.min(Math.max(block, subnet.block), end - 1));
    at(start + 1);
    subnet.revealDue();
    this.#settle(epoch);
    this.#serve(epoch, end - start);
    at(start + Math.floor((end - start) / 2));
    const days = (end - start) / BLOCKS_PER_DAY;
    this.#days += days;
    trade(subnet, this.#float, { seed: this.#seed, epoch, day: this.#days, days, rentTao: this.#rentTao });
    at(end - WEIGHTS_LEAD);
    this.#setWeights(epoch);
    at(end - 1);
    subnet.runEpochBlock();
    this.#record(epoch);
  }

  #applyChanges(epoch: number): void {
    while (this.#changes[0] !== undefined && this.#changes[0].epoch <= epoch) {
      const { set } = this.#changes.shift()!;
      this.#scenario = withParameters(this.#scenario, Object.entries(set));
      this.#subnet.follow(this.#scenario);
      this.#index();
    }
  }

  #index(): void {
    this.#validators = new Map(this.#scenario.validators.map((group) => [group.name, group]));
    this.#miners = new Map(this.#scenario.miners.map((group) => [group.name, group]));
  }

  /** Sells what was earned at the last epoch, lets machines decide, lets those who wait register. */
  #settle(epoch: number): void {
    this.#sellEarnings();
    if (epoch > 1) this.#decide(epoch);
    this.#arrive(epoch);
  }

  /** All sell in one order and get one price: nobody is served before another. */
  #sellEarnings(): void {
    const subnet = this.#subnet;
    const { owner, network } = this.#scenario;
    const orders: { readonly neuron: Neuron; readonly actor: Actor; readonly rao: bigint }[] = [];
    for (const neuron of subnet.neurons) {
      const actor = this.#actors[neuron.group];
      if (actor === undefined) continue;
      const rao = part(neuron.earnedRao, this.#group(actor).sells);
      if (rao > 0n) orders.push({ neuron, actor, rao });
    }
    const root = part(subnet.rootClaimableRao, network.rootSells);
    const owned = subnet.neurons[OWNER_UID]!;
    const cut = part(owned.stakeRao, owner.sells);
    const total = orders.reduce((sum, { rao }) => sum + rao, root + cut);
    const sold = total > 0n ? subnet.sell(total) : undefined;
    if (sold === undefined) return;
    const share = (rao: bigint): bigint => (rao * sold.alphaRao) / total;
    for (const { neuron, actor, rao } of orders) {
      const alpha = share(rao);
      neuron.stakeRao -= alpha;
      actor.soldRao += alpha;
      const tao = (rao * sold.taoRao) / total;
      actor.salesRao += tao;
      actor.epochProfitTao += toTokens(tao);
    }
    subnet.rootClaimableRao -= share(root);
    owned.stakeRao -= share(cut);
  }

  #decide(epoch: number): void {
    const subnet = this.#subnet;
    const { price } = subnet;
    const earning = subnet.neurons.filter(({ serverRao, uid }) => serverRao > 0 && uid !== OWNER_UID);
    const meanMinerAlpha =
      earning.length === 0
        ? 0
        : earning.reduce((sum, { earnedRao }) => sum + toTokens(earnedRao), 0) / earning.length;
    for (const actor of this.#actors) {
      if (actor.role !== 'miner') continue;
      const group = this.#miners.get(actor.name)!;
      const hours = subnet.tempo * HOURS_PER_BLOCK * devicesOf(group);
      for (const { machine, uids, rented } of actor.members) {
        const earnedAlpha = uids.reduce((sum, uid) => sum + toTokens(subnet.neurons[uid]!.earnedRao), 0);
        machine.isServing = decideServing(group, machine, {
          epoch: epoch - 1,
          earnedAlpha,
          price,
          rentTao: rented * this.#scenario.market.rental.taoPerHour,
          costTao: hours * (group.costTaoPerHour + group.outsideTaoPerHour),
          meanMinerAlpha,
        });
      }
    }
  }

  #arrive(epoch: number): void {
    const order = this.#actors
      .map((actor, index) => ({ actor, index, ticket: draw(this.#seed, actor.key, epoch, 7) }))
      .filter(({ actor }) => actor.waiting > 0)
      .sort((a, b) => a.ticket - b.ticket);
    for (const { actor, index } of order) {
      const group = this.#group(actor);
      if (epoch < group.arrivesAtEpoch) continue;
      for (let i = 0; i < group.arrivalsPerEpoch && actor.waiting > 0; i++) {
        if (this.#subnet.burnRao > toRao(group.maxBurnTao)) break;
        if (!this.#registerMember(group, index)) break;
        actor.waiting--;
      }
    }
  }

  #registerMember(group: ValidatorGroup | MinerGroup, index: number): boolean {
    const actor = this.#actors[index]!;
    const member = actor.members.length;
    const uids: number[] = [];
    actor.members.push({ machine: newMachine(), uids, rented: 0 });
    for (let copy = 0; copy < uidsOf(group); copy++) {
      const registered = this.#subnet.register({
        group: index,
        member,
        take: 'take' in group ? group.take : 0,
        rootRao: 'rootTao' in group ? toRao(group.rootTao) : 0n,
      });
      if (registered === undefined) break;
      const { neuron, replaced, paidRao } = registered;
      if (replaced !== undefined) this.#forget(replaced);
      uids.push(neuron.uid);
      this.#keys[neuron.uid] = this.#keyOf(actor, member, copy);
      actor.registrationRao += paidRao;
      actor.epochProfitTao -= toTokens(paidRao);
      if ('stakeAlpha' in group) this.#buyStake(neuron, group.stakeAlpha);
    }
    if (uids.length > 0) return true;
    actor.members.pop();
    return false;
  }

  /** A validator that comes later spends on the pool what its stake costs at the present price. */
  #buyStake(neuron: Neuron, stakeAlpha: number): void {
    const tao = Math.round(stakeAlpha * this.#subnet.price * 1e6) / 1e6;
    const bought = tao > 0 ? this.#subnet.buy(toRao(tao)) : undefined;
    if (bought !== undefined) neuron.stakeRao += bought.alphaRao;
  }

  /** Its uid is another's now; its stake stays with whoever holds it, outside. */
  #forget(neuron: Neuron): void {
    this.#float.alphaRao += neuron.stakeRao;
    for (const mechanisms of this.#history)
      for (const { proven, rented } of mechanisms) {
        proven[neuron.uid] = 0;
        rented[neuron.uid] = 0;
      }
    const member = this.#actors[neuron.group]?.members[neuron.member];
    if (member !== undefined) member.uids = member.uids.filter((uid) => uid !== neuron.uid);
  }

  #placeMember(group: ValidatorGroup | MinerGroup, index: number): void {
    const actor = this.#actors[index]!;
    const member = actor.members.length;
    const isValidator = 'stakeAlpha' in group;
    const uids = Array.from({ length: uidsOf(group) }, (_, copy) => {
      const { uid } = this.#subnet.place({
        group: index,
        member,
        take: isValidator ? group.take : 0,
        rootRao: isValidator ? toRao(group.rootTao) : 0n,
        stakeRao: isValidator ? toRao(group.stakeAlpha) : 0n,
        permit: isValidator,
      });
      this.#keys[uid] = this.#keyOf(actor, member, copy);
      return uid;
    });
    actor.members.push({ machine: newMachine(), uids, rented: 0 });
  }

  #keyOf(actor: Actor, member: number, copy: number): number {
    return keyOf(`${actor.name}/${member}/${copy}`);
  }

  /** What machines do in this epoch: hours proven and rented, their cost and rent. */
  #serve(epoch: number, blocks: number): void {
    const { market } = this.#scenario;
    const hours = blocks * HOURS_PER_BLOCK;
    const present = this.#history[epoch % HISTORY]!;
    for (const { proven, rented } of present) {
      proven.fill(0);
      rented.fill(0);
    }
    const machines = this.#actors.flatMap((actor) => {
      const group = this.#miners.get(actor.name);
      return group === undefined ? [] : actor.members.map((member) => ({ actor, group, member }));
    });
    const offers = machines.map(({ group, member }): Offer => {
      const isOffered = member.machine.isServing && member.uids.length > 0;
      return { quality: group.quality, hours: isOffered ? capacityOf(group, 0) * group.quality * hours : 0 };
    });
    const rented = rentOut(offers, market.rental.hoursPerDay * (blocks / BLOCKS_PER_DAY));
    this.#rentTao = 0;
    machines.forEach(({ actor, group, member }, i) => {
      const { machine, uids } = member;
      const devices = devicesOf(group) * hours;
      actor.machineSum++;
      (member as { rented: number }).rented = rented[i]!;
      if (!machine.isServing || uids.length === 0) {
        actor.outsideTao += devices * group.outsideTaoPerHour;
        actor.epochProfitTao += devices * group.outsideTaoPerHour;
        return;
      }
      const rentTao = rented[i]! * market.rental.taoPerHour;
      this.#rentTao += rentTao;
      actor.servingSum++;
      actor.rentTao += rentTao;
      actor.costTao += devices * group.costTaoPerHour;
      actor.epochProfitTao += rentTao - devices * group.costTaoPerHour;
      for (const uid of uids)
        present.forEach((table, mechanism) => {
          table.proven[uid] = provenCapacity(group, mechanism) * hours;
          if (mechanism === 0) table.rented[uid] = rented[i]! / uids.length;
        });
    });
  }

  /** Those who read the chain come last: what others set openly stands there already. */
  #setWeights(epoch: number): void {
    const candidates = this.#candidates();
    const copiers: (() => void)[] = [];
    for (const actor of this.#actors) {
      const group = this.#validators.get(actor.name);
      if (group === undefined) continue;
      for (const { uids } of actor.members) {
        const set = (): void => this.#setRows(group, uids[0], epoch, candidates);
        if (group.behaviour.kind === 'copier') copiers.push(set);
        else set();
      }
    }
    for (const set of copiers) set();
  }

  #setRows(
    group: ValidatorGroup,
    uid: number | undefined,
    epoch: number,
    candidates: readonly Candidate[],
  ): void {
    const subnet = this.#subnet;
    // without a permit the chain refuses weights
    if (uid === undefined || !subnet.neurons[uid]!.permit) return;
    const { owner } = this.#scenario;
    const policy = {
      owner,
      payRule: this.#payRule ?? payRules[owner.payRule],
      ownerUid: OWNER_UID,
      noiseSeed: this.#seed,
    };
    for (const mechanism of subnet.weights.keys()) {
      const view: ValidatorView = {
        self: { uid, key: this.#keys[uid]! },
        epoch,
        n: subnet.neurons.length,
        candidates,
        // before the start machines did what they did at the start
        hours: (lagEpochs) => this.#history[Math.max(1, epoch - lagEpochs) % HISTORY]![mechanism]!,
        medianOnChain: () => this.#medianOnChain(mechanism),
      };
      const row = weigh(group, policy, view);
      if (row !== undefined && row.length > 0) subnet.setWeights(uid, mechanism, row);
    }
  }

  #candidates(): Candidate[] {
    return this.#subnet.neurons.flatMap(({ uid, group }) => {
      const actor = this.#actors[group];
      const miners = actor === undefined ? undefined : this.#miners.get(actor.name);
      return miners === undefined
        ? []
        : [{ uid, group: miners.name, class: miners.class, key: this.#keys[uid]! }];
    });
  }

  #medianOnChain(mechanism: number): U16Row {
    const rows = this.#subnet.weights[mechanism]!;
    return stakeWeightedMedian(
      this.#subnet.neurons
        .filter(({ permit, uid }) => permit && !this.#isCopier(uid))
        .map(({ uid, stakeRao, rootRao }) => ({
          row: rows[uid]!,
          stake: Number(stakeRao) + Number(rootRao),
        })),
    );
  }

  #isCopier(uid: number): boolean {
    const actor = this.#actors[this.#subnet.neurons[uid]!.group];
    return actor !== undefined && this.#validators.get(actor.name)?.behaviour.kind === 'copier';
  }

  #group(actor: Actor): ValidatorGroup | MinerGroup {
    return this.#validators.get(actor.name) ?? this.#miners.get(actor.name)!;
  }

  #columns(): Series['columns'] {
    const groups = this.#actors.flatMap(({ name, role }): Series['columns'] => [
      { name: `${name}.alpha`, kind: 'flow', unit: 'alpha' },
      { name: `${name}.profit`, kind: 'flow', unit: 'TAO' },
      ...(role === 'validator'
        ? ([
            { name: `${name}.dividends`, kind: 'level', unit: '1' },
            { name: `${name}.stake`, kind: 'level', unit: '1' },
            { name: `${name}.trust`, kind: 'level', unit: '1' },
          ] as const)
        : ([
            { name: `${name}.incentive`, kind: 'level', unit: '1' },
            { name: `${name}.serving`, kind: 'level', unit: 'machines' },
          ] as const)),
    ]);
    return [...SUBNET_COLUMNS, ...groups];
  }

  #record(epoch: number): void {
    const { neurons, totals, pool } = this.#subnet;
    const before = this.#before;
    const flow = (key: keyof Totals): number => toTokens(totals[key] - before[key]);
    const alpha = (key: keyof Totals): number => flow(key);
    this.#taoShareSum += this.#subnet.taoShare;
    const stakeOf = (all: readonly Neuron[]): number =>
      Number(all.reduce((sum, { stakeRao, permit }) => (permit ? sum + stakeRao : sum), 0n));
    const staked = stakeOf(neurons);
    const served = neurons.reduce((sum, neuron) => sum + neuron.serverRao, 0);
    const values = [
      alpha('minersRao'),
      alpha('validatorsRao'),
      alpha('ownerRao'),
      alpha('rootRao'),
      alpha('burnedRao'),
      alpha('recycledRao'),
      toTokens(unpaidRao(totals) - unpaidRao(before)),
      this.#subnet.price,
      Number(this.#subnet.movingPrice) / 2 ** 32,
      toTokens(pool.taoRao),
      toTokens(pool.alphaRao),
      this.#subnet.taoShare,
      flow('taoInRao'),
      flow('excessTaoRao'),
      Number(this.#subnet.minerBurned) / 2 ** 32,
      toTokens(this.#subnet.burnRao),
      neurons.length,
    ];
    this.#before = { ...totals };
    for (const [index, actor] of this.#actors.entries()) {
      const own = neurons.filter(({ group }) => group === index);
      const earnedRao = own.reduce((sum, neuron) => sum + neuron.earnedRao, 0n);
      actor.earnedRao += earnedRao;
      values.push(toTokens(earnedRao), actor.epochProfitTao);
      actor.epochProfitTao = 0;
      if (actor.role === 'validator') {
        const dividends = own.reduce((sum, neuron) => sum + neuron.dividends, 0) / 65_535;
        const stake = staked === 0 ? 0 : stakeOf(own) / staked;
        const trust = own.reduce((sum, neuron) => sum + neuron.validatorTrust, 0) / 65_535;
        actor.dividendSum += dividends;
        actor.stakeSum += stake;
        actor.trustSum += trust;
        actor.trustCount += own.length;
        values.push(dividends, stake, own.length === 0 ? 0 : trust / own.length);
      } else {
        const incentive = served === 0 ? 0 : own.reduce((sum, neuron) => sum + neuron.serverRao, 0) / served;
        const serving = actor.members.filter(
          ({ machine, uids }) => machine.isServing && uids.length > 0,
        ).length;
        actor.incentiveSum += incentive;
        values.push(incentive, serving);
      }
    }
    this.#series.add(epoch, values);
  }

  result(): SimulationResult {
    const scenario = this.#original;
    const subnet = this.#subnet;
    return {
      version: VERSION,
      seed: scenario.seed,
      scenario,
      epochs: scenario.epochs,
      days: this.#days,
      groups: this.#actors.map((actor) => this.#groupResult(actor)),
      totals: subnet.totals,
      final: {
        price: subnet.price,
        movingPrice: Number(subnet.movingPrice) / 2 ** 32,
        poolTaoRao: subnet.pool.taoRao,
        poolAlphaRao: subnet.pool.alphaRao,
        alphaOutRao: subnet.alphaOutRao,
        burnTaoRao: subnet.burnRao,
        minerBurned: Number(subnet.minerBurned) / 2 ** 32,
      },
      taoShare: this.#taoShareSum / scenario.epochs,
      series: this.#series.finish(),
    };
  }

  #groupResult(actor: Actor): GroupResult {
    const group = this.#group(actor);
    const { epochs } = this.#scenario;
    const unsold = toTokens(actor.earnedRao - actor.soldRao) * this.#subnet.price;
    const income = toTokens(actor.salesRao) + actor.rentTao + actor.outsideTao + unsold;
    return {
      name: actor.name,
      role: actor.role,
      coalition: group.coalition ?? actor.name,
      behaviour: group.behaviour.kind,
      uids: actor.members.reduce((sum, { uids }) => sum + uids.length, 0),
      earnedAlphaRao: actor.earnedRao,
      soldAlphaRao: actor.soldRao,
      salesTaoRao: actor.salesRao,
      registrationTaoRao: actor.registrationRao,
      rentTao: actor.rentTao,
      outsideTao: actor.outsideTao,
      costTao: actor.costTao,
      profitTao: income - actor.costTao - toTokens(actor.registrationRao),
      incentiveShare: actor.incentiveSum / epochs,
      dividendShare: actor.dividendSum / epochs,
      stakeShare: actor.stakeSum / epochs,
      validatorTrust: actor.trustCount === 0 ? 0 : actor.trustSum / actor.trustCount,
      servingShare: actor.machineSum === 0 ? 0 : actor.servingSum / actor.machineSum,
    };
  }
}

const SUBNET_COLUMNS: Series['columns'] = [
  { name: 'alpha.miners', kind: 'flow', unit: 'alpha' },
  { name: 'alpha.validators', kind: 'flow', unit: 'alpha' },
  { name: 'alpha.owner', kind: 'flow', unit: 'alpha' },
  { name: 'alpha.root', kind: 'flow', unit: 'alpha' },
  { name: 'alpha.burned', kind: 'flow', unit: 'alpha' },
  { name: 'alpha.recycled', kind: 'flow', unit: 'alpha' },
  { name: 'alpha.unpaid', kind: 'flow', unit: 'alpha' },
  { name: 'price', kind: 'level', unit: 'TAO' },
  { name: 'price.moving', kind: 'level', unit: 'TAO' },
  { name: 'pool.tao', kind: 'level', unit: 'TAO' },
  { name: 'pool.alpha', kind: 'level', unit: 'alpha' },
  { name: 'tao.share', kind: 'level', unit: '1' },
  { name: 'tao.injected', kind: 'flow', unit: 'TAO' },
  { name: 'tao.chain-buys', kind: 'flow', unit: 'TAO' },
  { name: 'burned.share', kind: 'level', unit: '1' },
  { name: 'burn.price', kind: 'level', unit: 'TAO' },
  { name: 'neurons', kind: 'level', unit: 'uids' },
];

/** Devices of one machine under all mechanisms, as capacity counts them. */
function devicesOf({ capacity }: MinerGroup): number {
  return typeof capacity === 'number' ? capacity : capacity.reduce((sum, each) => sum + each, 0);
}

const part = (rao: bigint, share: number): bigint => (rao * BigInt(Math.round(share * 1e9))) / 1_000_000_000n;

function createActor({ name }: ValidatorGroup | MinerGroup, role: Actor['role']): Actor {
  return {
    name,
    role,
    key: keyOf(name),
    members: [],
    waiting: 0,
    earnedRao: 0n,
    soldRao: 0n,
    salesRao: 0n,
    registrationRao: 0n,
    rentTao: 0,
    outsideTao: 0,
    costTao: 0,
    incentiveSum: 0,
    dividendSum: 0,
    stakeSum: 0,
    trustSum: 0,
    trustCount: 0,
    servingSum: 0,
    machineSum: 0,
    epochProfitTao: 0,
  };
}
