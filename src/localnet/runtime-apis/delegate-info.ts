// Owns: DelegateInfoRuntimeApi (subtensor rpc_info/delegate_info.rs).
import { type RuntimeApis, runtime } from '../../chain/codec/runtime.js';
import type { Implementation } from '../../chain/codec/runtime-api.js';
import { publicKeyOf } from '../../chain/codec/types.js';
import { U64F64 } from '../../emissions/fixed.js';
import { shareValue } from '../../emissions/safe-float.js';
import { compare } from '../../model/bytes.js';
import { allNetuids, ownerOf, stakeOf } from '../pallets/subtensor/staking.js';
import type { At } from './at.js';

const S = runtime.SubtensorModule.storage;
const ROOT = 0;
const BLOCKS_PER_DAY = 7200n;
/** 1000 TAO in rao */
const THOUSAND_TAO = 10n ** 12n;

export const delegateInfoApi: Implementation<RuntimeApis['DelegateInfoRuntimeApi'], At> = {
  get_delegates: (_, at) => at.state.keys(S.Delegates).map(([delegate]) => delegateOf(at, delegate, true)),
  get_delegate: ({ delegate_account }, at) =>
    at.state.has(S.Delegates, delegate_account) ? delegateOf(at, delegate_account, true) : undefined,
  // without their nominators: the caller is the one that is meant
  get_delegated: ({ delegatee_account: coldkey }, at) =>
    at.state.keys(S.Delegates).flatMap(([hotkey]) =>
      holdingsOf(at, hotkey)
        .filter((holding) => holding.coldkey === coldkey)
        .map(({ netuid }) => {
          const stake = [netuid, stakeOf(at.state, { hotkey, coldkey, netuid })] as const;
          return [delegateOf(at, hotkey, false), stake] as const;
        }),
    ),
};

function delegateOf(at: At, delegate: string, withNominators: boolean) {
  const { state } = at;
  const take = state.get(S.Delegates, delegate);
  const seats = state
    .keys(S.IsNetworkMember, delegate)
    .map(([, netuid]) => netuid)
    .filter((netuid) => state.get(S.IsNetworkMember, delegate, netuid))
    .map((netuid) => ({ netuid, uid: state.get(S.Uids, netuid, delegate) }));
  let perDay = 0n;
  const permits: number[] = [];
  for (const { netuid, uid } of seats) {
    if (uid === undefined) continue;
    if (state.get(S.ValidatorPermit, netuid)[uid]) permits.push(netuid);
    perDay = U64F64.add(perDay, emissionPerDay(at, netuid, uid));
  }
  return {
    delegate_ss58: delegate,
    take,
    nominators: withNominators ? nominatorsOf(at, delegate) : [],
    owner_ss58: ownerOf(state, delegate),
    registrations: seats.map(({ netuid }) => netuid),
    validator_permits: permits,
    return_per_1000: U64F64.toU64(
      returnPerThousandTao(take, state.get(S.TotalHotkeyAlpha, delegate, ROOT), perDay),
    ),
    total_daily_return: U64F64.toU64(perDay),
  };
}

/** raw U64F64 */
function emissionPerDay({ state }: At, netuid: number, uid: number): bigint {
  const tempo = state.get(S.Tempo, netuid);
  const epochs = U64F64.div(U64F64.fromInteger(BLOCKS_PER_DAY), U64F64.fromInteger(tempo)); // 0 for tempo 0
  return U64F64.mul(U64F64.fromInteger(state.get(S.Emission, netuid)[uid] ?? 0n), epochs);
}

/** `return_per_1000_tao`, raw U64F64: against the delegate's root stake alone. */
function returnPerThousandTao(take: number, rootStakeRao: bigint, perDay: bigint): bigint {
  if (rootStakeRao === 0n) return 0n;
  const kept = U64F64.sub(U64F64.one, U64F64.div(U64F64.fromInteger(take), U64F64.fromInteger(65535)));
  const thousands = U64F64.div(U64F64.fromInteger(rootStakeRao), U64F64.fromInteger(THOUSAND_TAO));
  return U64F64.div(U64F64.mul(perDay, kept), thousands);
}

/**
 * Who stakes how much where, by the bytes of their accounts. As on the chain, a netuid counts as a place in the list of
 * subnets: with a gap in the netuids, stake behind it is worth what the pool in its place says, or is left out.
 */
function nominatorsOf(at: At, delegate: string) {
  const netuids = allNetuids(at.state);
  const out = new Map<string, [netuid: number, rao: bigint][]>();
  for (const { coldkey, netuid } of holdingsOf(at, delegate)) {
    const place = netuids[netuid];
    if (place === undefined) continue;
    const worth = shareValue({
      poolRao: at.state.get(S.TotalHotkeyAlpha, delegate, place),
      total: at.state.get(S.TotalHotkeySharesV2, delegate, place),
      own: at.state.get(S.AlphaV2, delegate, coldkey, netuid),
    });
    const stakes = out.get(coldkey);
    if (stakes) stakes.push([netuid, worth]);
    else out.set(coldkey, [[netuid, worth]]);
  }
  return [...out];
}

/** Shares above 0, by the coldkey's bytes, then by netuid. */
function holdingsOf({ state }: At, hotkey: string): { readonly coldkey: string; readonly netuid: number }[] {
  return state
    .keys(S.AlphaV2, hotkey)
    .filter((keys) => state.get(S.AlphaV2, ...keys).mantissa > 0n)
    .map(([, coldkey, netuid]) => ({ coldkey, netuid }))
    .sort((a, b) => compare(publicKeyOf(a.coldkey), publicKeyOf(b.coldkey)) || a.netuid - b.netuid);
}
