// Owns: the SCALE types that several pallets share, by the names Subtensor's metadata gives them.

import { fromAddress, toAddress } from '../../keys/ss58.js';
import { toHex } from '../../model/bytes.js';
import {
  bool,
  bytes,
  type Codec,
  compact,
  fixedBytes,
  i64,
  i128,
  names,
  newtype,
  struct,
  type TypeParam,
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

const bit0 = struct('substrate_typenum::bit::B0', {});
const bit1 = struct('substrate_typenum::bit::B1', {});
const appendBit = (msb: Codec<unknown>, lsb: Codec<unknown>): Codec<unknown> =>
  struct('substrate_typenum::uint::UInt', { msb, lsb }, [
    ['U', msb],
    ['B', lsb],
  ]);
/** A power of two as a type, bit by bit: how metadata says how many fraction bits a fixed-point number has. */
const powerOfTwo = (exponent: number): Codec<unknown> =>
  exponent === 0
    ? appendBit(struct('substrate_typenum::uint::UTerm', {}), bit1)
    : appendBit(powerOfTwo(exponent - 1), bit0);
const fraction32: readonly TypeParam[] = [['Frac', powerOfTwo(5)]];
const fraction64: readonly TypeParam[] = [['Frac', powerOfTwo(6)]];

/** Fixed point as Subtensor stores it: the raw integer, a struct of one field `bits` in metadata. */
export const u64f64 = newtype('substrate_fixed::FixedU128', u128, 'bits', fraction64);
export const u96f32 = newtype('substrate_fixed::FixedU128', u128, 'bits', fraction32);
export const i96f32 = newtype('substrate_fixed::FixedI128', i128, 'bits', fraction32);
export const i32f32 = newtype('substrate_fixed::FixedI64', i64, 'bits', fraction32);

/** The raw u128; new accounts have bit 127 set (`ExtraFlags::default`). */
const extraFlags = newtype('pallet_balances::types::ExtraFlags', u128);
export const accountData = struct(
  'pallet_balances::types::AccountData',
  {
    free: u64,
    reserved: u64,
    frozen: u64,
    flags: extraFlags,
  },
  [['Balance', u64]],
);
export const accountInfo = struct(
  'frame_system::AccountInfo',
  {
    nonce: u32,
    consumers: u32,
    providers: u32,
    sufficients: u32,
    data: accountData,
  },
  [
    ['Nonce', u32],
    ['AccountData', accountData],
  ],
);

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

/** `BoundedVec<u8, max>`: longer is no value of the type, and an extrinsic that holds one does not decode. */
export function boundedBytes(max: number): Codec<Uint8Array> {
  const check = (value: Uint8Array): Uint8Array => {
    if (value.length > max) throw new RangeError(`BoundedVec<u8, ${max}>: got ${value.length} bytes`);
    return value;
  };
  return newtype(
    'bounded_collections::bounded_vec::BoundedVec',
    {
      shape: bytes.shape,
      encode: (value, out) => bytes.encode(check(value), out),
      decode: (input) => check(bytes.decode(input)),
    },
    undefined,
    [['T', u8]],
  );
}

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
export const dispatchClass = names(
  'frame_support::dispatch::DispatchClass',
  'Normal',
  'Operational',
  'Mandatory',
);
export const dispatchInfo = struct('frame_system::DispatchEventInfo', {
  weight,
  class: dispatchClass,
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
const transactionalError = names('sp_runtime::TransactionalError', 'LimitReached', 'NoLayer');
const trieError = names(
  'sp_runtime::proving_trie::TrieError',
  'InvalidStateRoot',
  'IncompleteDatabase',
  'ValueAtIncompleteKey',
  'DecoderError',
  'InvalidHash',
  'DuplicateKey',
  'ExtraneousNode',
  'ExtraneousValue',
  'ExtraneousHashReference',
  'InvalidChildReference',
  'ValueMismatch',
  'IncompleteProof',
  'RootMismatch',
  'DecodeError',
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
  Transactional: variant(9, [transactionalError] as const),
  Exhausted: variant(10, [] as const),
  Corruption: variant(11, [] as const),
  Unavailable: variant(12, [] as const),
  RootNotAllowed: variant(13, [] as const),
  Trie: variant(14, [trieError] as const),
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
/** A decimal float (crate share-pool); its arithmetic: emissions/safe-float.ts. */
export const safeFloat = struct('share_pool::SafeFloat', { mantissa: u128, exponent: i64 });
/** Proportion of the stake in 2^64−1 parts, and whose it is. */
export const family = vec(tuple(u64, accountId));
export const recycleOrBurn = names('pallet_subtensor::pallet::RecycleOrBurnEnum', 'Burn', 'Recycle');

/** What an owner's rate limit is kept for, apart from the others (subtensor utils/rate_limiting.rs). */
export const hyperparameter = names(
  'pallet_subtensor::utils::rate_limiting::Hyperparameter',
  'Unknown',
  'ServingRateLimit',
  'MaxDifficulty',
  'AdjustmentAlpha',
  'MaxWeightLimit',
  'ImmunityPeriod',
  'MinAllowedWeights',
  'Kappa',
  'Rho',
  'ActivityCutoff',
  'PowRegistrationAllowed',
  'MinBurn',
  'MaxBurn',
  'BondsMovingAverage',
  'BondsPenalty',
  'CommitRevealEnabled',
  'LiquidAlphaEnabled',
  'AlphaValues',
  'WeightCommitInterval',
  'TransferEnabled',
  'AlphaSigmoidSteepness',
  'Yuma3Enabled',
  'BondsResetEnabled',
  'ImmuneNeuronLimit',
  'RecycleOrBurn',
  'MaxAllowedUids',
  'BurnHalfLife',
  'BurnIncreaseMult',
  'SubnetEmissionEnabled',
  'MinChildkeyTake',
  'ActivityCutoffFactorMilli',
  'TriggerEpoch',
);

export const neuronCertificate = struct('pallet_subtensor::pallet::NeuronCertificate', {
  public_key: boundedBytes(64),
  algorithm: u8,
});
export const prometheusInfo = struct('pallet_subtensor::pallet::PrometheusInfo', {
  block: u64,
  version: u32,
  ip: u128,
  port: u16,
  ip_type: u8,
});
export const chainIdentityFields = {
  name: bytes,
  url: bytes,
  github_repo: bytes,
  image: bytes,
  discord: bytes,
  description: bytes,
  additional: bytes,
} as const;
export const chainIdentity = struct('pallet_subtensor::pallet::ChainIdentityV2', chainIdentityFields);
export const subnetIdentityFields = {
  subnet_name: bytes,
  github_repo: bytes,
  subnet_contact: bytes,
  subnet_url: bytes,
  discord: bytes,
  description: bytes,
  logo_url: bytes,
  additional: bytes,
} as const;
export const subnetIdentity = struct('pallet_subtensor::pallet::SubnetIdentityV3', subnetIdentityFields);

/** Which rate limit a LastRateLimitedBlock entry belongs to (subtensor lib.rs `RateLimitKey`). */
export const rateLimitKey = variants(
  'pallet_subtensor::RateLimitKey',
  {
    SetSNOwnerHotkey: variant(0, [u16] as const),
    OwnerHyperparamUpdate: variant(1, [u16, hyperparameter] as const),
    NetworkLastRegistered: variant(2, [] as const),
    LastTxBlock: variant(3, [accountId] as const),
    LastTxBlockChildKeyTake: variant(4, [accountId] as const),
    LastTxBlockDelegateTake: variant(5, [accountId] as const),
    AddStakeBurn: variant(6, [u16] as const),
  },
  [['AccountId', accountId]],
);

export const weightRow = vec(tuple(u16, u16));
export const bools = vec(bool);
export const u16s = vec(u16);
export const u64s = vec(u64);
export const accounts = vec(accountId);
