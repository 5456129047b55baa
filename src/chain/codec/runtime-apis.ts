// Owns: which runtime APIs the localnet serves, at which version, with what inputs and outputs: the metadata describes
// them from this table and localnet/runtime-apis/ answers by it. Does not own: the answers' structs (rpc-info.ts).
import { runtimeVersionCodec } from './pallets/system.js';
import {
  delegatedStake,
  delegateInfo,
  dynamicInfo,
  hyperparamEntry,
  metagraph,
  neuronInfo,
  neuronInfoLite,
  selectiveMetagraph,
  simSwapResult,
  stakeAvailability,
  stakeInfo,
  subnetHyperparams,
  subnetHyperparamsV2,
  subnetInfo,
  subnetInfoV2,
  subnetPrice,
  subnetState,
} from './rpc-info.js';
import { method, runtimeApi } from './runtime-api.js';
import {
  btreeMap,
  bytes,
  type Codec,
  newtype,
  option,
  struct,
  tuple,
  u8,
  u16,
  u32,
  u64,
  vec,
} from './scale.js';
import { extensionsPayload, uncheckedExtrinsic } from './signed-extensions.js';
import { accountId, accounts, dispatchClass, multiAddress, multiSignature, u16s, weight } from './types.js';

const netuid = { netuid: u16 };
/** Hotkey and netuid, where stake is or goes. */
const position = option(tuple(accountId, u16));
const opaqueMetadata = newtype('sp_core::OpaqueMetadata', bytes);

const dispatchInfo = struct(
  'pallet_transaction_payment::types::RuntimeDispatchInfo',
  { weight, class: dispatchClass, partial_fee: u64 },
  [
    ['Balance', u64],
    ['Weight', weight],
  ],
);
const inclusionFee = struct(
  'pallet_transaction_payment::types::InclusionFee',
  { base_fee: u64, len_fee: u64, adjusted_weight_fee: u64 },
  [['Balance', u64]],
);
const feeDetails = struct(
  'pallet_transaction_payment::types::FeeDetails',
  { inclusion_fee: option(inclusionFee), tip: u64 },
  [['Balance', u64]],
);

/** The extrinsic as the runtime's own type wraps Substrate's. */
const extrinsic = (runtimeCall: Codec<unknown>): Codec<Uint8Array> =>
  newtype(
    'fp_self_contained::unchecked_extrinsic::UncheckedExtrinsic',
    uncheckedExtrinsic(runtimeCall),
    undefined,
    [
      ['Address', multiAddress],
      ['Call', runtimeCall],
      ['Signature', multiSignature],
      ['Extension', extensionsPayload],
    ],
  );

/** `runtimeCall` comes from runtime.ts: fees are asked for an extrinsic, or a call, of any pallet. */
export const runtimeApisOf = <C>(runtimeCall: Codec<C>) => {
  const fees = { uxt: extrinsic(runtimeCall), len: u32 };
  const callFees = { call: runtimeCall, len: u32 };
  return {
    Core: runtimeApi(5, { version: method({}, runtimeVersionCodec) }),
    Metadata: runtimeApi(2, {
      metadata: method({}, opaqueMetadata),
      metadata_at_version: method({ version: u32 }, option(opaqueMetadata)),
      metadata_versions: method({}, vec(u32)),
    }),
    AccountNonceApi: runtimeApi(1, { account_nonce: method({ account: accountId }, u32) }),
    TransactionPaymentApi: runtimeApi(4, {
      query_info: method(fees, dispatchInfo),
      query_fee_details: method(fees, feeDetails),
      query_weight_to_fee: method({ weight }, u64),
      query_length_to_fee: method({ length: u32 }, u64),
    }),
    TransactionPaymentCallApi: runtimeApi(3, {
      query_call_info: method(callFees, dispatchInfo),
      query_call_fee_details: method(callFees, feeDetails),
      query_weight_to_fee: method({ weight }, u64),
      query_length_to_fee: method({ length: u32 }, u64),
    }),
    DelegateInfoRuntimeApi: runtimeApi(1, {
      get_delegates: method({}, vec(delegateInfo)),
      get_delegate: method({ delegate_account: accountId }, option(delegateInfo)),
      get_delegated: method({ delegatee_account: accountId }, vec(tuple(delegateInfo, delegatedStake))),
    }),
    NeuronInfoRuntimeApi: runtimeApi(1, {
      get_neurons: method(netuid, vec(neuronInfo)),
      get_neuron: method({ netuid: u16, uid: u16 }, option(neuronInfo)),
      get_neurons_lite: method(netuid, vec(neuronInfoLite)),
      get_neuron_lite: method({ netuid: u16, uid: u16 }, option(neuronInfoLite)),
    }),
    SubnetInfoRuntimeApi: runtimeApi(2, {
      get_subnet_info: method(netuid, option(subnetInfo)),
      get_subnets_info: method({}, vec(option(subnetInfo))),
      get_subnet_info_v2: method(netuid, option(subnetInfoV2)),
      get_subnets_info_v2: method({}, vec(option(subnetInfoV2))),
      get_subnet_hyperparams: method(netuid, option(subnetHyperparams)),
      get_subnet_hyperparams_v2: method(netuid, option(subnetHyperparamsV2)),
      get_all_dynamic_info: method({}, vec(option(dynamicInfo))),
      get_all_metagraphs: method({}, vec(option(metagraph))),
      get_metagraph: method(netuid, option(metagraph)),
      get_all_mechagraphs: method({}, vec(option(metagraph))),
      get_mechagraph: method({ netuid: u16, mecid: u8 }, option(metagraph)),
      get_dynamic_info: method(netuid, option(dynamicInfo)),
      get_subnet_state: method(netuid, option(subnetState)),
      get_selective_metagraph: method({ netuid: u16, metagraph_indexes: u16s }, option(selectiveMetagraph)),
      get_coldkey_auto_stake_hotkey: method({ coldkey: accountId, netuid: u16 }, option(accountId)),
      get_selective_mechagraph: method(
        { netuid: u16, subid: u8, metagraph_indexes: u16s },
        option(selectiveMetagraph),
      ),
      get_subnet_to_prune: method({}, option(u16)),
      get_subnet_account_id: method(netuid, option(accountId)),
      get_next_epoch_start_block: method(netuid, option(u64)),
      get_subnet_hyperparams_v3: method(netuid, option(vec(hyperparamEntry))),
    }),
    StakeInfoRuntimeApi: runtimeApi(1, {
      get_stake_info_for_coldkey: method({ coldkey_account: accountId }, vec(stakeInfo)),
      get_stake_info_for_coldkeys: method(
        { coldkey_accounts: accounts },
        vec(tuple(accountId, vec(stakeInfo))),
      ),
      get_stake_info_for_hotkey_coldkey_netuid: method(
        { hotkey_account: accountId, coldkey_account: accountId, netuid: u16 },
        option(stakeInfo),
      ),
      get_stake_availability_for_coldkeys: method(
        { coldkey_accounts: accounts, netuids: option(u16s) },
        btreeMap(accountId, btreeMap(u16, stakeAvailability)),
      ),
      get_stake_fee: method(
        {
          origin: position,
          origin_coldkey_account: accountId,
          destination: position,
          destination_coldkey_account: accountId,
          amount: u64,
        },
        u64,
      ),
    }),
    SubnetRegistrationRuntimeApi: runtimeApi(1, {
      get_network_registration_cost: method({}, u64),
    }),
    SwapRuntimeApi: runtimeApi(1, {
      current_alpha_price: method(netuid, u64),
      current_alpha_price_all: method({}, vec(subnetPrice)),
      sim_swap_tao_for_alpha: method({ netuid: u16, tao: u64 }, simSwapResult),
      sim_swap_alpha_for_tao: method({ netuid: u16, alpha: u64 }, simSwapResult),
    }),
  } as const;
};
