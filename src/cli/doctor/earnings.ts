// Owns: what a host would earn: a policy's pay for what it proved, and the chain's present emission, line by line. Pure, in whole
// rao. Does not own: the pay (would-pay.ts), reading chain and policy (look-at-subnet.ts).
import type { Neuron, Subnet } from '../../chain/chain.js';
import type { SubnetEmission } from '../../chain/operator-reads.js';
import {
  accrueBlock,
  epochEmission,
  isOfOwner,
  NO_PENDING,
  rootProportion,
} from '../../emissions/coinbase.js';
import { isRootSelling } from '../../emissions/shares.js';
import type { Resource } from '../../model/credit.js';
import type { Hotkey } from '../../model/ids.js';
import type { PaidNeuron, ScoringPolicy, ScoringRule } from '../../scoring/index.js';
import { fixedText, scaled } from '../facts.js';
import { taoText } from '../tao.js';
import { minersPaid, ownerOf } from './subnet-checks.js';
import {
  inTheLongRun,
  type KnownSet,
  NO_HOTKEY,
  type Others,
  type ProvenSlot,
  poolIndexOf,
  type WouldPay,
  wouldPay,
} from './would-pay.js';

const DAY_MS = 86_400_000n;
const RAO = 1_000_000_000n;

/** What of a chain earnings hang on. */
export interface ChainSide {
  readonly subnet: Pick<
    Subnet,
    | 'mechanismCount'
    | 'netuid'
    | 'neurons'
    | 'ownerHotkey'
    | 'ownerColdkey'
    | 'lastEpochBlock'
    | 'nextEpochBlock'
    | 'tempo'
  >;
  readonly emission: SubnetEmission;
  readonly blockTimeMs: number;
  /** TAO for 1 alpha, rao; undefined where the chain does not say */
  readonly priceRao: bigint | undefined;
  readonly registrationRao: bigint;
}

/** Whose worth stands beside this host's, and how that is known. */
export interface Beside {
  readonly basis: 'given' | 'filled' | 'equals' | 'nobody';
  readonly others: Others;
  readonly said: string;
}

export interface Line {
  readonly step: 'worth' | 'now' | 'pool' | 'cut' | 'weight' | 'emission' | 'earning' | 'begin';
  readonly text: string;
}

/** One answer to who else is paid. */
export interface Scenario {
  readonly basis: Beside['basis'];
  readonly said: string;
  /** of the row that validators would set */
  readonly weight: number;
  readonly weights: number;
  readonly alphaPerEpochRao: bigint;
  readonly alphaPerDayRao: bigint;
  readonly taoPerDayRao: bigint | undefined;
  readonly lines: readonly Line[];
}

export interface Earnings {
  /** of all that is proven here, by pool of the policy */
  readonly worth: Readonly<Record<string, number>>;
  /** in alpha, rao: of all miners together */
  readonly minersPerBlockRao: bigint;
  /** alpha of a block that nobody is paid, rao: root's part where the chain recycles it; undefined where it does not say */
  readonly recycledPerBlockRao: bigint | undefined;
  readonly blocksPerEpoch: number;
  /** what the first epoch's worth is of that in the long run; what it is less by */
  readonly firstEpoch: number;
  /** with nobody else paid: the most there is to have */
  readonly alone: Scenario;
  /** beside those that are paid now */
  readonly beside: Scenario;
  readonly worthLines: readonly Line[];
  readonly beginLines: readonly Line[];
}

export interface EarningsOf {
  readonly policy: ScoringPolicy;
  /** of the subnet's own, that the policy may name. @default none */
  readonly rules?: readonly ScoringRule[] | undefined;
  readonly sets: readonly KnownSet[];
  readonly slots: readonly ProvenSlot[];
  /** undefined: none was named */
  readonly hotkey: Hotkey | undefined;
  readonly chain: ChainSide;
  /** worth of all others by pool, as an operator gave it */
  readonly given?: ReadonlyMap<string, number> | undefined;
}

export function earningsOf(of: EarningsOf): Earnings {
  const { policy, chain, slots } = of;
  const { subnet } = chain;
  const hotkey = of.hotkey ?? NO_HOTKEY;
  const known = subnet.neurons.find((each) => each.hotkey === of.hotkey);
  // a new one's probation is told of apart
  const neuron: PaidNeuron = {
    coldkey: known?.coldkey ?? (hotkey as never), // names are all that scoring knows of it
    stakeRao: known?.stakeRao,
  };
  const long = inTheLongRun(policy);
  const whose = { policy: long, rules: of.rules, sets: of.sets, hotkey, neuron, owner: subnet.ownerHotkey };
  const pay = (others: Others) => wouldPay(whose, slots, others);
  const nobody: Beside = { basis: 'nobody', others: { is: 'nobody' }, said: 'nobody else is paid' };
  const alone = pay(nobody.others);
  const beside = besideOf(of, alone);
  const made = emissionOf(chain);
  const scenario = (who: Beside, would: WouldPay) => scenarioOf(who, { would, made, of });
  const first = wouldPay(
    { ...whose, policy, neuron: { ...neuron, registeredEpoch: 0 } },
    slots,
    nobody.others,
  );
  const worthAlone = sumOfWorth(alone);
  const firstEpoch = worthAlone === 0 ? 0 : sumOfWorth(first) / worthAlone;
  return {
    worth: Object.fromEntries(alone.pay.pools.map(({ name, worth }) => [name, worth])),
    minersPerBlockRao: made.perBlockRao,
    recycledPerBlockRao: made.recycledRao,
    blocksPerEpoch: made.blocks,
    firstEpoch,
    alone: scenario(nobody, alone),
    beside: scenario(beside, pay(beside.others)),
    worthLines: worthLines(policy, slots),
    beginLines: [
      ...beginLines(policy, firstEpoch),
      ...mechanismLines(subnet.mechanismCount),
      ...rootLines(made),
    ],
  };
}

const sumOf = (amounts: readonly number[]): number => amounts.reduce((sum, each) => sum + each, 0);
const sumOfWorth = ({ pay }: WouldPay): number => sumOf(pay.pools.map(({ worth }) => worth));

/** Of all miners together, in alpha. */
interface Made {
  readonly perBlockRao: bigint;
  readonly blocks: number;
  /** root's part, where the chain recycles it: it is divided no more; undefined where the chain does not say whether it does */
  readonly recycledRao: bigint | undefined;
  /** what would be, if it does */
  readonly rootRao: bigint;
}

/** Half of what an epoch divides by consensus (`run_coinbase`, `distribute_emission`), as it is in the present block. */
function emissionOf({ emission, subnet }: ChainSide): Made {
  const { alphaOutRao: alphaEmissionRao, ownerCut, movingPrices } = emission;
  const proportion = rootProportion(emission);
  const accrue = (rootSell: boolean) =>
    accrueBlock(NO_PENDING, { alphaEmissionRao, ownerCut, rootProportion: proportion, rootSell });
  const rootSell =
    movingPrices === undefined ? undefined : isRootSelling([{ movingPrice: movingPrices.bits }]);
  const { pending } = accrue(rootSell ?? true);
  const { recycledRao: rootRao } = accrue(false);
  const { nextEpochBlock, lastEpochBlock, tempo } = subnet;
  const blocks = nextEpochBlock === undefined ? tempo : Math.max(1, nextEpochBlock - lastEpochBlock);
  return {
    perBlockRao: epochEmission(pending) / 2n,
    blocks,
    recycledRao: rootSell === undefined ? undefined : rootSell ? 0n : rootRao,
    rootRao,
  };
}

/**
 * What others prove is in validators' ledgers and not on the chain. What is on it: how much of a pool with a target is filled, and
 * how many are paid.
 */
function besideOf({ given, policy, chain, hotkey }: EarningsOf, alone: WouldPay): Beside {
  const { neurons } = chain.subnet;
  const paid = othersPaid(chain.subnet, hotkey);
  const many = new Set(paid.map(({ coldkey }) => coldkey)).size;
  const worthOf = (byPool: ReadonlyMap<string, number>): Others => ({ is: 'worth', byPool, many });
  const alike =
    isLinear(policy) || many < 2 ? '' : ` (${many} coldkeys, as are paid now, taken to have as much each)`;
  if (given)
    return { basis: 'given', others: worthOf(given), said: `the others are worth what you gave${alike}` };
  const all = sumOf(neurons.map(({ incentive }) => incentive));
  if (paid.length === 0)
    return { basis: 'nobody', others: { is: 'nobody' }, said: 'nobody else is paid now' };
  const [pool] = policy.pools;
  if (
    policy.pools.length === 1 &&
    pool?.target !== undefined &&
    pool.unfilled !== 'spread' &&
    pool.share > 0
  ) {
    const { share, target } = pool;
    const filledBy = (miners: readonly Neuron[]) =>
      sumOf(miners.map(({ incentive }) => incentive)) / all / share;
    const filled = Math.min(1, filledBy(paid));
    // with what this hotkey has of it now: where it is full, their part says how they share, and not how much there is
    const isFull = filledBy(minersPaid(chain.subnet)) >= MOST_FILLED;
    const worth = filled * target;
    const others = worthOf(new Map([[pool.name, worth]]));
    if (!isFull)
      return {
        basis: 'filled',
        others,
        said: `others fill ${percent(filled)} of the pool's target now, so they are worth ${rounded(worth)}${alike}`,
      };
    if (worth > paid.length * sumOfWorth(alone))
      return {
        basis: 'filled',
        others,
        said: `the pool's target is filled, ${percent(filled)} of it by others, so they are worth ${rounded(worth)} at least${alike}: ${NAME_IT}`,
      };
  }
  return {
    basis: 'equals',
    others: { is: 'equals', many: paid.length },
    said: `as many others as are paid now, ${paid.length}, taken to prove as much each as this host${sumOfWorth(alone) === 0 ? ', which is nothing' : ''}: ${NAME_IT}`,
  };
}

/** Only then it is all one over how many coldkeys the worth of others is spread. */
const isLinear = ({ pay = 'linear', pools }: ScoringPolicy): boolean =>
  (pay === 'linear' || pay.exponent === 1) && pools.every(({ rule }) => !rule);

/** Those that the chain pays as miners now, but for one of them. */
const othersPaid = (subnet: ChainSide['subnet'], hotkey: Hotkey | undefined): readonly Neuron[] =>
  minersPaid(subnet).filter((each) => each.hotkey !== hotkey);

const NAME_IT = "what they prove is in validators' ledgers, name it with --others-worth";

/** Above it the pool is full, and its share says nothing of how much there is. */
const MOST_FILLED = 0.99;

function scenarioOf(
  { basis, said }: Beside,
  {
    would: { pay, row },
    made,
    of: { policy, chain, hotkey = NO_HOTKEY },
  }: {
    readonly would: WouldPay;
    readonly made: Made;
    readonly of: EarningsOf;
  },
): Scenario {
  const { perBlockRao, blocks } = made;
  const { blockTimeMs, priceRao } = chain;
  const { burned, all } = row;
  const known = chain.subnet.neurons.find((each) => each.hotkey === hotkey);
  const owner = ownerOf(chain.subnet);
  // of one that is not registered only its name is known
  const isOwner = isOfOwner(known ?? { hotkey, coldkey: '' }, owner);
  const mine = isOwner ? 0 : row.mine;
  const [part, whole] = [BigInt(mine), BigInt(Math.max(1, all))];
  const perEpochRao = perBlockRao * BigInt(blocks);
  const alphaPerEpochRao = (perEpochRao * part) / whole;
  const alphaPerDayRao = (perBlockRao * DAY_MS * part) / (BigInt(blockTimeMs) * whole);
  const taoPerDayRao = priceRao === undefined ? undefined : (alphaPerDayRao * priceRao) / RAO;
  const reason = pay.reasons.get(hotkey);
  const lines: Line[] = [
    ...(basis === 'nobody' ? [] : nowLines(chain, hotkey, perBlockRao)),
    ...pay.pools.map(({ name, worth, missed, target, dilution, paid }): Line => {
      const { share, rule } = policy.pools.find((each) => each.name === name)!; // the pay's pools are the policy's
      const full = target === undefined ? '' : `, target ${rounded(target)}`;
      const short =
        missed > 0 ? `, ${rounded(missed)} that proven slots missed of their classes is burned` : '';
      const thin = dilution < 1 ? `, each unit is paid ${percent(dilution)} of the full price` : '';
      const by = rule ? `, divided by the subnet's own rule ${rule.name}, version ${rule.version}` : '';
      const part = Number((paid * 1_000_000n) / pay.total) / 1e6;
      return {
        step: 'pool',
        text: `pool ${name}: ${percent(share)} of pay; worth ${rounded(worth)} in all${full}${short}${thin}; it pays out ${percent(part)}${by}`,
      };
    }),
    ...(reason?.cuts ?? []).map(
      ({ why, pool, factor }): Line => ({
        step: 'cut',
        text: `cut in ${pool}: ${why}, ${percent(factor)} is left`,
      }),
    ),
    ...(reason?.zero === undefined ? [] : [{ step: 'cut', text: `paid nothing: ${reason.zero}` } as const]),
    ...(isOwner
      ? [
          {
            step: 'cut',
            text: "paid nothing: the hotkey or its coldkey is the owner's, and what it earns as a miner is burned",
          } as const,
        ]
      : []),
    {
      step: 'weight',
      text: `weight: ${mine} of ${all}${burned > 0 ? `; ${burned} go to the owner's uid and are burned` : ''}`,
    },
    {
      step: 'emission',
      text: emissionText(chain.emission, made),
    },
    {
      step: 'earning',
      text: `${taoText(perEpochRao)} x ${mine} / ${all} = ${taoText(alphaPerEpochRao)} alpha an epoch; ${(86_400_000 / blockTimeMs).toFixed(0)} blocks a day = ${taoText(alphaPerDayRao)} alpha a day`,
    },
    ...(priceRao === undefined || taoPerDayRao === undefined
      ? []
      : [
          {
            step: 'earning',
            text: `at ${taoText(priceRao)} TAO for 1 alpha: ${taoText(taoPerDayRao)} TAO a day, before the pool's fee and what selling moves it`,
          } as const,
          ...paybackOf(chain.registrationRao, taoPerDayRao),
        ]),
  ];
  return { basis, said, weight: mine, weights: all, alphaPerEpochRao, alphaPerDayRao, taoPerDayRao, lines };
}

function emissionText(
  { alphaOutRao, ownerCut, movingPrices }: SubnetEmission,
  { perBlockRao, blocks, recycledRao = 0n }: Made,
): string {
  const recycled =
    recycledRao > 0n && movingPrices
      ? ` and ${taoText(recycledRao)} of root's stakers, which the chain recycles while the average prices of its subnets sum to 1 TAO or less (now ${fixedText(movingPrices)})`
      : '';
  return `the subnet makes ${taoText(alphaOutRao)} alpha a block; less ${ownerCut}/65535 for its owner${recycled}, half of the rest is the miners': ${taoText(perBlockRao)} a block, x ${blocks} blocks = ${taoText(perBlockRao * BigInt(blocks))} an epoch`;
}

/** What others have of the present emission, by their incentive: the bounds within which most that is foreseen should lie. */
function nowLines({ subnet, blockTimeMs }: ChainSide, hotkey: Hotkey, perBlockRao: bigint): readonly Line[] {
  const all = sumOf(subnet.neurons.map(({ incentive }) => incentive));
  const paid = othersPaid(subnet, hotkey)
    .map(({ incentive }) => incentive)
    .sort((a, b) => a - b);
  if (paid.length === 0) return [];
  const perDay = (incentive: number): string =>
    taoText((perBlockRao * DAY_MS * BigInt(incentive)) / (BigInt(blockTimeMs) * BigInt(all)));
  const [least, median, most] = [paid[0]!, paid[paid.length >> 1]!, paid.at(-1)!]; // there is one
  const text =
    paid.length === 1
      ? `1 other is paid now: ${perDay(most)} alpha a day`
      : `${paid.length} others are paid now: from ${perDay(least)} to ${perDay(most)} alpha a day each, and half of them ${perDay(median)} or more`;
  return [{ step: 'now', text }];
}

function paybackOf(costRao: bigint, perDayRao: bigint): readonly Line[] {
  if (perDayRao <= 0n || costRao <= 0n) return [];
  const days = Number((costRao * 100n) / perDayRao) / 100;
  const text = `a registration, ${taoText(costRao)} TAO now, is earned in ${days < 0.01 ? 'less than 0.01' : days} days`;
  return [{ step: 'earning', text }];
}

const UNITS: Readonly<Record<Resource, string>> = {
  opsPerS: 'op/s',
  hashBytesPerS: 'B/s hashed',
  deviceBytes: 'B of device memory',
  deviceBytesPerS: 'B/s of device memory',
  hostBytes: 'B of host memory',
  hostBytesPerS: 'B/s of host memory',
  storageBytes: 'B of storage',
  storageBytesPerS: 'B/s of storage',
  downBytesPerS: 'B/s from peers',
  upBytesPerS: 'B/s to peers',
};

/** `223 Gop/s / 1 Pop/s x 1 = 0.000223`, and their sum. */
function worthLine(policy: ScoringPolicy, slot: ProvenSlot): Line {
  const { kind, class: name, credit, simulated } = slot;
  const pool = policy.pools[poolIndexOf(policy, kind, name)];
  const prices = (simulated ? pool?.simulatedPrices : pool?.prices) ?? {};
  const terms = Object.entries(prices).flatMap(([resource, price]) => {
    const amount = credit[resource as Resource] ?? 0; // the keys of prices are resources
    if (!price || amount === 0) return [];
    const worth = (amount / price.of) * price.counts;
    const unit = UNITS[resource as Resource];
    return [
      {
        worth,
        text: `${scaled(amount)}${unit} / ${scaled(price.of)}${unit.split(' ')[0]} x ${price.counts} = ${rounded(worth)}`,
      },
    ];
  });
  const head = `${kind} ${name}`;
  if (!pool) return { step: 'worth', text: `${head}: no pool of the policy pays for it` };
  if (terms.length === 0)
    return {
      step: 'worth',
      text: `${head}: pool ${pool.name} has no price for what it proved${simulated ? ' on a simulated device' : ''}`,
    };
  const sum = terms.reduce((all, { worth }) => all + worth, 0);
  return {
    step: 'worth',
    text: `${head}: ${terms.map(({ text }) => text).join('; ')}${terms.length > 1 ? `; together ${rounded(sum)}` : ''} (pool ${pool.name})`,
  };
}

/** Equal slots are one line. */
function worthLines(policy: ScoringPolicy, slots: readonly ProvenSlot[]): readonly Line[] {
  const many = new Map<string, number>();
  for (const slot of slots) {
    const { text } = worthLine(policy, slot);
    many.set(text, (many.get(text) ?? 0) + 1);
  }
  return [...many].map(([text, times]) => ({
    step: 'worth',
    text: times === 1 ? text : `${times} x ${text}`,
  }));
}

function mechanismLines(count: number): readonly Line[] {
  if (count <= 1) return [];
  const text = `the subnet has ${count} mechanisms, of which each has a part: what is counted here is as if all of them paid like this`;
  return [{ step: 'begin', text }];
}

function rootLines({ recycledRao, rootRao, perBlockRao }: Made): readonly Line[] {
  if (recycledRao !== undefined || rootRao === 0n) return [];
  const text = `this chain does not say what its subnets cost on average: where that sums to 1 TAO or less, ${percent(Number(rootRao) / (2 * Number(perBlockRao)))} less is paid`;
  return [{ step: 'begin', text }];
}

function beginLines(
  { memory, probation, uptime, rented }: ScoringPolicy,
  firstEpoch: number,
): readonly Line[] {
  const lines: string[] = [];
  if (firstEpoch < 1) lines.push(`in its first epoch a new hotkey counts ${percent(firstEpoch)} of that`);
  if (memory?.retain)
    lines.push(`worth is remembered: ${memory.retain} of the epoch before, the rest of what is proven now`);
  if (probation)
    lines.push(`probation: from ${percent(probation.start)} to all within ${probation.epochs} epochs`);
  if (uptime)
    lines.push(
      `uptime: ${percent(1 - uptime.floor)} of it hangs on answering every check, and is there after some epochs`,
    );
  if (rented) lines.push(`a slot that nobody rents has ${percent(rented.idle)} of it; that is counted above`);
  return lines.map((text) => ({ step: 'begin', text }));
}

const rounded = (value: number): string => `${Number(value.toPrecision(6))}`;
const percent = (share: number): string => `${Number((100 * share).toPrecision(5))} %`;
