// Owns: the SCALE types that several pallets share, by the names Subtensor's metadata gives them.

import { fromAddress, toAddress } from '../../keys/ss58.js';
import { toHex } from '../../model/bytes.js';
import {
  bool,
  bytes,
  type Codec,
  compact,
  fixedBytes,
  i128,
  names,
  newtype,
  struct,
  tuple,
  u8,
  u16,
  u32,
  u64,
  u128,
  unit,
  variant,
  variants,
  vec,
} from './scale.js';

const ADDRESS_CACHE = 16_384;
const addresses = new Map<string, string>();
const publicKeys = new Map<string, Uint8Array>();

/** The SS58 address of 32 bytes; base58 is slow enough to remember, and the memory is bounded. */
export function addressOf(publicKey: Uint8Array): string {
  const hex = toHex(publicKey);
  let address = addresses.get(hex);
  if (address === undefined) {
    if (addresses.size >= ADDRESS_CACHE) addresses.clear();
    address = toAddress(publicKey);
    addresses.set(hex, address);
  }
  return address;
}

export function publicKeyOf(address: string): Uint8Array {
  let key = publicKeys.get(address);
  if (key === undefined) {
    if (publicKeys.size >= ADDRESS_CACHE) publicKeys.clear();
    key = fromAddress(address);
    publicKeys.set(address, key);
  }
  return key;
}

const bytes32 = fixedBytes(32);

/** Value: an SS58 address of prefix 42. */
export const accountId: Codec<string> = {
  shape: {
    kind: 'composite',
    path: 'sp_core::crypto::AccountId32',
    params: [],
    fields: [[undefined, bytes32]],
  },
  encode: (value, out) => out.raw(publicKeyOf(value)),
  decode: (input) => addressOf(input.raw(32)),
};
export const h256 = newtype('primitive_types::H256', bytes32);

/** Fixed point as Subtensor stores it: the raw 128-bit integer, a struct of one field `bits` in metadata. */
export const u64f64 = newtype('substrate_fixed::FixedU128', u128, 'bits');
export const u96f32 = newtype('substrate_fixed::FixedU128_32', u128, 'bits');
export const i96f32 = newtype('substrate_fixed::FixedI128', i128, 'bits');

export const accountData = struct('pallet_balances::types::AccountData', {
  free: u64,
  reserved: u64,
  frozen: u64,
  flags: u128,
});
export const accountInfo = struct('frame_system::AccountInfo', {
  nonce: u32,
  consumers: u32,
  providers: u32,
  sufficients: u32,
  data: accountData,
});

/** Value: `{ type: 'Id', value: [address] }`; the other forms decode but no account is looked up by them. */
export const multiAddress = variants(
  'sp_runtime::multiaddress::MultiAddress',
  {
    Id: variant(0, [accountId] as const),
    Index: variant(1, [{ ...unit, shape: { kind: 'compact', of: unit } } as Codec<undefined>] as const),
    Raw: variant(2, [bytes] as const),
    Address32: variant(3, [bytes32] as const),
    Address20: variant(4, [fixedBytes(20)] as const),
  },
  [
    ['AccountId', accountId],
    ['AccountIndex', unit],
  ],
);

const bytes64 = fixedBytes(64);
export const multiSignature = variants('sp_runtime::MultiSignature', {
  Ed25519: variant(0, [bytes64] as const),
  Sr25519: variant(1, [bytes64] as const),
  Ecdsa: variant(2, [fixedBytes(65)] as const),
});

export const weight = struct('sp_weights::weight_v2::Weight', {
  ref_time: compact(u64),
  proof_size: compact(u64),
});
export const dispatchInfo = struct('frame_system::DispatchEventInfo', {
  weight,
  class: names('frame_support::dispatch::DispatchClass', 'Normal', 'Operational', 'Mandatory'),
  pays_fee: names('frame_support::dispatch::Pays', 'Yes', 'No'),
});

export const tokenError = names(
  'sp_runtime::TokenError',
  'FundsUnavailable',
  'OnlyProvider',
  'BelowMinimum',
  'CannotCreate',
  'UnknownAsset',
  'Frozen',
  'Unsupported',
  'CannotCreateHold',
  'NotExpendable',
  'Blocked',
);
export const arithmeticError = names(
  'sp_arithmetic::ArithmeticError',
  'Underflow',
  'Overflow',
  'DivisionByZero',
);
export const dispatchError = variants('sp_runtime::DispatchError', {
  Other: variant(0, [] as const),
  CannotLookup: variant(1, [] as const),
  BadOrigin: variant(2, [] as const),
  Module: variant(3, [struct('sp_runtime::ModuleError', { index: u8, error: fixedBytes(4) })] as const),
  ConsumerRemaining: variant(4, [] as const),
  NoProviders: variant(5, [] as const),
  TooManyConsumers: variant(6, [] as const),
  Token: variant(7, [tokenError] as const),
  Arithmetic: variant(8, [arithmeticError] as const),
});
export const dispatchResult = variants(
  'Result',
  { Ok: variant(0, [unit] as const), Err: variant(1, [dispatchError] as const) },
  [
    ['T', unit],
    ['E', dispatchError],
  ],
);

export const phase = variants('frame_system::Phase', {
  ApplyExtrinsic: variant(0, [u32] as const),
  Finalization: variant(1, [] as const),
  Initialization: variant(2, [] as const),
});

export const axonInfo = struct('pallet_subtensor::pallet::AxonInfo', {
  block: u64,
  version: u32,
  ip: u128,
  port: u16,
  ip_type: u8,
  protocol: u8,
  placeholder1: u8,
  placeholder2: u8,
});
export const recycleOrBurn = names('pallet_subtensor::pallet::RecycleOrBurnEnum', 'Burn', 'Recycle');

/** Which rate limit a LastRateLimitedBlock entry belongs to (subtensor lib.rs `RateLimitKey`). */
export const rateLimitKey = variants('pallet_subtensor::RateLimitKey', {
  SetSNOwnerHotkey: variant(0, [u16] as const),
  OwnerHyperparamUpdate: variant(1, [u16, u8] as const),
  NetworkLastRegistered: variant(2, [] as const),
  LastTxBlock: variant(3, [accountId] as const),
  LastTxBlockChildKeyTake: variant(4, [accountId] as const),
  LastTxBlockDelegateTake: variant(5, [accountId] as const),
  AddStakeBurn: variant(6, [u16] as const),
});

export const weightRow = vec(tuple(u16, u16));
export const bools = vec(bool);
export const u16s = vec(u16);
export const u64s = vec(u64);
export const accounts = vec(accountId);
