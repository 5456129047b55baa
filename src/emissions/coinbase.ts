// Owns: how much alpha a block makes, for whom it is set aside, and who is credited at the epoch
// (subtensor coinbase/block_emission.rs and run_coinbase.rs). Does not own: TAO shares and injection, child keys, storage.
import { I96F32, U96F32 } from './fixed.js';
import { taoWeightFraction } from './stake.js';

/** 21 million tokens of 10^9 rao: the cap of TAO and of each subnet's alpha. */
export const TOTAL_SUPPLY_RAO = 21_000_000_000_000_000n;
/** `DefaultBlockEmission` */
export const DEFAULT_BLOCK_EMISSION_RAO = 1_000_000_000n;
/** `DefaultSubnetOwnerCut`, u16: 17.9995 % */
export const DEFAULT_OWNER_CUT = 11_796;
/** `DefaultDelegateTake`, u16: 17.9995 % */
export const DEFAULT_TAKE = 11_796;

const HALF = U96F32.one / 2n;

/**
 * `get_block_emission_for_issuance`: 1 token a block, halved each time half of what was left has been issued.
 * For TAO of all TAO issued; for a subnet's alpha of `SubnetAlphaIn + SubnetAlphaOut`.
 */
export function blockEmission(issuanceRao: bigint): bigint {
  if (issuanceRao >= TOTAL_SUPPLY_RAO) return 0n;
  const issued = I96F32.div(I96F32.fromInteger(issuanceRao), I96F32.fromInteger(TOTAL_SUPPLY_RAO));
  let residue = I96F32.div(I96F32.one, I96F32.sub(I96F32.one, issued));
  let halvings = 0n;
  // The whole part of log2. substrate-fixed rounds each shift up (transcendental.rs `rs`), which never decides here:
  // below 2^k the quotient stays at least 2^(2k) units short of it.
  while (residue >= 2n * I96F32.one) {
    residue >>= 1n;
    halvings++;
  }
  const share = I96F32.div(I96F32.one, I96F32.one << halvings);
  return I96F32.toU64(I96F32.mul(share, I96F32.fromInteger(DEFAULT_BLOCK_EMISSION_RAO)));
}

/** `root_proportion`: root TAO × weight against that plus the subnet's alpha issuance; raw U96F32. */
export function rootProportion(parts: {
  readonly rootTaoRao: bigint;
  readonly alphaIssuanceRao: bigint;
  /** stored `TaoWeight`, u64 */
  readonly taoWeight: bigint;
}): bigint {
  const root = U96F32.mul(U96F32.fromInteger(parts.rootTaoRao), taoWeightFraction(parts.taoWeight));
  return U96F32.div(root, U96F32.add(root, U96F32.fromInteger(parts.alphaIssuanceRao)));
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
    /** raw U96F32 */
    readonly rootProportion: bigint;
    /** the moving prices of all subnets sum to more than 1 (`get_network_root_sell_flag`); else root's part is recycled */
    readonly rootSell: boolean;
  },
): { readonly pending: PendingEmission; readonly recycledRao: bigint } {
  const created = U96F32.fromInteger(block.alphaEmissionRao);
  const ownerCut = U96F32.mul(created, u16Fraction(block.ownerCut));
  const rest = U96F32.sub(created, ownerCut);
  const root = U96F32.mul(U96F32.mul(block.rootProportion, rest), HALF);
  const server = U96F32.mul(rest, HALF);
  const validator = U96F32.sub(U96F32.sub(rest, server), root);
  const rootRao = U96F32.toU64(root);
  return {
    pending: {
      serverRao: pending.serverRao + U96F32.toU64(server),
      validatorRao: pending.validatorRao + U96F32.toU64(validator),
      rootRao: pending.rootRao + (block.rootSell ? rootRao : 0n),
      ownerCutRao: pending.ownerCutRao + U96F32.toU64(ownerCut),
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
  /** `MinerBurned`: withheld ÷ all incentive, raw U96F32 */
  readonly minerBurned: bigint;
  /** `AlphaDividendsPerSubnet`, net of take, by payee */
  readonly alphaDividendsRao: readonly bigint[];
  /** what raises `RootClaimable`, net of take, by payee */
  readonly rootDividendsRao: readonly bigint[];
}

/**
 * Who gets what at the epoch (`distribute_emission`), for hotkeys without parents or children. Consensus decides the
 * incentives; of dividends it decides only the proportions, the amounts come from what was set aside.
 */
export function distributeEmission(input: {
  /** drained at this epoch */
  readonly pending: PendingEmission;
  readonly payees: readonly Payee[];
  /** `SubnetOwnerHotkey` and `SubnetOwner` */
  readonly owner: { readonly hotkey: string; readonly coldkey: string };
  /** `RecycleOrBurn`; the chain burns when it is unset */
  readonly recycleOrBurn: 'burn' | 'recycle';
  /** stored `TaoWeight`, u64 */
  readonly taoWeight: bigint;
}): Payout {
  const { pending, payees, owner } = input;
  const credits: StakeCredit[] = [];
  const credit = (entry: StakeCredit): void => {
    if (entry.amountRao > 0n) credits.push(entry);
  };
  credit({ reason: 'owner-cut', ...owner, amountRao: pending.ownerCutRao });

  let incentiveRao = 0n;
  let withheldRao = 0n;
  for (const { hotkey, coldkey, serverEmissionRao, autoStakeHotkey } of payees) {
    incentiveRao += serverEmissionRao;
    // whoever owns the subnet does not mine it: get_owner_hotkeys, run_coinbase.rs
    if (hotkey === owner.hotkey || coldkey === owner.coldkey) withheldRao += serverEmissionRao;
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
  const { alpha, root } = splitDividends(payees, validatorRao, pending.rootRao, input.taoWeight);
  const alphaDividendsRao: bigint[] = [];
  const rootDividendsRao: bigint[] = [];
  payees.forEach(({ hotkey, coldkey, take }, index) => {
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
    minerBurned: U96F32.div(U96F32.fromInteger(withheldRao), U96F32.fromInteger(incentiveRao)),
    alphaDividendsRao,
    rootDividendsRao,
  };
}

/**
 * `calculate_dividend_distribution`: each dividend is divided by the hotkey's own mix of alpha and weighted root stake;
 * the two pots are then shared in those proportions. Raw U96F32, by payee.
 */
function splitDividends(
  payees: readonly Payee[],
  validatorRao: bigint,
  rootRao: bigint,
  taoWeight: bigint,
): { readonly alpha: readonly bigint[]; readonly root: readonly bigint[] } {
  const weight = taoWeightFraction(taoWeight);
  const rootParts = payees.map((payee) => {
    const rootStake = U96F32.mul(U96F32.fromInteger(payee.rootStakeRao), weight);
    const stake = U96F32.add(U96F32.fromInteger(payee.alphaStakeRao), rootStake);
    return U96F32.mul(U96F32.fromInteger(payee.validatorEmissionRao), U96F32.div(rootStake, stake));
  });
  const alphaParts = payees.map((payee, index) =>
    U96F32.sub(U96F32.fromInteger(payee.validatorEmissionRao), rootParts[index]!),
  );
  return { alpha: shareOut(validatorRao, alphaParts), root: shareOut(rootRao, rootParts) };
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

const u16Fraction = (value: number): bigint =>
  U96F32.div(U96F32.fromInteger(value), U96F32.fromInteger(65535));
