// Owns: pallet System (0), reduced to what clients read.
import { call, definePallet, event } from '../pallet.js';
import {
  bytes,
  type Codec,
  compact,
  fixedBytes,
  newtype,
  struct,
  text,
  tuple,
  u8,
  u16,
  u32,
  vec,
} from '../scale.js';
import { blake, map, optionalValue, storageOf, twox, value } from '../storage.js';
import { accountId, accountInfo, dispatchError, dispatchInfo, h256 } from '../types.js';

const ZERO_HASH = new Uint8Array(32);

/** Blocks for which a mortal extrinsic may live, and for which localnets keep state. */
export const BLOCK_HASH_COUNT = 2400;

export interface RuntimeVersion {
  readonly spec_name: string;
  readonly impl_name: string;
  readonly authoring_version: number;
  readonly spec_version: number;
  readonly impl_version: number;
  readonly apis: readonly (readonly [Uint8Array, number])[];
  readonly transaction_version: number;
  readonly system_version: number;
}
/** `Cow<T>`: the same bytes as T. */
const cow = <T>(of: Codec<T>): Codec<T> => newtype('Cow', of, undefined, [['T', of]]);

export const runtimeVersionCodec: Codec<RuntimeVersion> = struct('sp_version::RuntimeVersion', {
  spec_name: cow(text),
  impl_name: cow(text),
  authoring_version: u32,
  spec_version: u32,
  impl_version: u32,
  apis: cow(vec(tuple(fixedBytes(8), u32))),
  transaction_version: u32,
  system_version: u8,
});

const lastRuntimeUpgradeInfo = struct('frame_system::LastRuntimeUpgradeInfo', {
  spec_version: compact(u32),
  spec_name: cow(text),
});

/** `eventRecords` comes from runtime.ts: a record may hold an event of any pallet. */
export const systemPallet = <R>(eventRecords: Codec<readonly R[]>, version: RuntimeVersion) =>
  definePallet({
    name: 'System',
    index: 0,
    storage: storageOf('System', {
      Account: map([blake(accountId)] as const, accountInfo, {
        nonce: 0,
        consumers: 0,
        providers: 0,
        sufficients: 0,
        data: { free: 0n, reserved: 0n, frozen: 0n, flags: 1n << 127n },
      }),
      ExtrinsicCount: optionalValue(u32),
      BlockHash: map([twox(u32)] as const, h256, ZERO_HASH),
      Number: value(u32, 0),
      ParentHash: value(h256, ZERO_HASH),
      Events: value<readonly R[]>(eventRecords, []),
      EventCount: value(u32, 0),
      LastRuntimeUpgrade: optionalValue(lastRuntimeUpgradeInfo),
    }),
    calls: {
      remark: call(0, { remark: bytes }),
      remark_with_event: call(7, { remark: bytes }),
    },
    events: {
      ExtrinsicSuccess: event(0, { dispatch_info: dispatchInfo }),
      ExtrinsicFailed: event(1, { dispatch_error: dispatchError, dispatch_info: dispatchInfo }),
      CodeUpdated: event(2, {}),
      NewAccount: event(3, { account: accountId }),
      KilledAccount: event(4, { account: accountId }),
      Remarked: event(5, { sender: accountId, hash: h256 }),
    },
    errors: [
      ['InvalidSpecName', 0],
      ['SpecVersionNeedsToIncrease', 1],
      ['FailedToExtractRuntimeVersion', 2],
      ['NonDefaultComposite', 3],
      ['NonZeroRefCount', 4],
      ['CallFiltered', 5],
      ['MultiBlockMigrationsOngoing', 6],
      ['NothingAuthorized', 7],
      ['Unauthorized', 8],
    ],
    constants: {
      BlockHashCount: { type: u32, value: BLOCK_HASH_COUNT },
      SS58Prefix: { type: u16, value: 42 },
      Version: { type: runtimeVersionCodec, value: version },
    },
  });
