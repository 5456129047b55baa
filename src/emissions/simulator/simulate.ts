// Owns: running a scenario: who acts when in an epoch. Does not own: decisions (validators.ts, miners.ts, market.ts),
// the chain (subnet.ts), accounts (groups.ts), comparing runs (deviations.ts).
import { VERSION } from '../../model/version.js';
import type { PackedRow } from '../packed-rows.js';
import { toRao, toTokens } from './amounts.js';
import { Group, type GroupResult, type Member, permittedStake } from './groups.js';
import { type Offer, rentOut, type Traders, trade } from './market.js';
import { capacityOf, decideServing, devicesOf, provenCapacity } from './miners.js';
import { draw, keyOf } from './noise.js';
import { type PayRule, payRules } from './pay-rules.js';
import { type MinerGroup, type Scenario, uidsOf, type ValidatorGroup, withParameters } from './scenario.js';
import { createSeriesRecorder, type Series } from './series.js';
import { BLOCKS_PER_DAY, type Neuron, OWNER_UID, Subnet, type Totals, unpaidRao } from './subnet.js';
import { type Candidate, createMedian, type HoursTable, type ValidatorView, weigh } from './validators.js';

/** Blocks before the epoch at which validators set weights. */
const WEIGHTS_LEAD = 10;
/** Measurements that are kept, in epochs: the longest `lagEpochs` and the present one. */
const HISTORY = 65;
const HOURS_PER_BLOCK = 12 / 3600;
/** A validator that buys its stake raises the price by no more than this in one epoch. */
const STAKE_PRICE_STEP = 1.05;

export interface SimulateOptions {
  /** in place of the scenario's own `owner.payRule` */
  readonly payRule?: PayRule;
  /** after each epoch, from 1 */
  readonly onEpoch?: (epoch: number) => void;
  /**
   * points kept of the series, an even number
   * @default 512
   */
  readonly points?: number;
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
    /** alpha outside the pool, and who has it; what is missing was burned, or went to nobody */
    readonly alphaOutRao: bigint;
    readonly stakedAlphaRao: bigint;
    readonly tradersAlphaRao: bigint;
    readonly protocolAlphaRao: bigint;
    readonly rootAlphaRao: bigint;
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
 * weights; then the epoch runs. It begins with the rows of an epoch before standing.
 *
 * @throws RangeError for a pay rule that gives what is no score
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

class Run {
  readonly #subnet: Subnet;
  readonly #seed: number;
  readonly #payRule: PayRule | undefined;
  readonly #groups: Group[];
  readonly #traders: Traders;
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
  /** what renters pay in this epoch */
  #rentTao = 0;
  /** of all miners in this epoch, all mechanisms: what a leaderboard shows */
  #provenHours = 0;
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
    this.#subnet.place({ group: -1, member: 0, take: 0, rootRao: 0n, stakeRao: 0n });
    this.#keys.push(0);
    const groups = [...scenario.validators, ...scenario.miners];
    this.#groups = groups.map((group) => new Group(group, 'stakeAlpha' in group ? 'validator' : 'miner'));
    groups.forEach((group, index) => {
      if (group.arrivesAtEpoch === 0)
        for (let member = 0; member < group.count; member++) this.#placeMember(group, index);
      else this.#groups[index]!.waiting = group.count;
    });
    this.#subnet.grantPermits();
    const staked = this.#subnet.neurons.reduce((sum, { stakeRao }) => sum + stakeRao, 0n);
    this.#traders = { alphaRao: toRao(scenario.subnet.alphaOut) - staked };
    this.#before = { ...this.#subnet.totals };
    this.#series = createSeriesRecorder(
      [...SUBNET_COLUMNS, ...this.#groups.flatMap((group) => group.columns())],
      points,
    );
    this.#beginServing();
  }

  /** The rows of an epoch before, openly: a subnet that has run does not begin with an epoch without weights. */
  #beginServing(): void {
    this.#decide(0);
    this.#serve(0, this.#subnet.tempo, { isCounted: false });
    this.#weighAll(0, (uid, mechanism, row) => this.#subnet.placeWeights(uid, mechanism, row));
  }

  epoch(epoch: number): void {
    const subnet = this.#subnet;
    this.#applyChanges(epoch);
    const start = subnet.block;
    const end = subnet.nextEpochBlock;
    const at = (block: number): void => subnet.runTo(Math.min(Math.max(block, subnet.block), end - 1));
    at(start + 1);
    subnet.revealDue();
    this.#sellEarnings();
    this.#decide(epoch);
    this.#arrive(epoch);
    this.#buyStakes();
    this.#serve(epoch, end - start, { isCounted: true });
    at(start + Math.floor((end - start) / 2));
    const days = (end - start) / BLOCKS_PER_DAY;
    this.#days += days;
    trade(subnet, this.#traders, { seed: this.#seed, epoch, day: this.#days, days, rentTao: this.#rentTao });
    at(end - WEIGHTS_LEAD);
    this.#weighAll(epoch, (uid, mechanism, row) => subnet.setWeights(uid, mechanism, row));
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

  /** All sell in one order and get one price: nobody is served before another. */
  #sellEarnings(): void {
    const subnet = this.#subnet;
    const { owner, network } = this.#scenario;
    const orders: { readonly rao: bigint; readonly settle: (alphaRao: bigint, taoRao: bigint) => void }[] =
      [];
    const order = (
      earnedRao: bigint,
      sells: number,
      settle: (alphaRao: bigint, taoRao: bigint) => void,
    ): void => {
      const rao = part(earnedRao, sells);
      if (rao > 0n) orders.push({ rao, settle });
    };
    for (const neuron of subnet.neurons) {
      const group = this.#groups[neuron.group];
      const earnedRao = group === undefined ? neuron.earnedRao + subnet.ownerCutRao : neuron.earnedRao;
      order(earnedRao, group === undefined ? owner.sells : this.#of(group).sells, (alphaRao, taoRao) => {
        neuron.stakeRao -= alphaRao;
        group?.sold(alphaRao, taoRao);
      });
    }
    const total = orders.reduce((sum, { rao }) => sum + rao, 0n);
    const sold = total > 0n ? subnet.sell(total) : undefined;
    // claims of root are swapped without a fee
    const claimed = part(subnet.rootEarnedRao, network.rootSells);
    if (claimed > 0n) subnet.claimRoot(claimed);
    if (sold === undefined) return;
    const alphas = orders.map(({ rao }) => (rao * sold.alphaRao) / total);
    const rounded = sold.alphaRao - alphas.reduce((sum, rao) => sum + rao, 0n);
    // what rounding leaves is the largest one's, which has it
    const largest = orders.reduce((most, { rao }, i) => (rao > orders[most]!.rao ? i : most), 0);
    orders.forEach(({ rao, settle }, i) => {
      settle(alphas[i]! + (i === largest ? rounded : 0n), (rao * sold.taoRao) / total);
    });
  }

  /** Which machines serve in this epoch: some by their habit, some by what they have seen. */
  #decide(epoch: number): void {
    const subnet = this.#subnet;
    const { price } = subnet;
    for (const group of this.#groups) {
      const miners = this.#miners.get(group.name);
      if (miners === undefined) continue;
      const hours = subnet.tempo * HOURS_PER_BLOCK;
      const ownHours = hours * devicesOf(miners) * miners.quality;
      group.members.forEach(({ machine, uids, rentedHours }, member) => {
        const earnedAlpha = uids.reduce((sum, uid) => sum + toTokens(subnet.neurons[uid]!.earnedRao), 0);
        machine.isServing = decideServing(miners, machine, {
          epoch,
          earnedAlpha,
          price,
          rentTao: rentedHours * this.#rentPerHour(),
          costTao: hours * devicesOf(miners) * (miners.costTaoPerHour + miners.outsideTaoPerHour),
          expectedAlpha: (subnet.minerAlphaPerEpoch * ownHours) / (this.#provenHours + ownHours || 1),
          phase: draw(this.#seed, group.key, member, 11) / 2 ** 32,
        });
      });
    }
  }

  /** What a miner gets of the rent. */
  #rentPerHour(): number {
    const { taoPerHour, buysAlpha } = this.#scenario.market.rental;
    return taoPerHour * (1 - buysAlpha);
  }

  #arrive(epoch: number): void {
    const order = this.#groups
      .map((group, index) => ({ group, index, ticket: draw(this.#seed, group.key, epoch, 7) }))
      .filter(({ group }) => group.waiting > 0)
      .sort((a, b) => a.ticket - b.ticket);
    for (const { group, index } of order) {
      const { arrivesAtEpoch, arrivalsPerEpoch } = this.#of(group);
      if (epoch < arrivesAtEpoch) continue;
      for (let i = 0; i < arrivalsPerEpoch && group.waiting > 0; i++) {
        if (!this.#registerMember(group, index)) break;
        group.waiting--;
      }
    }
  }

  /** One uid after another, each at the price of its moment; false when not even one came about. */
  #registerMember(group: Group, index: number): boolean {
    const described = this.#of(group);
    const number = group.members.length;
    let member: Member | undefined;
    for (let copy = 0; copy < uidsOf(described); copy++) {
      if (this.#subnet.burnRao > toRao(described.maxBurnTao)) break;
      const registered = this.#subnet.register({
        group: index,
        member: number,
        take: 'take' in described ? described.take : 0,
        rootRao: 'rootTao' in described ? toRao(described.rootTao) : 0n,
      });
      if (registered === undefined) break;
      const { neuron, replaced, paidRao } = registered;
      if (replaced !== undefined) this.#forget(replaced);
      member ??= group.addMember();
      member.uids.push(neuron.uid);
      this.#keys[neuron.uid] = group.keyOf(number, copy);
      group.registered(paidRao);
    }
    return member !== undefined;
  }

  /** Validators that came later buy what their stake lacks, no faster than the price step allows. */
  #buyStakes(): void {
    const subnet = this.#subnet;
    for (const group of this.#groups) {
      const validators = this.#validators.get(group.name);
      if (validators === undefined || validators.arrivesAtEpoch === 0) continue;
      for (const member of group.members) {
        const neuron = subnet.neurons[member.uids[0] ?? -1];
        if (neuron === undefined || member.isStaked) continue;
        const lacking = toRao(validators.stakeAlpha) - neuron.stakeRao;
        member.isStaked = lacking <= 0n;
        if (member.isStaked) continue;
        const tao = Math.round(toTokens(lacking) * subnet.price * STAKE_PRICE_STEP * 1e6) / 1e6;
        const limitRao = BigInt(Math.ceil(subnet.price * STAKE_PRICE_STEP * 1e9));
        const bought = tao > 0 ? subnet.buy(toRao(tao), limitRao) : undefined;
        if (bought === undefined) continue;
        neuron.stakeRao += bought.alphaRao;
        group.boughtStake(bought.alphaRao, bought.taoRao);
      }
    }
  }

  /** Its uid is another's now; its stake stays with whoever holds it, outside. It does not register again. */
  #forget(neuron: Neuron): void {
    this.#traders.alphaRao += neuron.stakeRao;
    for (const mechanisms of this.#history)
      for (const { proven, rented } of mechanisms) {
        proven[neuron.uid] = 0;
        rented[neuron.uid] = 0;
      }
    const member = this.#groups[neuron.group]?.members[neuron.member];
    if (member !== undefined) member.uids = member.uids.filter((uid) => uid !== neuron.uid);
  }

  #placeMember(described: ValidatorGroup | MinerGroup, index: number): void {
    const group = this.#groups[index]!;
    const number = group.members.length;
    const isValidator = 'stakeAlpha' in described;
    const member = group.addMember();
    for (let copy = 0; copy < uidsOf(described); copy++) {
      const { uid } = this.#subnet.place({
        group: index,
        member: number,
        take: isValidator ? described.take : 0,
        rootRao: isValidator ? toRao(described.rootTao) : 0n,
        stakeRao: isValidator ? toRao(described.stakeAlpha) : 0n,
      });
      member.uids.push(uid);
      this.#keys[uid] = group.keyOf(number, copy);
    }
  }

  /** What machines do in this epoch: hours proven and rented, their cost and rent. */
  #serve(epoch: number, blocks: number, { isCounted }: { readonly isCounted: boolean }): void {
    const { market } = this.#scenario;
    const hours = blocks * HOURS_PER_BLOCK;
    const present = this.#history[epoch % HISTORY]!;
    for (const { proven, rented } of present) {
      proven.fill(0);
      rented.fill(0);
    }
    const machines = this.#groups.flatMap((group) => {
      const miners = this.#miners.get(group.name);
      return miners === undefined ? [] : group.members.map((member) => ({ group, miners, member }));
    });
    const offers = machines.map(({ miners, member }): Offer => {
      const isOffered = member.machine.isServing && member.uids.length > 0;
      return {
        quality: miners.quality,
        hours: isOffered ? capacityOf(miners, 0) * miners.quality * hours : 0,
      };
    });
    const rented = rentOut(offers, market.rental.hoursPerDay * (blocks / BLOCKS_PER_DAY));
    this.#rentTao = rented.reduce((sum, each) => sum + each, 0) * market.rental.taoPerHour;
    this.#provenHours = 0;
    machines.forEach(({ group, miners, member }, i) => {
      const { machine, uids } = member;
      const isServing = machine.isServing && uids.length > 0;
      const devices = devicesOf(miners) * hours;
      member.rentedHours = rented[i]!;
      if (isServing) this.#provenHours += devices * miners.quality;
      if (isCounted)
        group.worked({
          isServing,
          rentTao: rented[i]! * this.#rentPerHour(),
          outsideTao: isServing ? 0 : devices * miners.outsideTaoPerHour,
          costTao: isServing ? devices * miners.costTaoPerHour : 0,
        });
      if (!isServing) return;
      for (const uid of uids)
        present.forEach((table, mechanism) => {
          table.proven[uid] = provenCapacity(miners, mechanism, uids.length) * hours;
          if (mechanism === 0) table.rented[uid] = rented[i]! / uids.length;
        });
    });
  }

  /** Those who read the chain come last, and read what stood before any of them wrote. */
  #weighAll(epoch: number, set: (uid: number, mechanism: number, row: PackedRow) => void): void {
    const candidates = this.#candidates();
    const validators = this.#groups.flatMap((group) => {
      const described = this.#validators.get(group.name);
      return described === undefined ? [] : [{ group, described }];
    });
    const readers = validators.filter(({ described }) => described.behaviour.kind === 'copier');
    const writers = validators.filter(({ described }) => described.behaviour.kind !== 'copier');
    for (const those of [writers, readers])
      for (const mechanism of this.#subnet.weights.keys())
        this.#weighMechanism(those, mechanism, epoch, candidates, set);
  }

  #weighMechanism(
    validators: readonly { readonly group: Group; readonly described: ValidatorGroup }[],
    mechanism: number,
    epoch: number,
    candidates: readonly Candidate[],
    set: (uid: number, mechanism: number, row: PackedRow) => void,
  ): void {
    const subnet = this.#subnet;
    const { owner } = this.#scenario;
    const policy = {
      owner,
      payRule: this.#payRule ?? payRules[owner.payRule],
      ownerUid: OWNER_UID,
      noiseSeed: this.#seed,
    };
    const median = createMedian(() => this.#openRows(mechanism));
    for (const { group, described } of validators) {
      for (const { uids } of group.members) {
        const uid = uids[0];
        // without a permit the chain refuses weights
        if (uid === undefined || !subnet.neurons[uid]!.permit) continue;
        const view: ValidatorView = {
          self: { uid, key: this.#keys[uid]! },
          epoch,
          mechanism,
          n: subnet.neurons.length,
          candidates,
          hasSet: subnet.hasSet(uid, mechanism),
          // before the start machines did what they did at the start
          hours: (lagEpochs) => this.#history[Math.max(0, epoch - lagEpochs) % HISTORY]![mechanism]!,
          medianOnChain: () => median(uid),
        };
        const row = weigh(described, policy, view);
        if (row !== undefined && row.uids.length > 0) set(uid, mechanism, row);
      }
    }
  }

  /** Rows that anyone can read, of those whose votes count. */
  #openRows(mechanism: number): { uid: number; row: PackedRow; stake: number }[] {
    const rows = this.#subnet.weights[mechanism]!;
    return this.#subnet.neurons
      .filter(({ permit }) => permit)
      .map(({ uid, consensusStakeRao }) => ({ uid, row: rows[uid]!, stake: Number(consensusStakeRao) }));
  }

  #candidates(): Candidate[] {
    return this.#subnet.neurons.flatMap(({ uid, group }) => {
      const miners = this.#miners.get(this.#groups[group]?.name ?? '');
      return miners === undefined
        ? []
        : [{ uid, group: miners.name, class: miners.class, key: this.#keys[uid]! }];
    });
  }

  #of(group: Group): ValidatorGroup | MinerGroup {
    return this.#validators.get(group.name) ?? this.#miners.get(group.name)!;
  }

  #record(epoch: number): void {
    const { neurons, totals, pool } = this.#subnet;
    const before = this.#before;
    const flow = (key: keyof Totals): number => toTokens(totals[key] - before[key]);
    this.#taoShareSum += this.#subnet.taoShare;
    const whole = {
      serverRao: neurons.reduce((sum, neuron) => sum + neuron.serverRao, 0),
      stakeRao: Number(
        permittedStake(neurons.filter(({ group }) => this.#groups[group]?.role === 'validator')),
      ),
    };
    const values = [
      flow('minersRao'),
      flow('validatorsRao'),
      flow('ownerRao'),
      flow('rootRao'),
      flow('burnedRao'),
      flow('recycledRao'),
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
    this.#groups.forEach((group, index) => {
      const own = neurons.filter((neuron) => neuron.group === index);
      values.push(...group.record(own, whole));
    });
    this.#series.add(epoch, values);
  }

  result(): SimulationResult {
    const scenario = this.#original;
    const subnet = this.#subnet;
    const { epochs } = scenario;
    return {
      version: VERSION,
      seed: scenario.seed,
      scenario,
      epochs,
      days: this.#days,
      groups: this.#groups.map((group) => group.result(this.#of(group), epochs, subnet.price)),
      totals: subnet.totals,
      final: {
        price: subnet.price,
        movingPrice: Number(subnet.movingPrice) / 2 ** 32,
        poolTaoRao: subnet.pool.taoRao,
        poolAlphaRao: subnet.pool.alphaRao,
        alphaOutRao: subnet.alphaOutRao,
        stakedAlphaRao: subnet.neurons.reduce((sum, { stakeRao }) => sum + stakeRao, 0n),
        tradersAlphaRao: this.#traders.alphaRao,
        protocolAlphaRao: subnet.protocolAlphaRao,
        rootAlphaRao: subnet.rootClaimableRao,
        burnTaoRao: subnet.burnRao,
        minerBurned: Number(subnet.minerBurned) / 2 ** 32,
      },
      taoShare: this.#taoShareSum / epochs,
      series: this.#series.finish(),
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

const part = (rao: bigint, share: number): bigint => (rao * BigInt(Math.round(share * 1e9))) / 1_000_000_000n;
