// Owns: the localnet's runtime as one table: pallets in order, their calls and events joined, the version.
import { blake2AsU8a } from '@polkadot/util-crypto';
import { utf8 } from '../../model/bytes.js';
import { type CallOf, type EventOf, outerEnum, type Pallet } from './pallet.js';
import { adminUtils } from './pallets/admin-utils.js';
import { balances } from './pallets/balances.js';
import { commitments } from './pallets/commitments.js';
import { drand } from './pallets/drand.js';
import { subtensor } from './pallets/subtensor.js';
import { sudoPallet } from './pallets/sudo.js';
import { swapPallet } from './pallets/swap.js';
import { type RuntimeVersion, systemPallet } from './pallets/system.js';
import { timestampPallet } from './pallets/timestamp.js';
import { utilityPallet } from './pallets/utility.js';
import { runtimeApisOf } from './runtime-apis.js';
import { type Codec, lazy, struct, type ValueOf, vec } from './scale.js';
import { type dispatchError, h256, phase } from './types.js';

const lazyCall = lazy<RuntimeCall>(() => runtimeCall);

export const runtimeApis = runtimeApisOf(lazyCall);
export type RuntimeApis = typeof runtimeApis;
/** By the hash of their names. */
const apis = Object.entries(runtimeApis).map(
  ([name, { version }]) => [blake2AsU8a(utf8(name), 64), version] as const,
);

export const runtimeVersion: RuntimeVersion = {
  spec_name: 'node-subtensor',
  impl_name: 'assay-localnet',
  authoring_version: 1,
  spec_version: 425,
  impl_version: 1,
  apis,
  transaction_version: 1,
  system_version: 1,
};

export interface EventRecord {
  readonly phase: ValueOf<typeof phase>;
  readonly event: RuntimeEvent;
  readonly topics: readonly Uint8Array[];
}

const lazyRecords = lazy<readonly EventRecord[]>(() => eventRecords);

export const system = systemPallet<EventRecord>(lazyRecords, runtimeVersion);
export const sudo = sudoPallet<RuntimeCall>(lazyCall);
const utility = utilityPallet<RuntimeCall>(lazyCall);
/** Its constants depend on the block time, so a node has its own; storage, calls and events do not. */
export const timestamp = timestampPallet(12_000);

type SudoCalls =
  | { readonly pallet: 'Sudo'; readonly name: 'sudo'; readonly args: { readonly call: RuntimeCall } }
  | {
      readonly pallet: 'Sudo';
      readonly name: 'set_key';
      readonly args: { readonly new: MultiAddress };
    };
type Batch = 'batch' | 'batch_all' | 'force_batch';
type UtilityCalls = {
  [N in Batch]: {
    readonly pallet: 'Utility';
    readonly name: N;
    readonly args: { readonly calls: readonly RuntimeCall[] };
  };
}[Batch];
type MultiAddress = Extract<
  CallOf<typeof balances>,
  { readonly name: 'transfer_keep_alive' }
>['args']['dest'];

/** Any call, by the chain's own names: `{ pallet: 'SubtensorModule', name: 'start_call', args: { netuid: 1 } }`. */
export type RuntimeCall =
  | CallOf<ReturnType<typeof systemPallet<unknown>>>
  | CallOf<typeof timestamp>
  | CallOf<typeof balances>
  | CallOf<typeof subtensor>
  | UtilityCalls
  | SudoCalls
  | CallOf<typeof commitments>
  | CallOf<typeof drand>
  | CallOf<typeof adminUtils>;

export type RuntimeEvent =
  | EventOf<ReturnType<typeof systemPallet<unknown>>>
  | EventOf<typeof balances>
  | EventOf<typeof subtensor>
  | EventOf<ReturnType<typeof utilityPallet<unknown>>>
  | EventOf<ReturnType<typeof sudoPallet<unknown>>>
  | EventOf<typeof commitments>
  | EventOf<typeof drand>
  | EventOf<typeof adminUtils>;

/** In metadata order. */
export const pallets: readonly Pallet[] = [
  system,
  timestamp,
  balances,
  subtensor,
  utility,
  sudo,
  commitments,
  adminUtils,
  drand,
  swapPallet,
];

/** The pallets by name, for typed access to their storage. */
export const runtime = {
  System: system,
  Timestamp: timestamp,
  Balances: balances,
  SubtensorModule: subtensor,
  Utility: utility,
  Sudo: sudo,
  Commitments: commitments,
  Drand: drand,
  AdminUtils: adminUtils,
  Swap: swapPallet,
} as const;
export type Runtime = typeof runtime;

export const runtimeCall: Codec<RuntimeCall> = outerEnum(
  'node_subtensor_runtime::RuntimeCall',
  'Call',
  pallets,
  'calls',
  'args',
);
export const runtimeEvent: Codec<RuntimeEvent> = outerEnum(
  'node_subtensor_runtime::RuntimeEvent',
  'Event',
  pallets,
  'events',
  'data',
);
export const eventRecord: Codec<EventRecord> = struct(
  'frame_system::EventRecord',
  { phase, event: runtimeEvent, topics: vec(h256) },
  [
    ['E', runtimeEvent],
    ['T', h256],
  ],
);
export const eventRecords: Codec<readonly EventRecord[]> = vec(eventRecord);

/** `SubtensorModule.InvalidIpAddress`, `Token.FundsUnavailable`, `BadOrigin`. */
export function dispatchErrorName(error: ValueOf<typeof dispatchError>): string {
  if (error.type === 'Module') {
    const { index, error: position } = error.value[0];
    const pallet = pallets.find((candidate) => candidate.index === index);
    const name = pallet?.errors.find(([, at]) => at === position[0])?.[0];
    return `${pallet?.name ?? index}.${name ?? position[0]}`;
  }
  if (error.type === 'Token' || error.type === 'Arithmetic') return `${error.type}.${error.value[0]}`;
  return error.type;
}
