// Owns: pallet Commitments (18): what a hotkey publishes about itself on a subnet (subtensor pallets/commitments).
import { call, definePallet, event } from '../pallet.js';
import {
  btreeSet,
  bytes,
  type Codec,
  fixedBytes,
  newtype,
  struct,
  tuple,
  u16,
  u32,
  u64,
  type VariantValue,
  variant,
  variants,
  vec,
} from '../scale.js';
import { id, optionalMap, storageOf, twox, value } from '../storage.js';
import { accountId, boundedBytes } from '../types.js';

const MAX_FIELDS = 3;
const MAX_RAW_BYTES = 128;
const MAX_TIMELOCKED_BYTES = 1024;
const MAX_BIG_RAW_BYTES = 512;

const bytes32 = [fixedBytes(32)] as const;

/** `Raw0` to `Raw128`: the length is in the tag, one above it. */
const raw = Object.fromEntries(
  Array.from({ length: MAX_RAW_BYTES + 1 }, (_, length) => [
    `Raw${length}`,
    variant(length + 1, [fixedBytes(length)] as const),
  ]),
);
const none = { None: variant(0, [] as const) };
const named = {
  BlakeTwo256: variant(130, bytes32),
  Sha256: variant(131, bytes32),
  Keccak256: variant(132, bytes32),
  ShaThree256: variant(133, bytes32),
  TimelockEncrypted: variant(134, { encrypted: boundedBytes(MAX_TIMELOCKED_BYTES), reveal_round: u64 }),
  ResetBondsFlag: variant(135, [] as const),
  BigRaw: variant(136, [boundedBytes(MAX_BIG_RAW_BYTES)] as const),
};
type Data =
  | VariantValue<typeof none & typeof named>
  | { readonly type: `Raw${number}`; readonly value: readonly [Uint8Array] };

/** `{ type: 'Raw5', value: [bytes] }` and so on; a tag above 136 is no value (subtensor commitments/src/types.rs). */
const data = variants('pallet_commitments::types::Data', {
  ...none,
  ...raw,
  ...named,
}) as unknown as Codec<Data>; // the 129 raw ones are too many to be spelled out one by one

const fieldList = vec(data);
const boundedFields = (fields: readonly Data[]): readonly Data[] => {
  if (fields.length > MAX_FIELDS)
    throw new RangeError(`BoundedVec<Data, ${MAX_FIELDS}>: got ${fields.length} fields`);
  return fields;
};
const fields: Codec<readonly Data[]> = newtype(
  'bounded_collections::bounded_vec::BoundedVec',
  {
    shape: fieldList.shape,
    encode: (list, out) => fieldList.encode(boundedFields(list), out),
    decode: (input) => boundedFields(fieldList.decode(input)),
  },
  undefined,
  [['T', data]],
);
const commitmentInfo = struct('pallet_commitments::types::CommitmentInfo', { fields });
const registration = struct(
  'pallet_commitments::types::Registration',
  {
    deposit: u64,
    block: u32,
    info: commitmentInfo,
  },
  [
    ['Balance', u64],
    ['BlockNumber', u32],
  ],
);
const usageTracker = struct('pallet_commitments::types::UsageTracker', { last_epoch: u64, used_space: u64 });

const netuidHotkey = [id(u16), twox(accountId)] as const;

export const commitments = definePallet({
  name: 'Commitments',
  index: 18,
  storage: storageOf('Commitments', {
    /** ascending by netuid, then by the account's bytes */
    TimelockedIndex: value(btreeSet(tuple(u16, accountId)), []),
    CommitmentOf: optionalMap(netuidHotkey, registration),
    LastCommitment: optionalMap(netuidHotkey, u32),
    LastBondsReset: optionalMap(netuidHotkey, u32),
    RevealedCommitments: optionalMap(netuidHotkey, vec(tuple(bytes, u64))),
    UsedSpaceOf: optionalMap(netuidHotkey, usageTracker),
    MaxSpace: value(u32, 3100),
  }),
  calls: {
    set_commitment: call(0, { netuid: u16, info: commitmentInfo }),
    set_max_space: call(2, { new_limit: u32 }),
  },
  events: {
    Commitment: event(0, { netuid: u16, who: accountId }),
    TimelockCommitment: event(1, { netuid: u16, who: accountId, reveal_round: u64 }),
    CommitmentRevealed: event(2, { netuid: u16, who: accountId }),
  },
  errors: [
    ['TooManyFieldsInCommitmentInfo', 0],
    ['AccountNotAllowedCommit', 1],
    ['SpaceLimitExceeded', 2],
    ['UnexpectedUnreserveLeftover', 3],
  ],
  constants: {
    MaxFields: { type: u32, value: MAX_FIELDS },
    InitialDeposit: { type: u64, value: 0n },
    FieldDeposit: { type: u64, value: 0n },
  },
});
