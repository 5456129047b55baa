// Owns: one subnet as a chain holds it, block by block, on the functions of this room: pool, emission, epoch, uids.
// Does not own: what anybody decides (validators.ts, miners.ts, market.ts), the other subnets, of which it knows sums.
import { type Pool, price, priceRao, type Swap, swapAlphaForTao, swapTaoForAlpha } from '../amm.js';
import {
  accrueBlock,
  blockEmission,
  distributeEmission,
  epochEmission,
  NO_PENDING,
  type Payee,
  type Payout,
  type PendingEmission,
  rootProportion,
} from '../coinbase.js';
import type { EpochInput, EpochOutput, U16Row } from '../epoch.js';
import { runEpochInDoubles } from '../epoch-in-doubles.js';
import { emitIntoPool, subnetTerms } from '../injection.js';
import { joinMechanisms, splitEmission } from '../mechanisms.js';
import { DEFAULT_MOVING_ALPHA, nextMovingPrice } from '../moving-price.js';
import { EMPTY_ROW, joinRows, type PackedRow } from '../packed-rows.js';
import { isTopKNonzero } from '../permits.js';
import { neuronToPrune } from '../pruning.js';
import { bumpBurn, decayBurn } from '../registration.js';
import { activityCutoffBlocks } from '../schedule.js';
import {
  isRootSelling,
  nextFlowEma,
  type ShareRule,
  type SubnetMarket,
  shareRuleAt,
  taoEmissions,
} from '../shares.js';
import { type ConsensusStake, consensusStake } from '../stake.js';
import { toRao } from './amounts.js';
import type { Scenario } from './scenario.js';

const U64_MAX = (1n << 64n) - 1n;
const ONE_64 = 2 ** 64;
/** of 12 seconds */
export const BLOCKS_PER_DAY = 7200;
/** `MinNonImmuneUids` */
const MIN_NON_IMMUNE_UIDS = 10;
export const OWNER_UID = 0;

export interface Neuron {
  readonly uid: number;
  /** whose it is: position among the groups, -1 for the subnet's owner */
  readonly group: number;
  readonly member: number;
  readonly take: number;
  readonly rootRao: bigint;
  stakeRao: bigint;
  registeredAt: number;
  permit: boolean;
  /** by mechanism */
  readonly lastUpdate: number[];
  /** alpha with root stake weighed in, whole rao, as the last epoch saw it */
  consensusStakeRao: bigint;
  /** alpha of the last epoch, with what the hotkey's stakers got */
  earnedRao: bigint;
  /** `Emission` of the last epoch: what pruning goes by */
  emissionRao: bigint;
  /** rao of the last epoch's incentive, before what the owner's is burned; a double, for shares */
  serverRao: number;
  /** u16, of the last epoch, all mechanisms together */
  dividends: number;
  validatorTrust: number;
}

/** Who takes a uid. */
type Registrant = Pick<Neuron, 'group' | 'member' | 'take' | 'rootRao'>;
type Newcomer = Registrant & Pick<Neuron, 'stakeRao'>;

/** What was paid and received, fees included, and by how much the TAO reserve moved. */
interface Trade {
  readonly taoRao: bigint;
  readonly alphaRao: bigint;
  readonly reserveRao: bigint;
}

interface Commit {
  readonly epochIndex: number;
  readonly block: number;
  readonly uid: number;
  readonly mechanism: number;
  readonly row: PackedRow;
}

/** Running sums since the start, rao. */
export interface Totals {
  taoInRao: bigint;
  excessTaoRao: bigint;
  boughtAlphaRao: bigint;
  alphaInRao: bigint;
  minersRao: bigint;
  validatorsRao: bigint;
  ownerRao: bigint;
  rootRao: bigint;
  burnedRao: bigint;
  recycledRao: bigint;
  /** paid into the pool for registrations */
  registeredTaoRao: bigint;
  registeredAlphaRao: bigint;
  /** into the pool and out of it by buyers and sellers, registrations included */
  tradedInTaoRao: bigint;
  tradedOutTaoRao: bigint;
  /** fees, in TAO, to the authors of blocks */
  authorTaoRao: bigint;
  /** alpha of fees that the pool refused to swap */
  burnedFeeRao: bigint;
  /** TAO minted on the whole chain */
  mintedTaoRao: bigint;
  mintedAlphaRao: bigint;
}

/** What blocks read of a scenario, converted once. */
interface Policy {
  readonly minBurnRao: bigint;
  readonly maxBurnRao: bigint;
  readonly rootTaoRao: bigint;
  /** `TaoWeight`, u64 */
  readonly taoWeight: bigint;
  readonly stakeThresholdRao: bigint;
  readonly others: SubnetMarket;
}

/** Minted for those who take part and paid to nobody: root's part where no validator has stake there, and floors. */
export function unpaidRao({ mintedAlphaRao, alphaInRao, ...totals }: Readonly<Totals>): bigint {
  const { minersRao, validatorsRao, ownerRao, rootRao, burnedRao, recycledRao } = totals;
  return (
    mintedAlphaRao - alphaInRao - minersRao - validatorsRao - ownerRao - rootRao - burnedRao - recycledRao
  );
}

export class Subnet {
  readonly neurons: Neuron[] = [];
  readonly totals: Totals = {
    taoInRao: 0n,
    excessTaoRao: 0n,
    boughtAlphaRao: 0n,
    alphaInRao: 0n,
    minersRao: 0n,
    validatorsRao: 0n,
    ownerRao: 0n,
    rootRao: 0n,
    burnedRao: 0n,
    recycledRao: 0n,
    registeredTaoRao: 0n,
    registeredAlphaRao: 0n,
    tradedInTaoRao: 0n,
    tradedOutTaoRao: 0n,
    authorTaoRao: 0n,
    burnedFeeRao: 0n,
    mintedTaoRao: 0n,
    mintedAlphaRao: 0n,
  };
  pool: Pool;
  block: number;
  alphaOutRao: bigint;
  /** alpha that the chain bought and holds */
  protocolAlphaRao = 0n;
  /** root dividends that were not claimed */
  rootClaimableRao = 0n;
  /** of the last epoch */
  rootEarnedRao = 0n;
  ownerCutRao = 0n;
  burnRao: bigint;
  movingPrice: bigint;
  minerBurned = 0n;
  /** raw U96F32 of the last block, and its whole emission */
  #taoEmissionRaw = 0n;
  #blockEmissionRao = 0n;
  readonly weights: PackedRow[][];
  #bonds: (readonly U16Row[])[];
  #commits: Commit[] = [];
  #pending: PendingEmission = NO_PENDING;
  #epochIndex = 0;
  #lastEpochBlock: number;
  #taoIssuanceRao: bigint;
  #flowRao = 0n;
  #flowEma: bigint;
  #scenario: Scenario;
  #policy: Policy;
  readonly #startCallBlock: number;
  readonly #rule: ShareRule;
  readonly #taoEmission = createStep(blockEmission);
  readonly #alphaEmission = createStep(blockEmission);

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#policy = policyOf(scenario);
    const { network, subnet } = scenario;
    const mechanisms = subnet.mechanisms.length;
    // the chain is older than the subnet, and both than any activity cutoff of who was there before
    this.#startCallBlock = 1_000_000;
    this.block = this.#startCallBlock + subnet.ageBlocks;
    this.#lastEpochBlock = this.block;
    this.pool = {
      taoRao: toRao(subnet.pool.tao),
      alphaRao: toRao(subnet.pool.alpha),
      taoWeight: BigInt(Math.round(subnet.pool.taoWeight * 1e9)) * 1_000_000_000n,
    };
    this.alphaOutRao = toRao(subnet.alphaOut);
    this.burnRao = toRao(subnet.burn.start);
    const spot = price(this.pool) >> 32n;
    const cap = 1n << 32n;
    this.movingPrice =
      subnet.movingPrice === undefined ? (spot < cap ? spot : cap) : fixed32(subnet.movingPrice);
    this.#taoIssuanceRao = toRao(network.taoIssuance);
    this.#rule = shareRuleAt(network.specVersion);
    this.weights = Array.from({ length: mechanisms }, () => []);
    this.#bonds = Array.from({ length: mechanisms }, () => []);
    this.#flowEma = perBlock(subnet.flowTaoPerDay);
  }

  get scenario(): Scenario {
    return this.#scenario;
  }

  /** From here on other policies and hyperparameters hold. */
  follow(scenario: Scenario): void {
    this.#scenario = scenario;
    this.#policy = policyOf(scenario);
  }

  get tempo(): number {
    return this.#scenario.subnet.tempo;
  }

  /** this subnet's part of the last block's TAO, of 1 */
  get taoShare(): number {
    if (this.#blockEmissionRao === 0n) return 0;
    return Number(this.#taoEmissionRaw) / 2 ** 32 / Number(this.#blockEmissionRao);
  }

  /** TAO per alpha, rounded to a double */
  get price(): number {
    return Number(priceRao(this.pool)) / 1e9;
  }

  /** The block at which the next epoch runs. */
  get nextEpochBlock(): number {
    return this.#lastEpochBlock + this.tempo;
  }

  /** A neuron that was there before, past its immunity. */
  place(parts: Newcomer): Neuron {
    const registeredAt = Math.max(0, this.block - Math.min(this.#scenario.subnet.ageBlocks, 100_000));
    return this.#append(parts, registeredAt, this.block);
  }

  /** What the epoch before would have left: permits for the largest stakes. */
  grantPermits(): void {
    const shares = this.#consensusStakes().map(({ rao }) => rao);
    const permits = isTopKNonzero(shares, this.#scenario.subnet.maxValidators);
    this.neurons.forEach((neuron, uid) => {
      neuron.consensusStakeRao = shares[uid]!;
      neuron.permit = permits[uid]!;
    });
  }

  /** A row that stands from before the run, openly. */
  placeWeights(uid: number, mechanism: number, row: PackedRow): void {
    this.weights[mechanism]![uid] = row;
  }

  hasSet(uid: number, mechanism: number): boolean {
    if (this.weights[mechanism]![uid]!.uids.length > 0) return true;
    return this.#commits.some((commit) => commit.uid === uid && commit.mechanism === mechanism);
  }

  /**
   * Burned registration at the present price; undefined when nobody can be pruned for it, or only one's own.
   *
   * @returns the neuron, who had its uid before, and what it cost in TAO rao
   */
  register(
    parts: Registrant,
  ):
    | { readonly neuron: Neuron; readonly replaced: Neuron | undefined; readonly paidRao: bigint }
    | undefined {
    const { subnet } = this.#scenario;
    const isFull = this.neurons.length >= subnet.maxUids;
    const pruned = isFull ? this.#toPrune() : undefined;
    const replaced = pruned === undefined ? undefined : this.neurons[pruned]!;
    if (isFull && (replaced === undefined || replaced.group === parts.group)) return undefined;
    const paidRao = this.burnRao;
    const bought = this.#swapIn(paidRao);
    if (bought === undefined) return undefined;
    this.alphaOutRao -= bought.alphaRao;
    this.totals.registeredTaoRao += paidRao;
    this.totals.registeredAlphaRao += bought.alphaRao;
    this.burnRao = bumpBurn(this.burnRao, fixed64(subnet.burn.increase), this.#policy);
    const start = { ...parts, stakeRao: 0n };
    const neuron =
      pruned === undefined ? this.#append(start, this.block, this.block) : this.#replace(start, pruned);
    return { neuron, replaced, paidRao };
  }

  #append(parts: Newcomer, registeredAt: number, lastUpdate: number): Neuron {
    const uid = this.neurons.length;
    const neuron = createNeuron(parts, uid, registeredAt, this.#everyMechanism(lastUpdate));
    this.neurons.push(neuron);
    for (const mechanism of this.weights.keys()) {
      this.weights[mechanism]!.push(EMPTY_ROW);
      this.#bonds[mechanism] = [...this.#bonds[mechanism]!, []];
    }
    return neuron;
  }

  /** `replace_neuron`: what was meant for its predecessor becomes an explicit zero. */
  #replace(parts: Newcomer, uid: number): Neuron {
    const neuron = createNeuron(parts, uid, this.block, this.#everyMechanism(this.block));
    this.neurons[uid] = neuron;
    for (const [mechanism, rows] of this.weights.entries()) {
      this.weights[mechanism] = rows.map((row, i) => (i === uid ? EMPTY_ROW : withZero(row, uid)));
      this.#bonds[mechanism] = this.#bonds[mechanism]!.map((row, i) => (i === uid ? [] : row));
    }
    this.#commits = this.#commits.filter((commit) => commit.uid !== uid);
    return neuron;
  }

  #everyMechanism(block: number): number[] {
    return this.weights.map(() => block);
  }

  #toPrune(): number | undefined {
    const candidates = this.neurons
      .filter(({ uid }) => uid !== OWNER_UID)
      .map((neuron) => ({
        uid: neuron.uid,
        emissionRao: neuron.emissionRao,
        registeredAt: neuron.registeredAt,
      }));
    return neuronToPrune(candidates, {
      block: this.block,
      immunityPeriod: this.#scenario.subnet.immunityPeriod,
      minNonImmuneUids: MIN_NON_IMMUNE_UIDS,
    });
  }

  /** Sets a row, or commits it where the subnet hides weights. Values are max-upscaled u16, uids ascending. */
  setWeights(uid: number, mechanism: number, row: PackedRow): void {
    this.neurons[uid]!.lastUpdate[mechanism] = this.block;
    if (this.#scenario.subnet.commitReveal === false) this.weights[mechanism]![uid] = row;
    else this.#commits.push({ epochIndex: this.#epochIndex, block: this.block, uid, mechanism, row });
  }

  /** Commits whose time has come become weights; older ones have expired. */
  revealDue(): void {
    const { commitReveal } = this.#scenario.subnet;
    if (this.#commits.length === 0) return;
    const period = commitReveal === false ? 0 : commitReveal.periodEpochs;
    const due = this.#epochIndex - period;
    for (const { epochIndex, uid, mechanism, row } of this.#commits)
      if (epochIndex === due) this.weights[mechanism]![uid] = row;
    this.#commits = this.#commits.filter(({ epochIndex }) => epochIndex > due);
  }

  /**
   * Buys alpha with TAO; undefined when the pool refuses.
   *
   * @param limitPriceRao stops there
   */
  buy(taoRao: bigint, limitPriceRao?: bigint): Trade | undefined {
    const bought = this.#swapIn(taoRao, limitPriceRao);
    if (bought !== undefined) this.#flowRao += bought.reserveRao;
    return bought;
  }

  /** Sells alpha for TAO; undefined when the pool refuses. The author's fee is sold right after, free of fee. */
  sell(alphaRao: bigint, limitPriceRao?: bigint): Trade | undefined {
    const limit = limitPriceRao === undefined ? {} : { limitPriceRao };
    const swap = attempt(() => swapAlphaForTao(this.pool, alphaRao, limit));
    if (swap === undefined) return undefined;
    this.#swappedOut(swap);
    const fee = attempt(() => swapAlphaForTao(swap.pool, swap.feeRao, { feeRate: 0 }));
    // refused, the fee is burned: nobody has it, and the pool is as it was
    if (fee !== undefined) this.#swappedOut(fee);
    this.totals.burnedFeeRao += fee === undefined ? swap.feeRao : 0n;
    this.totals.authorTaoRao += fee?.paidOutRao ?? 0n;
    const reserveRao = swap.paidOutRao + (fee?.paidOutRao ?? 0n);
    this.#flowRao -= reserveRao;
    return { taoRao: swap.paidOutRao, alphaRao: swap.paidInRao + swap.feeRao, reserveRao };
  }

  /** `root_claim_on_subnet`: sold without a fee, and no flow. */
  claimRoot(alphaRao: bigint): void {
    const swap = attempt(() => swapAlphaForTao(this.pool, alphaRao, { feeRate: 0 }));
    if (swap === undefined) return;
    this.#swappedOut(swap);
    this.rootClaimableRao -= swap.paidInRao;
  }

  #swapIn(taoRao: bigint, limitPriceRao?: bigint): Trade | undefined {
    const limit = limitPriceRao === undefined ? {} : { limitPriceRao };
    const swap = attempt(() => swapTaoForAlpha(this.pool, taoRao, limit));
    if (swap === undefined) return undefined;
    this.pool = swap.pool;
    this.alphaOutRao += swap.paidOutRao;
    this.totals.tradedInTaoRao += swap.paidInRao;
    this.totals.authorTaoRao += swap.feeRao;
    return { taoRao: swap.paidInRao + swap.feeRao, alphaRao: swap.paidOutRao, reserveRao: swap.paidInRao };
  }

  #swappedOut({ pool, paidInRao, paidOutRao }: Swap): void {
    this.pool = pool;
    this.alphaOutRao -= paidInRao;
    this.totals.tradedOutTaoRao += paidOutRao;
  }

  /** Makes blocks up to `block`, without an epoch. */
  runTo(block: number): void {
    while (this.block < block) {
      this.#coinbase();
      this.#updateMovingPrice();
    }
  }

  /** The block with the epoch. */
  runEpochBlock(): Payout {
    this.#coinbase();
    const payout = this.#epoch();
    this.#updateMovingPrice();
    return payout;
  }

  /** `run_coinbase` up to the epochs, for this subnet beside the sum of the others. */
  #coinbase(): void {
    const { network, subnet } = this.#scenario;
    const policy = this.#policy;
    this.block++;
    if (this.burnRao !== policy.minBurnRao)
      this.burnRao = decayBurn(this.burnRao, subnet.burn.halfLife, policy);

    const blockEmissionRao = this.#taoEmission(this.#taoIssuanceRao);
    this.#taoIssuanceRao += blockEmissionRao;
    if (this.#rule === 'flow') {
      this.#flowEma = nextFlowEma(this.#flowEma, this.#flowRao);
      this.#flowRao = 0n;
    }
    const [taoEmission] = taoEmissions(
      [
        {
          movingPrice: this.movingPrice,
          minerBurned: this.minerBurned,
          emissionEnabled: subnet.emissionEnabled,
          flowEma: this.#flowEma,
        },
        policy.others,
      ],
      blockEmissionRao,
      this.#rule,
    );
    const { pool, totals } = this;
    const alphaEmissionRao = this.#alphaEmission(pool.alphaRao + this.alphaOutRao);
    const parts = {
      rootTaoRao: policy.rootTaoRao,
      alphaIssuanceRao: pool.alphaRao + this.alphaOutRao,
      taoWeight: policy.taoWeight,
    };
    const terms = subnetTerms({
      taoEmission: taoEmission!,
      pool,
      rootProportion: rootProportion(parts),
      alphaEmissionRao,
      specVersion: network.specVersion,
      blockEmissionRao,
    });
    const emitted = emitIntoPool(pool, terms);
    this.pool = emitted.pool;
    this.protocolAlphaRao += emitted.boughtAlphaRao;
    this.alphaOutRao += emitted.boughtAlphaRao + alphaEmissionRao;
    this.#taoEmissionRaw = taoEmission!;
    this.#blockEmissionRao = blockEmissionRao;

    const { pending, recycledRao } = accrueBlock(this.#pending, {
      alphaEmissionRao,
      ownerCut: subnet.ownerCutEnabled ? network.ownerCut : 0,
      rootProportion: rootProportion({ ...parts, alphaIssuanceRao: this.pool.alphaRao + this.alphaOutRao }),
      rootSell: isRootSelling([this, policy.others]),
    });
    this.#pending = pending;
    this.alphaOutRao -= recycledRao;
    if (recycledRao > 0n) totals.recycledRao += recycledRao;
    totals.mintedTaoRao += blockEmissionRao;
    totals.mintedAlphaRao += alphaEmissionRao + emitted.alphaInRao;
    totals.taoInRao += emitted.taoInRao;
    totals.alphaInRao += emitted.alphaInRao;
    totals.excessTaoRao += emitted.excessTaoRao;
    totals.boughtAlphaRao += emitted.boughtAlphaRao;
  }

  #updateMovingPrice(): void {
    this.movingPrice = nextMovingPrice({
      movingPrice: this.movingPrice,
      price: price(this.pool),
      movingAlpha: DEFAULT_MOVING_ALPHA,
      blocksSinceStart: this.block - this.#startCallBlock,
      halvingBlocks: this.#scenario.subnet.priceHalvingBlocks,
    });
  }

  #epoch(): Payout {
    const { neurons, totals } = this;
    const pending = this.#pending;
    this.#pending = NO_PENDING;
    const outputs = this.#runMechanisms(epochEmission(pending));
    const [first] = outputs.map(({ output }) => output);
    const joined =
      outputs.length === 1
        ? first!
        : joinMechanisms(
            outputs.map(({ output }) => output),
            outputs.map(({ part }) => part),
          );
    const payees = neurons.map(
      (neuron, uid): Payee => ({
        hotkey: String(uid),
        coldkey: neuron.group < 0 ? 'owner' : `${neuron.group}/${neuron.member}`,
        serverEmissionRao: joined.serverEmission[uid]!,
        validatorEmissionRao: joined.validatorEmission[uid]!,
        alphaStakeRao: neuron.stakeRao,
        rootStakeRao: neuron.rootRao,
        take: neuron.take,
      }),
    );
    const { subnet } = this.#scenario;
    const payout = distributeEmission({
      pending,
      payees,
      owner: { hotkey: String(OWNER_UID), coldkey: 'owner' },
      recycleOrBurn: subnet.recycleOrBurn,
      taoWeight: this.#policy.taoWeight,
    });

    this.ownerCutRao = 0n;
    for (const [uid, neuron] of neurons.entries()) {
      neuron.earnedRao = 0n;
      neuron.emissionRao = joined.emission[uid]!;
      neuron.permit = joined.newPermits[uid]!;
      neuron.serverRao = Number(joined.serverEmission[uid]!);
      neuron.dividends = joined.dividends[uid]!;
      neuron.validatorTrust = joined.validatorTrust[uid]!;
    }
    for (const { reason, hotkey, amountRao } of payout.credits) {
      const neuron = neurons[Number(hotkey)]!;
      neuron.stakeRao += amountRao;
      if (reason === 'owner-cut') {
        totals.ownerRao += amountRao;
        this.ownerCutRao = amountRao;
      } else {
        neuron.earnedRao += amountRao;
        if (reason === 'incentive') totals.minersRao += amountRao;
        else totals.validatorsRao += amountRao;
      }
    }
    const rootRao = payout.rootDividendsRao.reduce((sum, rao) => sum + rao, 0n);
    this.rootEarnedRao = rootRao;
    this.rootClaimableRao += rootRao;
    totals.rootRao += rootRao;
    totals.burnedRao += payout.burnedRao;
    totals.recycledRao += payout.recycledRao;
    this.alphaOutRao -= payout.recycledRao;
    this.minerBurned = payout.minerBurned;
    this.#lastEpochBlock = this.block;
    this.#epochIndex++;
    return payout;
  }

  #runMechanisms(emissionRao: bigint): { readonly output: EpochOutput; readonly part: bigint }[] {
    const { mechanisms } = this.#scenario.subnet;
    const splits = mechanisms.map(({ split }) => split ?? 0);
    const split = mechanisms.some((mechanism) => mechanism.split !== undefined) ? splits : undefined;
    const parts = splitEmission(emissionRao, mechanisms.length, split);
    const common = this.#epochCommon();
    return parts.map((part, mechanism) => {
      const output = runEpochInDoubles({
        ...common,
        lastUpdate: this.neurons.map(({ lastUpdate }) => lastUpdate[mechanism]!),
        weights: joinRows(this.weights[mechanism]!),
        bonds: this.#bonds[mechanism]!,
        commitReveal: this.#earliestCommits(mechanism),
        raoEmission: part,
      });
      this.#bonds[mechanism] = output.bonds;
      return { output, part };
    });
  }

  #epochCommon(): Omit<EpochInput, 'lastUpdate' | 'weights' | 'bonds' | 'commitReveal' | 'raoEmission'> {
    const { neurons } = this;
    const { subnet } = this.#scenario;
    const stakes = this.#consensusStakes();
    stakes.forEach(({ rao }, uid) => {
      neurons[uid]!.consensusStakeRao = rao;
    });
    return {
      n: neurons.length,
      block: this.block,
      tempo: subnet.tempo,
      activityCutoff: activityCutoffBlocks(subnet.activityCutoffFactorMilli, subnet.tempo),
      blockAtRegistration: neurons.map(({ registeredAt }) => registeredAt),
      kappa: subnet.kappa,
      bondsPenalty: subnet.bondsPenalty,
      bondsMovingAverage: subnet.bondsMovingAverage,
      maxValidators: subnet.maxValidators,
      stakeThreshold: this.#policy.stakeThresholdRao,
      stakes: stakes.map(({ rao }) => rao),
      stakeFractions: stakes.map(({ fraction }) => fraction),
      ownerUid: OWNER_UID,
      validatorPermits: neurons.map(({ permit }) => permit),
      lastMechanismStep: this.#lastEpochBlock,
      yuma3On: subnet.yuma3,
      liquidAlpha: subnet.liquidAlpha === false ? undefined : subnet.liquidAlpha,
    };
  }

  #consensusStakes(): ConsensusStake[] {
    const { taoWeight } = this.#policy;
    return this.neurons.map(({ stakeRao, rootRao }) =>
      rootRao === 0n
        ? { rao: stakeRao, fraction: 0n }
        : consensusStake({ alphaRao: stakeRao, rootTaoRao: rootRao, taoWeight }),
    );
  }

  #earliestCommits(mechanism: number): EpochInput['commitReveal'] {
    if (this.#scenario.subnet.commitReveal === false) return undefined;
    const earliestCommit = new Array<number | undefined>(this.neurons.length).fill(undefined);
    // in the order in which they were made
    for (const commit of this.#commits)
      if (commit.mechanism === mechanism) earliestCommit[commit.uid] ??= commit.block;
    return { earliestCommit };
  }

  /** What miners get in an epoch when somebody is weighed, alpha: half of what the owner's cut and burn leave. */
  get minerAlphaPerEpoch(): number {
    const { network, subnet, owner } = this.#scenario;
    const cut = subnet.ownerCutEnabled ? network.ownerCut / 65_535 : 0;
    const emission = Number(this.#alphaEmission(this.pool.alphaRao + this.alphaOutRao)) / 1e9;
    return (subnet.tempo * emission * (1 - cut) * (1 - owner.burnShare)) / 2;
  }
}

function createNeuron(parts: Newcomer, uid: number, registeredAt: number, lastUpdate: number[]): Neuron {
  return {
    ...parts,
    uid,
    registeredAt,
    lastUpdate,
    permit: false,
    consensusStakeRao: parts.stakeRao,
    earnedRao: 0n,
    emissionRao: 0n,
    serverRao: 0,
    dividends: 0,
    validatorTrust: 0,
  };
}

/** The row with nothing for one uid. */
function withZero({ uids, values }: PackedRow, uid: number): PackedRow {
  const at = uids.indexOf(uid);
  if (at < 0) return { uids, values };
  const rest = values.slice();
  rest[at] = 0;
  return { uids, values: rest };
}

/** A swap that the pool refuses (its reserves are too low, the limit is reached) does not happen. */
function attempt<T>(swap: () => T): T | undefined {
  try {
    return swap();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'chain-rejected') return undefined;
    throw error;
  }
}

/**
 * A falling step function, remembered where it does not change: between a point and one a thousand steps on that gives
 * the same.
 */
function createStep(compute: (issuance: bigint) => bigint): (issuance: bigint) => bigint {
  let from = 0n;
  let until = 0n;
  let value = 0n;
  return (issuance) => {
    if (issuance >= from && issuance < until) return value;
    value = compute(issuance);
    const ahead = issuance + 1000n * value;
    from = issuance;
    until = compute(ahead) === value ? ahead : issuance + 1n;
    return value;
  };
}

function policyOf({ network, subnet }: Scenario): Policy {
  return {
    minBurnRao: toRao(subnet.burn.min),
    maxBurnRao: toRao(subnet.burn.max),
    rootTaoRao: toRao(network.rootTao),
    taoWeight: network.taoWeight === 1 ? U64_MAX : BigInt(Math.floor(network.taoWeight * ONE_64)),
    stakeThresholdRao: toRao(subnet.stakeThreshold),
    // shares are sums of prices: one with the sum of the others takes what they take together
    others: {
      movingPrice: fixed32(network.otherPrices),
      minerBurned: fixed32(network.otherBurned),
      emissionEnabled: true,
      flowEma: perBlock(network.otherFlowTaoPerDay),
    },
  };
}

/** TAO a day as rao a block, raw I64F64 */
const perBlock = (taoPerDay: number): bigint => BigInt(Math.round((taoPerDay * 1e9) / BLOCKS_PER_DAY)) << 64n;

/** Raw with 32 fraction bits, and with 64 */
const fixed32 = (value: number): bigint => BigInt(Math.floor(value * 2 ** 32));
const fixed64 = (value: number): bigint => BigInt(Math.floor(value * 2 ** 52)) << 12n;
