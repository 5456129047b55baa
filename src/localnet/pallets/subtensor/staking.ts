// Owns: who owns a hotkey, and alpha stake as shares of a hotkey's pool (subtensor staking/{helpers,stake_utils}.rs).
// Does not own: buying and selling (staking-swaps.ts), the calls (staking-calls.ts, unstaking.ts, staking-moves.ts), the
// arithmetic of shares (emissions/safe-float.ts). Shares are AlphaV2 alone: see chain/codec/pallets/subtensor.ts.
import { runtime } from '../../../chain/codec/runtime.js';
import { addressOf, publicKeyOf } from '../../../chain/codec/types.js';
import { U64F64 } from '../../../emissions/fixed.js';
import { buysShares, type Shares, shareValue, withStakeChanged } from '../../../emissions/safe-float.js';
import { concat, u16le, utf8 } from '../../../model/bytes.js';
import { type BlockContext, type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { State, StateView } from '../../state.js';
import { priceOf } from './pools.js';

const S = runtime.SubtensorModule.storage;
const SUBNET_SEED = utf8('modlsubtensr');

/** Somebody's stake on a hotkey and a subnet. */
export interface Holding {
  readonly hotkey: string;
  readonly coldkey: string;
  readonly netuid: number;
}

export const ownerOf = (state: StateView, hotkey: string): string => state.get(S.Owner, hotkey);
export const hotkeyExists = (state: StateView, hotkey: string): boolean => state.has(S.Owner, hotkey);
/** `coldkey_owns_hotkey` */
export const ownsHotkey = (state: StateView, coldkey: string, hotkey: string): boolean =>
  hotkeyExists(state, hotkey) && ownerOf(state, hotkey) === coldkey;

/** `get_all_subnet_netuids`: root and all others, in the order of storage keys. */
export const allNetuids = (state: StateView): number[] =>
  state
    .keys(S.NetworksAdded)
    .map(([netuid]) => netuid)
    .filter((netuid) => state.get(S.NetworksAdded, netuid));

/** The account of a pallet id (`into_account_truncating`) or, with a seed, of one part of it. */
export const palletAccount = (id: string, seed: Uint8Array = new Uint8Array()): string => {
  const start = concat(utf8(`modl${id}`), seed);
  return addressOf(concat(start, new Uint8Array(32 - start.length)));
};

/** The account that holds a subnet's TAO: `PalletId(*b"subtensr").into_sub_account_truncating(netuid)`. */
export const subnetAccount = (netuid: number): string => palletAccount('subtensr', u16le(netuid));

/** `is_subnet_account_id`, of any netuid there could be. */
export function isSubnetAccount(address: string): boolean {
  const key = publicKeyOf(address);
  const rest = key.subarray(SUBNET_SEED.length + 2);
  return SUBNET_SEED.every((byte, index) => key[index] === byte) && rest.every((byte) => byte === 0);
}

/** `create_account_if_non_existent` @throws CallFailed `CannotUseSystemAccount` */
export function createHotkey({ state }: BlockContext, coldkey: string, hotkey: string): void {
  ensure(!isSubnetAccount(hotkey), 'CannotUseSystemAccount');
  if (hotkeyExists(state, hotkey)) return;
  state.put(S.Owner, [hotkey], coldkey);
  addTo(state, S.OwnedHotkeys, coldkey, hotkey);
  addTo(state, S.StakingHotkeys, coldkey, hotkey);
}

/** Whoever comes first owns a hotkey; of one that has an owner already nothing changes and nothing is said. */
export function tryAssociateHotkey({ hotkey }: { readonly hotkey: string }, context: CallContext): void {
  createHotkey(context, ensureSigned(context.origin), hotkey);
}

/** `maybe_become_delegate`: the take it has by default is written down. */
export function becomeDelegate(state: State, hotkey: string): void {
  if (!state.has(S.Delegates, hotkey)) state.put(S.Delegates, [hotkey], state.get(S.Delegates, hotkey));
}

/** `get_stake_for_hotkey_and_coldkey_on_subnet`, alpha rao. */
export const stakeOf = (state: StateView, holding: Holding): bigint => shareValue(sharesOf(state, holding));

/** `get_total_stake_for_hotkey`: all its alpha at present prices, rao of TAO. */
export function totalStakeOf(state: StateView, hotkey: string): bigint {
  let total = 0n;
  for (const netuid of allNetuids(state)) {
    const alpha = U64F64.fromInteger(state.get(S.TotalHotkeyAlpha, hotkey, netuid));
    total = U64F64.add(total, U64F64.mul(alpha, priceOf(state, netuid)));
  }
  return U64F64.toU64(total);
}

/** `increase_stake_for_hotkey_and_coldkey_on_subnet`: the others keep theirs. */
export function addStakeTo(
  { state }: Pick<BlockContext, 'state'>,
  hotkey: string,
  coldkey: string,
  netuid: number,
  amount: bigint,
): void {
  if (amount > 0n) addTo(state, S.StakingHotkeys, coldkey, hotkey);
  putShares(state, { hotkey, coldkey, netuid }, amount);
}

/** `decrease_stake_for_hotkey_and_coldkey_on_subnet`: more than is there takes nothing. */
export function takeStakeFrom(
  { state }: Pick<BlockContext, 'state'>,
  holding: Holding,
  amount: bigint,
): void {
  if (stakeOf(state, holding) >= amount && state.has(S.AlphaV2, ...keysOf(holding)))
    putShares(state, holding, -amount);
}

/** `try_increase_stake_for_hotkey_and_coldkey_on_subnet` */
export const canAddStake = (state: StateView, hotkey: string, netuid: number, amount: bigint): boolean =>
  buysShares(
    state.get(S.TotalHotkeyAlpha, hotkey, netuid),
    state.get(S.TotalHotkeySharesV2, hotkey, netuid),
    amount,
  );

/**
 * `increase_stake_for_hotkey_on_subnet`: to all who stake on `hotkey`, pro rata: the shares stay, their worth grows. Where
 * nobody does, it waits for whoever comes first.
 */
export function addToPool({ state }: BlockContext, hotkey: string, netuid: number, amount: bigint): void {
  const pool = state.get(S.TotalHotkeyAlpha, hotkey, netuid);
  if (amount > 0n) state.put(S.TotalHotkeyAlpha, [hotkey, netuid], pool + amount);
}

const keysOf = ({ hotkey, coldkey, netuid }: Holding) => [hotkey, coldkey, netuid] as const;

const sharesOf = (state: StateView, holding: Holding): Shares => ({
  poolRao: state.get(S.TotalHotkeyAlpha, holding.hotkey, holding.netuid),
  total: state.get(S.TotalHotkeySharesV2, holding.hotkey, holding.netuid),
  own: state.get(S.AlphaV2, ...keysOf(holding)),
});

/** What is zero is deleted, as the chain does it. */
function putShares(state: State, holding: Holding, deltaRao: bigint): void {
  const { hotkey, netuid } = holding;
  const { poolRao, total, own } = withStakeChanged(sharesOf(state, holding), deltaRao);
  if (poolRao > 0n) state.put(S.TotalHotkeyAlpha, [hotkey, netuid], poolRao);
  else state.delete(S.TotalHotkeyAlpha, hotkey, netuid);
  if (total.mantissa > 0n) state.put(S.TotalHotkeySharesV2, [hotkey, netuid], total);
  else state.delete(S.TotalHotkeySharesV2, hotkey, netuid);
  if (own.mantissa > 0n) state.put(S.AlphaV2, keysOf(holding), own);
  else state.delete(S.AlphaV2, ...keysOf(holding));
}

function addTo(
  state: State,
  item: typeof S.OwnedHotkeys | typeof S.StakingHotkeys,
  coldkey: string,
  hotkey: string,
): void {
  const list = state.get(item, coldkey);
  if (!list.includes(hotkey)) state.put(item, [coldkey], [...list, hotkey]);
}
