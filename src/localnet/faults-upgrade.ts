// Owns: the runtime after upgrades on request: version, calls, metadata. Does not own: when one happens (localnet.ts).
import { innerEnum, type Pallet, palletPath } from '../chain/codec/pallet.js';
import { systemPallet } from '../chain/codec/pallets/system.js';
import { timestampPallet } from '../chain/codec/pallets/timestamp.js';
import { eventRecords, pallets, runtime, runtimeCall, runtimeVersion } from '../chain/codec/runtime.js';
import { blocks, type Codec, type Instead, variants } from '../chain/codec/scale.js';
import { storageOf, value } from '../chain/codec/storage.js';
import type { StateView } from './state.js';

const { LastRuntimeUpgrade } = runtime.System.storage;

/** What a client sees of the runtime at some block. */
export interface RuntimeForm {
  readonly version: typeof runtimeVersion;
  readonly pallets: readonly Pallet[];
  /** codecs of calls that are others than this build's own */
  readonly instead: Instead;
}

/** Not on Subtensor: what a client finds in the metadata of an upgraded localnet and nowhere else. */
const upgradeItem = storageOf('SubtensorModule', { LocalnetUpgradedAt: value(blocks, 0) });
export const { LocalnetUpgradedAt } = upgradeItem;

/** Free in the pallet's call enum; upgrades move the call to and fro, so that each one moves it. */
const MOVED_TO = [255, 254] as const;

export const specVersionAt = (state: StateView): number =>
  state.get(LastRuntimeUpgrade)?.spec_version ?? runtimeVersion.spec_version;

/**
 * The runtime of a version: of an upgraded one `SubtensorModule.set_weights` has another position, so that a client
 * with the old metadata encodes another call or none, and there is one storage item more.
 *
 * @param blockTimeMs what Timestamp's constant tells
 */
export function runtimeFormOf(specVersion: number, blockTimeMs: number): RuntimeForm {
  const upgrades = specVersion - runtimeVersion.spec_version;
  const version = { ...runtimeVersion, spec_version: specVersion };
  const own = pallets.map((pallet): Pallet => {
    if (pallet.name === 'Timestamp') return timestampPallet(blockTimeMs);
    if (upgrades === 0) return pallet;
    if (pallet.name === 'System')
      return { ...pallet, constants: systemPallet(eventRecords, version).constants };
    return pallet.name === 'SubtensorModule' ? upgraded(pallet, upgrades) : pallet;
  });
  if (upgrades === 0) return { version, pallets: own, instead: new Map() };
  const name = 'SubtensorModule';
  const { calls } = own.find((pallet) => pallet.name === name)!;
  const codec: Codec<unknown> = variants(`${palletPath(name)}::pallet::Call`, calls);
  return { version, pallets: own, instead: new Map([[innerEnum(runtimeCall, name)!, codec]]) };
}

function upgraded(pallet: Pallet, upgrades: number): Pallet {
  const moved = { ...pallet.calls.set_weights!, index: MOVED_TO[upgrades % 2]! };
  return {
    ...pallet,
    calls: { ...pallet.calls, set_weights: moved },
    storage: { ...pallet.storage, ...upgradeItem },
  };
}
