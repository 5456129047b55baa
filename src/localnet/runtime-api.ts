// Owns: state_call: the runtime APIs that clients call on the localnet.
import { encodeMetadata } from '../chain/codec/metadata.js';
import type { Pallet } from '../chain/codec/pallet.js';
import { runtimeVersionCodec } from '../chain/codec/pallets/system.js';
import { timestampPallet } from '../chain/codec/pallets/timestamp.js';
import { pallets, runtime, runtimeVersion } from '../chain/codec/runtime.js';
import {
  blocks,
  bytes,
  type Codec,
  decode,
  encode,
  option,
  struct,
  tuple,
  u8,
  u16,
  u32,
  u64,
  vec,
} from '../chain/codec/scale.js';
import { blake2b256 } from '../chain/codec/storage.js';
import { accountId, addressOf, weight } from '../chain/codec/types.js';
import { priceRao } from '../emissions/amm.js';
import { nextEpochBlock } from '../emissions/schedule.js';
import { fromAddress } from '../keys/ss58.js';
import { fromHex, toHex } from '../model/bytes.js';
import type { Node } from './node.js';
import { lockCost } from './pallets/subtensor/networks.js';
import { isStable, poolOf } from './pallets/subtensor/pools.js';
import { RpcError } from './validity.js';

const S = runtime.SubtensorModule.storage;
const METADATA_VERSION = 14;

const feeInfo: Codec<unknown> = struct('RuntimeDispatchInfo', { weight, class: u8, partial_fee: u64 });
const NO_FEE = { weight: { ref_time: 1_000_000n, proof_size: 0n }, class: 0, partial_fee: 0n };
const feeDetails: Codec<unknown> = tuple(option(u8), u64);

export interface RuntimeApi {
  readonly metadataHex: string;
  /** @throws RpcError for a function that is not served or arguments that do not decode */
  call(name: string, data: Uint8Array, block: number): Uint8Array;
  /** SS58 or 0x-hex of 32 bytes to SS58. @throws AssayError `invalid-input` */
  accountOf(text: string): string;
  storageHash(value: Uint8Array | undefined): string | null;
}

export function createRuntimeApi(node: Node): RuntimeApi {
  const own = pallets.map(
    (pallet): Pallet => (pallet.name === 'Timestamp' ? timestampPallet(node.options.blockTimeMs) : pallet),
  );
  const metadata = encodeMetadata(own);

  const functions: Readonly<Record<string, (data: Uint8Array, block: number) => Uint8Array>> = {
    Core_version: () => encode(runtimeVersionCodec, runtimeVersion),
    Metadata_metadata: () => encode(bytes, metadata),
    Metadata_metadata_versions: () => encode(vec(u32), [METADATA_VERSION]),
    Metadata_metadata_at_version: (data) =>
      encode(option(bytes), decode(u32, data) === METADATA_VERSION ? metadata : undefined),
    AccountNonceApi_account_nonce: (data, block) =>
      encode(u32, node.state(block).get(runtime.System.storage.Account, decode(accountId, data)).nonce),
    // nothing costs a fee here
    TransactionPaymentApi_query_info: () => encode(feeInfo, NO_FEE),
    TransactionPaymentApi_query_fee_details: () => encode(feeDetails, [undefined, 0n]),
    SubnetInfoRuntimeApi_get_next_epoch_start_block: (data, block) => {
      const netuid = decode(u16, data);
      const state = node.state(block);
      const schedule = {
        tempo: state.get(S.Tempo, netuid),
        lastEpochBlock: state.get(S.LastEpochBlock, netuid),
        pendingEpochAt: state.get(S.PendingEpochAt, netuid),
      };
      return encode(
        option(blocks),
        state.get(S.NetworksAdded, netuid) ? nextEpochBlock(schedule) : undefined,
      );
    },
    SubnetRegistrationRuntimeApi_get_network_registration_cost: (_data, block) =>
      encode(u64, lockCost(node.state(block), block)),
    SwapRuntimeApi_current_alpha_price: (data, block) => {
      const netuid = decode(u16, data);
      const state = node.state(block);
      return encode(u64, isStable(state, netuid) ? 1_000_000_000n : priceRao(poolOf(state, netuid)));
    },
  };

  return {
    metadataHex: `0x${toHex(metadata)}`,
    call(name, data, block) {
      const handler = Object.hasOwn(functions, name) ? functions[name] : undefined;
      if (!handler)
        throw new RpcError(
          4003,
          `Client error: Execution failed: Exported method ${name.slice(0, 80)} is not found`,
        );
      try {
        return handler(data, block);
      } catch (error) {
        if (error instanceof RangeError)
          throw new RpcError(4003, `Client error: Execution failed: ${error.message}`);
        throw error;
      }
    },
    accountOf: (text) => addressOf(/^0x[0-9a-fA-F]{64}$/.test(text) ? fromHex(text) : fromAddress(text)),
    storageHash: (value) => (value === undefined ? null : `0x${toHex(blake2b256(value))}`),
  };
}
