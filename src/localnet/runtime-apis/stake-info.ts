// Owns: StakeInfoRuntimeApi (subtensor rpc_info/stake_info.rs), but for locks, of which the localnet keeps none.
import { type RuntimeApis, runtime } from '../../chain/codec/runtime.js';
import type { Implementation } from '../../chain/codec/runtime-api.js';
import { publicKeyOf } from '../../chain/codec/types.js';
import { swapFee } from '../../emissions/amm.js';
import { compare } from '../../model/bytes.js';
import { isStable } from '../pallets/subtensor/pools.js';
import { allNetuids, type Holding, stakeOf } from '../pallets/subtensor/staking.js';
import type { At } from './at.js';

const S = runtime.SubtensorModule.storage;
const { FeeRate } = runtime.Swap.storage;

export const stakeInfoApi: Implementation<RuntimeApis['StakeInfoRuntimeApi'], At> = {
  get_stake_info_for_coldkey: ({ coldkey_account }, at) => stakesOf(at, coldkey_account),
  get_stake_info_for_coldkeys: ({ coldkey_accounts }, at) =>
    coldkey_accounts.map((coldkey) => [coldkey, stakesOf(at, coldkey)] as const),
  // answers for anybody, with 0 where nothing is staked
  get_stake_info_for_hotkey_coldkey_netuid: ({ hotkey_account, coldkey_account, netuid }, at) =>
    stakeInfoOf(at, { hotkey: hotkey_account, coldkey: coldkey_account, netuid }),
  get_stake_availability_for_coldkeys: ({ coldkey_accounts, netuids }, at) => {
    const asked = askedNetuids(at, netuids);
    return [...new Set(coldkey_accounts)]
      .sort(byPublicKey)
      .map((coldkey) => [coldkey, availabilityOf(at, coldkey, asked)] as const);
  },
  get_stake_fee: ({ origin, destination, amount }, { state }) => {
    if (samePosition(origin, destination)) return 0n;
    const netuid = (destination ?? origin)?.[1] ?? 0;
    return isStable(state, netuid) ? 0n : swapFee(amount, state.get(FeeRate, netuid));
  },
};

function stakesOf(at: At, coldkey: string) {
  const hotkeys = at.state.get(S.StakingHotkeys, coldkey);
  return allNetuids(at.state).flatMap((netuid) =>
    hotkeys.map((hotkey) => stakeInfoOf(at, { hotkey, coldkey, netuid })).filter(({ stake }) => stake > 0n),
  );
}

function stakeInfoOf({ state }: At, holding: Holding) {
  const { hotkey, coldkey, netuid } = holding;
  return {
    hotkey,
    coldkey,
    netuid,
    stake: stakeOf(state, holding),
    locked: 0n, // always 0 on the chain, as the next but one and the last but one
    emission: state.get(S.AlphaDividendsPerSubnet, netuid, hotkey),
    tao_emission: 0n,
    drain: 0n,
    is_registered: state.has(S.Uids, netuid, hotkey),
  };
}

/** None where the request is empty or longer than there are subnets; ascending, those that exist, each once. */
function askedNetuids({ state }: At, requested: readonly number[] | undefined): readonly number[] {
  const known = allNetuids(state);
  if (requested === undefined) return known.sort((a, b) => a - b);
  const asked = [...new Set(requested)].sort((a, b) => a - b);
  return asked.length > known.length ? [] : asked.filter((netuid) => state.get(S.NetworksAdded, netuid));
}

/** Subnets where something is staked; nothing can be locked here, so all of it is available. */
function availabilityOf({ state }: At, coldkey: string, netuids: readonly number[]) {
  const hotkeys = state.get(S.StakingHotkeys, coldkey);
  return netuids.flatMap((netuid) => {
    let total = 0n;
    for (const hotkey of hotkeys) total += stakeOf(state, { hotkey, coldkey, netuid });
    return total === 0n ? [] : [[netuid, { total, locked: 0n, available: total }] as const];
  });
}

const byPublicKey = (a: string, b: string): number => compare(publicKeyOf(a), publicKeyOf(b));

type Position = readonly [hotkey: string, netuid: number] | undefined;
const samePosition = (a: Position, b: Position): boolean => a?.[0] === b?.[0] && a?.[1] === b?.[1];
