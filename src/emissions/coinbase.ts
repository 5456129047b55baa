// Owns: how much alpha a block makes, for whom it is set aside, and who is credited at the epoch
// (subtensor coinbase/block_emission.rs and run_coinbase.rs).
// Does not own: TAO shares (shares.ts) and injection (injection.ts), what parents are owed (children.ts), storage.
import { familyDividends, type Relations } from './children.js';
import { U96F32 } from './fixed.js';
import { taoWeightFraction } from './stake.js';

/** 21 million tokens of 10^9 rao: the cap of TAO and of each subnet's alpha. */
export const TOTAL_SUPPLY_RAO = 21_000_000_000_000_000n;
/** `DefaultBlockEmission` */
export const DEFAULT_BLOCK_EMISSION_RAO = 1_000_000_000n;
/** `DefaultSubnetOwnerCut`, u16: 17.9995 % */
export const DEFAULT_OWNER_CUT = 11_796;
/** `DefaultDelegateTake`, u16: 17.9995 % */
export const DEFAULT_TAKE = 11_796;

/**
 * `get_block_emission_for_issuance`: 1 token a block, halved each time half of what was left has been issued.
 * For TAO of all TAO issued; for a subnet's alpha of `SubnetAlphaIn + SubnetAlphaOut`.
 *
 * The chain floors log2(1/(1 − issued/supply)) in 32 fraction bits, and its quotients truncate: k halvings have passed
 * exactly when what is left is at most supply/2^k. (substrate-fixed's log2 rounds its shifts up, transcendental.rs `rs`;
 * that never decides, for below 2^k the quotient stays at least 2^(2k) units short of it.)
 */
export function blockEmission(issuanceRao: bigint): bigint {
  if (issuanceRao >= TOTAL_SUPPLY_RAO) return 0n;
  let rest = (TOTAL_SUPPLY_RAO - issuanceRao) << 1n;
  let emission = DEFAULT_BLOCK_EMISSION_RAO;
  while (rest <= TOTAL_SUPPLY_RAO) {
    rest <<= 1n;
    emission >>= 1n;
  }
  return emission;
}

/** `root_proportion`: root TAO × weight against that plus the subnet's alpha issuance; raw U96F32. */
export function rootProportion(parts: {
  readonly rootTaoRao: bigint;
  readonly alphaIssuanceRao: bigint;
  /** stored `TaoWeight`, u64 */
  readonly taoWeight: bigint;
}): bigint {
  // an integer times a raw fraction: no shift needed, and below 2^96 nothing saturates
  const root = parts.rootTaoRao * taoWeightFraction(parts.taoWeight);
  return U96F32.div(root, root + (parts.alphaIssuanceRao << U96F32.fractionBits));
}

/** What a subnet set aside since its last epoch (`PendingServerEmission` and its siblings), rao of alpha. */
export interface PendingEmission {
  readonly serverRao: bigint;
  readonly validatorRao: bigint;
  readonly rootRao: bigint;
  readonly ownerCutRao: bigint;
}

export const NO_PENDING: PendingEmission = { serverRao: 0n, validatorRao: 0n, rootRao: 0n, ownerCutRao: 0n };

/**
 * One block's alpha for the participants (`emit_to_subnets`, step 3): all of it is minted into AlphaOut, then set aside
 * in parts that each floor to rao; what the floors cut off stays unassigned.
 *
 * @returns the pendings after the block, and what leaves AlphaOut again
 */
export function accrueBlock(
  pending: PendingEmission,
  block: {
    readonly alphaEmissionRao: bigint;
    /** u16; 0 when the subnet's owner cut is off */
    readonly ownerCut: number;
    /** raw U96F32, at most 1: of the issuance with this block's injection and alpha in it */
    readonly rootProportion: bigint;
    /** the moving prices of all subnets sum to more than 1 (`get_network_root_sell_flag`); else root's part is recycled */
    readonly rootSell: boolean;
  },
): { readonly pending: PendingEmission; readonly recycledRao: bigint } {
  // raw U96F32; nothing saturates: cut and root proportion are at most 1, and halving is a shift
  const ownerCut = block.alphaEmissionRao * ownerCutFraction(block.ownerCut);
  const rest = (block.alphaEmissionRao << U96F32.fractionBits) - ownerCut;
  const root = (block.rootProportion * rest) >> (U96F32.fractionBits + 1n);
  const server = rest >> 1n;
  const validator = rest - server - root;
  const rootRao = root >> U96F32.fractionBits;
  return {
    pending: {
      serverRao: pending.serverRao + (server >> U96F32.fractionBits),
      validatorRao: pending.validatorRao + (validator >> U96F32.fractionBits),
      rootRao: pending.rootRao + (block.rootSell ? rootRao : 0n),
      ownerCutRao: pending.ownerCutRao + (ownerCut >> U96F32.fractionBits),
    },
    recycledRao: block.rootSell ? 0n : rootRao,
  };
}

/** What the epoch distributes by consensus: everything set aside except the owner's cut (`distribute_emission`). */
export const epochEmission = (pending: PendingEmission): bigint =>
  pending.serverRao + pending.validatorRao + pending.rootRao;

/** A registered neuron at its epoch. */
export interface Payee {
  readonly hotkey: string;
  /** owner of the hotkey */
  readonly coldkey: string;
  /** of all mechanisms together */
  readonly serverEmissionRao: bigint;
  readonly validatorEmissionRao: bigint;
  /** `TotalHotkeyAlpha` on this subnet */
  readonly alphaStakeRao: bigint;
  readonly rootStakeRao: bigint;
  /** `Delegates`, u16 */
  readonly take: number;
  /** the coldkey's `AutoStakeDestination` on this subnet */
  readonly autoStakeHotkey?: string;
  /** without: neither children nor parents */
  readonly family?: Family;
}

/** A validator's child keys at its epoch. */
export interface Family extends Relations {
  /** `ChildkeyTake`, u16: what the validator takes of its parents' dividends */
  readonly childkeyTake: number;
}

/** A parent that is no neuron of the subnet itself, at the epoch. */
export interface Outsider {
  readonly hotkey: string;
  readonly coldkey: string;
  readonly alphaStakeRao: bigint;
  readonly rootStakeRao: bigint;
  /** `Delegates`, u16 */
  readonly take: number;
}

/** Alpha to add to a stake. */
export interface StakeCredit {
  readonly reason: 'owner-cut' | 'incentive' | 'take' | 'dividend';
  readonly hotkey: string;
  /** undefined: to all who stake on the hotkey, pro rata */
  readonly coldkey: string | undefined;
  readonly amountRao: bigint;
}

export interface Payout {
  /** amounts above 0 only: owner's cut, then incentives, then takes and dividends, in the order of `payees` */
  readonly credits: readonly StakeCredit[];
  /** incentive of the owner's hotkeys that is destroyed while AlphaOut stays as it is (`burn_subnet_alpha`) */
  readonly burnedRao: bigint;
  /** the same, taken out of AlphaOut so that the emission curve rewinds (`recycle_subnet_alpha`) */
  readonly recycledRao: bigint;
  /** out of AlphaOut as well: `CKBurn` of dividends that went to parents of another coldkey */
  readonly recycledOfParentsRao: bigint;
  /** `MinerBurned`: withheld ÷ all incentive, raw U96F32 */
  readonly minerBurned: bigint;
  /** `AlphaDividendsPerSubnet`, net of take, by payee */
  readonly alphaDividendsRao: readonly bigint[];
  /** what raises `RootClaimable`, net of take, by payee */
  readonly rootDividendsRao: readonly bigint[];
  /** the same two for `outsiders` */
  readonly outsiderAlphaDividendsRao: readonly bigint[];
  readonly outsiderRootDividendsRao: readonly bigint[];
}

interface Keys {
  readonly hotkey: string;
  /** owner of the hotkey */
  readonly coldkey: string;
}

/** Whoever owns the subnet does not mine it, under any hotkey (`get_owner_hotkeys`, run_coinbase.rs). */
export const isOfOwner = ({ hotkey, coldkey }: Keys, owner: Keys): boolean =>
  hotkey === owner.hotkey || coldkey === owner.coldkey;

/**
 * Who gets what at the epoch (`distribute_emission`). Consensus decides the incentives; of dividends it decides only the
 * proportions, the amounts come from what was set aside.
 *
 * @throws RangeError when a parent is neither among `payees` nor among `outsiders`
 */
export function distributeEmission(input: {
  /** drained at this epoch */
  readonly pending: PendingEmission;
  readonly payees: readonly Payee[];
  /** `SubnetOwnerHotkey` and `SubnetOwner` */
  readonly owner: Keys;
  /** `RecycleOrBurn`; the chain burns when it is unset */
  readonly recycleOrBurn: 'burn' | 'recycle';
  /** stored `TaoWeight`, u64 */
  readonly taoWeight: bigint;
  /**
   * parents without a uid here; they earn as validators do
   * @default []
   */
  readonly outsiders?: readonly Outsider[];
  /**
   * stored `CKBurn`, u64
   * @default 0
   */
  readonly ckBurn?: bigint;
}): Payout {
  const { pending, payees, owner, outsiders = [], ckBurn = 0n } = input;
  const credits: StakeCredit[] = [];
  const credit = (entry: StakeCredit): void => {
    if (entry.amountRao > 0n) credits.push(entry);
  };
  credit({ reason: 'owner-cut', ...owner, amountRao: pending.ownerCutRao });

  let incentiveRao = 0n;
  let withheldRao = 0n;
  for (const { hotkey, coldkey, serverEmissionRao, autoStakeHotkey } of payees) {
    incentiveRao += serverEmissionRao;
    if (isOfOwner({ hotkey, coldkey }, owner)) withheldRao += serverEmissionRao;
    else
      credit({
        reason: 'incentive',
        hotkey: autoStakeHotkey ?? hotkey,
        coldkey,
        amountRao: serverEmissionRao,
      });
  }

  // without any incentive the validators get the miners' part as well
  const validatorRao = incentiveRao === 0n ? pending.validatorRao + pending.serverRao : pending.validatorRao;
  const earners: readonly Outsider[] = [...payees, ...outsiders];
  const earned = byFamilies(payees, outsiders, ckBurn, input.taoWeight);
  const { alpha, root } = splitDividends(earners, earned.dividendsRao, {
    validatorRao,
    rootRao: pending.rootRao,
    taoWeight: input.taoWeight,
  });
  const alphaDividendsRao: bigint[] = [];
  const rootDividendsRao: bigint[] = [];
  earners.forEach(({ hotkey, coldkey, take }, index) => {
    const fromAlpha = withoutTake(alpha[index]!, take);
    const fromRoot = withoutTake(root[index]!, take);
    credit({ reason: 'take', hotkey, coldkey, amountRao: fromAlpha.takeRao });
    credit({ reason: 'dividend', hotkey, coldkey: undefined, amountRao: fromAlpha.restRao });
    credit({ reason: 'take', hotkey, coldkey, amountRao: fromRoot.takeRao });
    alphaDividendsRao.push(fromAlpha.restRao);
    rootDividendsRao.push(fromRoot.restRao);
  });

  return {
    credits,
    burnedRao: input.recycleOrBurn === 'burn' ? withheldRao : 0n,
    recycledRao: input.recycleOrBurn === 'recycle' ? withheldRao : 0n,
    recycledOfParentsRao: earned.recycledRao,
    minerBurned: U96F32.div(U96F32.fromInteger(withheldRao), U96F32.fromInteger(incentiveRao)),
    alphaDividendsRao: alphaDividendsRao.slice(0, payees.length),
    rootDividendsRao: rootDividendsRao.slice(0, payees.length),
    outsiderAlphaDividendsRao: alphaDividendsRao.slice(payees.length),
    outsiderRootDividendsRao: rootDividendsRao.slice(payees.length),
  };
}

/** Consensus' dividends after parents had theirs (`calculate_dividends_and_incentives`), by payee, then by outsider. */
function byFamilies(
  payees: readonly Payee[],
  outsiders: readonly Outsider[],
  ckBurn: bigint,
  taoWeight: bigint,
): { readonly dividendsRao: readonly bigint[]; readonly recycledRao: bigint } {
  const dividendsRao = [
    ...payees.map(({ validatorEmissionRao }) => validatorEmissionRao),
    ...outsiders.map(() => 0n),
  ];
  if (payees.every(({ family }) => family === undefined)) return { dividendsRao, recycledRao: 0n };
  const places = new Map([...payees, ...outsiders].map(({ hotkey }, index) => [hotkey, index]));
  let recycledRao = 0n;
  payees.forEach(({ hotkey, coldkey, validatorEmissionRao, alphaStakeRao, rootStakeRao, family }, index) => {
    if (!family) return;
    const shared = familyDividends({
      dividendRao: validatorEmissionRao,
      coldkey,
      own: { alphaRao: alphaStakeRao, rootTaoRao: rootStakeRao },
      relations: family,
      childkeyTake: family.childkeyTake,
      ckBurn,
      taoWeight: taoWeightFraction(taoWeight),
    });
    recycledRao += shared.recycledRao;
    dividendsRao[index]! += shared.toSelfRao - validatorEmissionRao;
    family.parents.forEach((parent, at) => {
      const place = places.get(parent.hotkey);
      if (place === undefined)
        throw new RangeError(
          `distributeEmission: parent ${parent.hotkey} of ${hotkey}: expected among payees or outsiders`,
        );
      dividendsRao[place]! += shared.toParents[at]!;
    });
  });
  return { dividendsRao, recycledRao };
}

/**
 * `calculate_dividend_distribution`: each dividend is divided by the hotkey's own mix of alpha and weighted root stake;
 * the two pots are then shared in those proportions. Raw U96F32, by earner.
 */
function splitDividends(
  earners: readonly Outsider[],
  dividendsRao: readonly bigint[],
  pots: { readonly validatorRao: bigint; readonly rootRao: bigint; readonly taoWeight: bigint },
): { readonly alpha: readonly bigint[]; readonly root: readonly bigint[] } {
  const weight = taoWeightFraction(pots.taoWeight);
  const rootParts = earners.map((earner, index) => {
    const rootStake = U96F32.mul(U96F32.fromInteger(earner.rootStakeRao), weight);
    const stake = U96F32.add(U96F32.fromInteger(earner.alphaStakeRao), rootStake);
    return U96F32.mul(U96F32.fromInteger(dividendsRao[index]!), U96F32.div(rootStake, stake));
  });
  const alphaParts = earners.map((_, index) =>
    U96F32.sub(U96F32.fromInteger(dividendsRao[index]!), rootParts[index]!),
  );
  return { alpha: shareOut(pots.validatorRao, alphaParts), root: shareOut(pots.rootRao, rootParts) };
}

function shareOut(potRao: bigint, parts: readonly bigint[]): readonly bigint[] {
  const pot = U96F32.fromInteger(potRao);
  const total = parts.reduce((sum, part) => U96F32.add(sum, part), 0n);
  return parts.map((part) => U96F32.mul(pot, U96F32.div(part, total)));
}

/**
 * The delegate's take and the stakers' rest of a dividend; both floor to rao, so up to 1 rao is lost between them.
 *
 * @param dividend raw U96F32
 * @param take u16
 */
export function withoutTake(
  dividend: bigint,
  take: number,
): { readonly takeRao: bigint; readonly restRao: bigint } {
  const taken = U96F32.mul(u16Fraction(take), dividend);
  return { takeRao: U96F32.toU64(taken), restRao: U96F32.toU64(U96F32.sub(dividend, taken)) };
}

let lastOwnerCut = { stored: 0, fraction: 0n };

/** Remembered: every block asks for the same one. */
function ownerCutFraction(stored: number): bigint {
  if (stored !== lastOwnerCut.stored) lastOwnerCut = { stored, fraction: u16Fraction(stored) };
  return lastOwnerCut.fraction;
}

const u16Fraction = (value: number): bigint =>
  U96F32.div(U96F32.fromInteger(value), U96F32.fromInteger(65535));
