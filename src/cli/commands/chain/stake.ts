// Owns: `assay chain stake | unstake`.
import { z } from 'zod';
import type { SimulatedSwap, Swap } from '../../../chain/operator-reads.js';
import type { Done } from '../../../chain/subtensor/operate.js';
import type { Operation } from '../../../chain/subtensor/operations/operation.js';
import {
  addStake,
  addStakeLimit,
  removeAllStake,
  removeStake,
  removeStakeLimit,
  unstakeAll,
} from '../../../chain/subtensor/operations/staking.js';
import { AssayError, isAssayError } from '../../../model/errors.js';
import { type Hotkey, toNetuid } from '../../../model/ids.js';
import { loadFlags } from '../../config.js';
import { type Fact, lossPercent } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { type ChainClient, networkFlags, withChain } from '../../networks.js';
import { EXIT } from '../../output.js';
import { printDone, sendingFlags, sendOperation, withoutSecret } from '../../sending.js';
import { coldkeySigner, hotkeyAddress, walletFlags } from '../../signers.js';
import { raoOf, taoText } from '../../tao.js';
import { amountFlag, netuidFlag } from './flags.js';

const schema = z.strictObject({
  ...networkFlags,
  ...walletFlags,
  ...sendingFlags,
  netuid: netuidFlag.optional(),
  amount: amountFlag.optional(),
  all: z.boolean().default(false),
  limitPrice: amountFlag.optional(),
  tolerance: z
    .string()
    .regex(/^(off|\d{1,2}(\.\d{1,4})?)$/, 'expected percent in 0..99.9999, or off')
    .optional(),
  allowPartial: z.boolean().default(false),
});
type Options = z.infer<typeof schema>;

export const chainStake = (
  amount: string | undefined,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> => trade('stake', loadFlags(schema, { ...flags, amount }), signal);

export const chainUnstake = (
  amount: string | undefined,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> => trade('unstake', loadFlags(schema, { ...flags, amount }), signal);

type Side = 'stake' | 'unstake';

async function trade(side: Side, options: Options, signal: AbortSignal): Promise<number> {
  const { netuid, json } = options;
  const amountRao = amountOf(options);
  if (netuid === undefined && (side === 'stake' || !options.all))
    throw invalid('--netuid', 'the number of a subnet', 'none');
  const wish = wishOf(options);
  const hotkey = await hotkeyAddress(options, signal);
  const signer = await coldkeySigner(options, signal);
  return withChain(options, signal, async (chain) => {
    const place = { chain, hotkey, signer: signer.address };
    const wanted =
      netuid === undefined
        ? await everything(place)
        : await (side === 'stake' ? toStake : toUnstake)({
            ...place,
            netuid,
            amountRao,
            limit: await limitOf(chain, netuid, side, wish),
          });
    const sent = await sendOperation({ chain, signer, ...wanted, flags: options }, signal);
    if (sent.is === 'not-sent') return sent.code;
    const { done } = sent;
    const moves = movesIn(done.events, side);
    if (netuid === undefined) {
      const taoRao = moves.reduce((sum, move) => sum + (move.taoRao ?? 0n), 0n);
      const parts = moves.map((move) => `subnet ${move.netuid}: ${movedText(side, move.netuid, move)}`);
      const text = [...parts, `unstaked everything for ${taoText(taoRao)} TAO`].join('\n');
      printDone(done, json, text, { ...wanted.data, taoRao, unstaked: moves });
      return EXIT.ok;
    }
    const [{ taoRao, alphaRao, swapFeeRao } = NOT_KNOWN] = moves;
    const text = movedText(side, netuid, { taoRao, alphaRao, swapFeeRao });
    printDone(done, json, text, { ...wanted.data, taoRao, alphaRao, swapFeeRao });
    return EXIT.ok;
  });
}

interface Move {
  readonly netuid: number;
  readonly taoRao: bigint | undefined;
  readonly alphaRao: bigint | undefined;
  /** in what was sold */
  readonly swapFeeRao: bigint | undefined;
}
const NOT_KNOWN = { taoRao: undefined, alphaRao: undefined, swapFeeRao: undefined };

/** StakeAdded or StakeRemoved (coldkey, hotkey, TAO, alpha, netuid, fee of the swap in what was sold), one each subnet. */
export function movesIn(events: Done['events'], side: Side): readonly Move[] {
  const wanted = side === 'stake' ? 'StakeAdded' : 'StakeRemoved';
  return events
    .filter(({ name }) => name === wanted)
    .map(({ data }) => {
      const [, , tao, alpha, netuid, fee] = data as readonly (number | bigint | string | undefined)[];
      const [taoRao, alphaRao, swapFeeRao] = [tao, alpha, fee].map((rao) =>
        rao === undefined ? undefined : BigInt(rao),
      );
      return { netuid: Number(netuid), taoRao, alphaRao, swapFeeRao };
    });
}

function amountOf({ amount, all }: Options): bigint | undefined {
  if ((amount === undefined) !== all)
    throw invalid('the amount', 'either an amount or --all', all ? 'both' : 'neither');
  if (amount === undefined) return undefined;
  const rao = raoOf(amount, 'the amount');
  if (rao === 0n) throw invalid('the amount', 'more than 0', amount);
  return rao;
}

function movedText(
  side: Side,
  netuid: number,
  {
    taoRao,
    alphaRao,
    swapFeeRao = 0n,
  }: Readonly<Record<'taoRao' | 'alphaRao' | 'swapFeeRao', bigint | undefined>>,
): string {
  const word = side === 'stake' ? 'staked' : 'unstaked';
  if (taoRao === undefined || alphaRao === undefined) return word;
  const tao = `${taoText(taoRao)} TAO`;
  if (netuid === 0) return `${word} ${tao}`;
  // what was sold with the fee in it: the event has the fee apart where alpha is sold
  const sold = side === 'stake' ? tao : `${taoText(alphaRao + swapFeeRao)} alpha`;
  const bought = side === 'stake' ? `${taoText(alphaRao)} alpha` : tao;
  const unit = side === 'stake' ? 'TAO' : 'alpha';
  const fee = swapFeeRao > 0n ? ` (fee of the swap included: ${taoText(swapFeeRao)} ${unit})` : '';
  return `${word} ${sold} for ${bought}${fee}`;
}

interface Limit {
  readonly limitPriceRao: bigint;
  readonly allowPartial: boolean;
  readonly tolerancePercent?: string;
}

/** As the safe staking of btcli has it. */
const DEFAULT_TOLERANCE = '5';

type Wish =
  | { readonly is: 'any-price' }
  | { readonly is: 'price'; readonly limitPriceRao: bigint; readonly allowPartial: boolean }
  | { readonly is: 'tolerance'; readonly percent: string; readonly allowPartial: boolean };

function wishOf({ limitPrice, tolerance, allowPartial, netuid }: Options): Wish {
  if (limitPrice !== undefined && tolerance !== undefined)
    throw invalid('--tolerance', 'either it or --limit-price', 'both');
  if (netuid === undefined && (limitPrice ?? tolerance ?? 'off') !== 'off')
    throw invalid('--netuid', 'a subnet, of which a price can be limited', 'none');
  if (limitPrice !== undefined)
    return { is: 'price', limitPriceRao: raoOf(limitPrice, '--limit-price'), allowPartial };
  if (tolerance !== 'off' && netuid !== undefined)
    return { is: 'tolerance', percent: tolerance ?? DEFAULT_TOLERANCE, allowPartial };
  if (!allowPartial) return { is: 'any-price' };
  throw invalid('--allow-partial', 'a limit beside it, which says how much is served', 'none');
}

/** undefined: at any price. On root one TAO is one TAO, and without a price there is nothing to keep to. */
async function limitOf(
  chain: ChainClient,
  netuid: number,
  side: Side,
  wish: Wish,
): Promise<Limit | undefined> {
  if (wish.is === 'any-price') return undefined;
  if (wish.is === 'price') return { limitPriceRao: wish.limitPriceRao, allowPartial: wish.allowPartial };
  if (netuid === 0 || !(await chain.features()).stakeLimits) return undefined;
  const { alphaRao } = await chain.prices(toNetuid(netuid));
  if (alphaRao === undefined) return undefined;
  const { percent, allowPartial } = wish;
  return { limitPriceRao: limitPriceOf(alphaRao, side, percent), allowPartial, tolerancePercent: percent };
}

/** Of 100 %, to the digit that `--tolerance` takes. */
const WHOLE = 1_000_000n;

/** @param percent a decimal with at most four digits after the point */
export function limitPriceOf(priceRao: bigint, side: Side, percent: string): bigint {
  const [whole = '0', fraction = ''] = percent.split('.');
  const part = BigInt(whole + fraction.padEnd(4, '0'));
  if (side === 'unstake') return (priceRao * (WHOLE - part)) / WHOLE;
  return (priceRao * (WHOLE + part) + WHOLE - 1n) / WHOLE;
}

interface Place {
  readonly chain: ChainClient;
  readonly hotkey: Hotkey;
  readonly signer: string;
  readonly netuid: number;
  /** undefined: all of it */
  readonly amountRao: bigint | undefined;
  readonly limit: Limit | undefined;
}

interface Wanted {
  readonly operation: Operation;
  readonly what: string;
  readonly facts: readonly Fact[];
  readonly data: TradeData;
}

/** What the swap would give now; nothing of it is known where nothing is swapped, or the runtime cannot say. */
interface Expectation {
  /** TAO for 1 alpha */
  readonly priceRao?: bigint | undefined;
  readonly expectedRao?: bigint;
  readonly swapFeeTaoRao?: bigint;
  readonly swapFeeAlphaRao?: bigint;
  /** how much worse than the price that is, the fee included */
  readonly slippagePercent?: string | undefined;
}

interface TradeData extends Expectation, Partial<Limit> {
  /** absent where it is all subnets */
  readonly netuid?: number;
  readonly hotkey: string;
  /** what is sold */
  readonly amountRao?: bigint;
  /** TAO of the signer before */
  readonly balanceRao?: bigint;
  /** alpha on that hotkey before */
  readonly stakeRao?: bigint;
  /** of everything that is unstaked: what there was */
  readonly stakes?: readonly {
    readonly netuid: number;
    readonly hotkey: string;
    readonly alphaRao: bigint;
  }[];
}

async function toStake(place: Place): Promise<Wanted> {
  const { chain, hotkey, signer, netuid, limit } = place;
  const [balance] = await chain.balances([signer]);
  const free = balance!.freeRao; // one address, one balance
  const amountRao = place.amountRao ?? (await spendable(place, free));
  const swap = await expected(chain, netuid, { sell: 'tao', amountRao });
  const operation = limit
    ? addStakeLimit(netuid, hotkey, amountRao, limit)
    : addStake(netuid, hotkey, amountRao);
  const { facts, data } = await expectation(chain, netuid, swap, { sell: 'tao', amountRao });
  return {
    operation,
    what: `stake ${taoText(amountRao)} TAO to ${hotkey} in subnet ${netuid}`,
    facts: [
      ['subnet', netuid],
      ['hotkey', hotkey],
      ['pays', `${taoText(amountRao)} TAO of ${taoText(free)}`],
      ...facts,
      ...limitFacts(place, 'at most'),
    ],
    data: { netuid, hotkey, amountRao, balanceRao: free, ...data, ...limit },
  };
}

/** What is left of the balance when the fee is paid and the account stays. */
async function spendable({ chain, hotkey, signer, netuid }: Place, freeRao: bigint): Promise<bigint> {
  const [deposit, { feeRao }] = await Promise.all([
    chain.existentialDepositRao(),
    chain.preview(withoutSecret(signer), addStake(netuid, hotkey, freeRao)),
  ]);
  const rao = freeRao - deposit - (feeRao ?? 0n);
  if (rao > 0n) return rao;
  throw invalid('--all', 'a balance above what must stay and the fee', `${taoText(freeRao)} TAO`);
}

async function toUnstake(place: Place): Promise<Wanted> {
  const { chain, hotkey, signer, netuid, limit } = place;
  const held = await heldRao(place);
  if (held === 0n || (place.amountRao !== undefined && held !== undefined && place.amountRao > held)) {
    const wanted = place.amountRao === undefined ? 'some stake' : `at least ${taoText(place.amountRao)}`;
    throw invalid(
      'the stake',
      `${wanted} of ${signer} on ${hotkey} in subnet ${netuid}`,
      taoText(held ?? 0n),
    );
  }
  const amountRao = place.amountRao ?? held ?? 0n;
  const swap = await expected(chain, netuid, { sell: 'alpha', amountRao });
  const operation =
    // the call for all of it serves all or nothing
    place.amountRao === undefined && !limit?.allowPartial
      ? removeAllStake(netuid, hotkey, limit?.limitPriceRao)
      : limit
        ? removeStakeLimit(netuid, hotkey, amountRao, limit)
        : removeStake(netuid, hotkey, amountRao);
  const { facts, data } = await expectation(chain, netuid, swap, { sell: 'alpha', amountRao });
  const unit = netuid === 0 ? 'TAO' : 'alpha';
  return {
    operation,
    what: `unstake ${taoText(amountRao)} ${unit} from ${hotkey} in subnet ${netuid}`,
    facts: [
      ['subnet', netuid],
      ['hotkey', hotkey],
      [
        'takes',
        `${taoText(amountRao)} ${unit} of ${held === undefined ? 'an unknown stake' : taoText(held)}`,
      ],
      ...facts,
      ...limitFacts(place, 'at least'),
    ],
    data: { netuid, hotkey, amountRao, stakeRao: held, ...data, ...limit },
  };
}

async function everything({
  chain,
  hotkey,
  signer,
}: Pick<Place, 'chain' | 'hotkey' | 'signer'>): Promise<Wanted> {
  const stakes = (await chain.stakesOf(signer)).filter(
    (stake) => stake.hotkey === hotkey && stake.alphaRao > 0n,
  );
  if (stakes.length === 0) throw invalid('the stake', `some of ${signer} on ${hotkey}`, 'none');
  return {
    operation: unstakeAll(hotkey),
    what: `unstake everything from ${hotkey} in all subnets, at any price`,
    facts: [
      ['hotkey', hotkey],
      ...stakes.map(
        ({ netuid, alphaRao }): Fact => [
          `subnet ${netuid}`,
          `${taoText(alphaRao)} ${netuid === 0 ? 'TAO' : 'alpha'}`,
        ],
      ),
    ],
    data: { hotkey, stakes },
  };
}

async function heldRao({ chain, hotkey, signer, netuid }: Place): Promise<bigint> {
  const stakes = await chain.stakesOf(signer);
  return stakes.find((stake) => stake.hotkey === hotkey && stake.netuid === netuid)?.alphaRao ?? 0n;
}

const limitFacts = ({ limit, netuid }: Place, word: string): readonly Fact[] =>
  limit
    ? [
        [
          'price limit',
          `${word} ${taoText(limit.limitPriceRao)} TAO for 1 alpha${limit.tolerancePercent === undefined ? '' : `, a tolerance of ${limit.tolerancePercent} %`}`,
        ],
        ['beyond it', limit.allowPartial ? 'what the limit allows is served' : 'nothing is served'],
      ]
    : [['price limit', netuid === 0 ? undefined : 'none: at any price']];

/** What the swap would give now; undefined on root, where nothing is swapped, and where the runtime cannot say. */
async function expected(chain: ChainClient, netuid: number, swap: Swap): Promise<SimulatedSwap | undefined> {
  if (netuid === 0) return undefined;
  try {
    return await chain.simulateSwap(toNetuid(netuid), swap);
  } catch (error) {
    if (isAssayError(error, 'unsupported')) return undefined;
    // the pool itself refuses the amount; the operation's own check says it in the chain's words
    if (error instanceof AssayError && error.code === 'refused') return undefined;
    throw error;
  }
}

/** What is got, what the swap's fee is, and how much worse that is than the price says. */
async function expectation(
  chain: ChainClient,
  netuid: number,
  swap: SimulatedSwap | undefined,
  { sell, amountRao }: Swap,
): Promise<{ readonly facts: readonly Fact[]; readonly data: Expectation }> {
  const { alphaRao: priceRao } = await chain.prices(toNetuid(netuid));
  const buys = sell === 'tao';
  const price: Fact = ['price', priceRao === undefined ? undefined : `${taoText(priceRao)} TAO for 1 alpha`];
  if (netuid === 0) return { facts: [['gets', `${taoText(amountRao)} TAO, one for one`]], data: {} };
  if (!swap)
    return { facts: [price, ['gets', 'not known: this runtime simulates no swaps']], data: { priceRao } };
  const gotRao = buys ? swap.alphaRao : swap.taoRao;
  const ideal =
    priceRao === undefined || priceRao === 0n
      ? undefined
      : buys
        ? (amountRao * 1_000_000_000n) / priceRao
        : (amountRao * priceRao) / 1_000_000_000n;
  const slippagePercent = ideal === undefined ? undefined : lossPercent(ideal, gotRao);
  const feeText =
    swap.taoFeeRao > 0n ? `${taoText(swap.taoFeeRao)} TAO` : `${taoText(swap.alphaFeeRao)} alpha`;
  return {
    facts: [
      price,
      ['gets about', `${taoText(gotRao)} ${buys ? 'alpha' : 'TAO'}`],
      ['fee of the swap', feeText],
      [
        'worse than the price',
        slippagePercent === undefined ? undefined : `${slippagePercent} %, fee included`,
      ],
    ],
    data: {
      priceRao,
      expectedRao: gotRao,
      swapFeeTaoRao: swap.taoFeeRao,
      swapFeeAlphaRao: swap.alphaFeeRao,
      slippagePercent,
    },
  };
}
