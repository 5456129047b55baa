// Owns: what the rooms above may ask of a chain. Does not own: how (subtensor/), nor what to ask for.
import type { Keypair } from '../keys/keypair.js';
import type { Coldkey, Hotkey, Netuid, Uid } from '../model/ids.js';

export interface Head {
  readonly number: number;
  /** 32 bytes */
  readonly hash: Uint8Array;
}

export interface ChainInfo {
  readonly name: string;
  /** `development` and `local` chains may pay simulated devices; `live` ones never do */
  readonly type: 'live' | 'local' | 'development';
  readonly specVersion: number;
  /** 32 bytes */
  readonly genesisHash: Uint8Array;
}

export interface Axon {
  /** textual IPv4 or IPv6 address; the unspecified one (0.0.0.0, ::) takes a served axon back */
  readonly ip: string;
  readonly port: number;
}

export interface Neuron {
  readonly uid: Uid;
  readonly hotkey: Hotkey;
  readonly coldkey: Coldkey;
  /** TotalHotkeyAlpha on this subnet, rao */
  readonly stakeRao: bigint;
  readonly validatorPermit: boolean;
  readonly active: boolean;
  /** block of LastUpdate (weights set, or registration) */
  readonly lastUpdate: number;
  readonly registeredAt: number;
  /** u16 proportions of 65535 */
  readonly incentive: number;
  readonly dividends: number;
  /** Emission of the last epoch, rao of alpha: what it assigned to this uid, also where that was then burned */
  readonly emissionRao: bigint;
  /** undefined when no axon is served */
  readonly axon: Axon | undefined;
}

/** One consistent snapshot of a subnet at one block. */
export interface Subnet {
  readonly netuid: Netuid;
  readonly block: number;
  readonly tempo: number;
  /** block in which the last epoch slot was consumed */
  readonly lastEpochBlock: number;
  /** monotonic epoch counter */
  readonly epochIndex: number;
  /** undefined when tempo is 0 */
  readonly nextEpochBlock: number | undefined;
  readonly ownerHotkey: Hotkey;
  readonly ownerColdkey: Coldkey;
  /** uid of the owner's hotkey, undefined when it is not registered */
  readonly ownerUid: Uid | undefined;
  readonly weightsRateLimit: number;
  readonly weightsVersionKey: bigint;
  readonly minAllowedWeights: number;
  readonly commitRevealEnabled: boolean;
  /** by uid, ascending */
  readonly neurons: readonly Neuron[];
}

export type WeightRow = readonly (readonly [uid: number, value: number])[];

export interface ChainReader {
  info(): Promise<ChainInfo>;
  head(): Promise<Head>;
  /** @throws AssayError `chain-unknown` when the chain has no such block (yet) */
  blockHash(number: number): Promise<Uint8Array>;
  /** @param at block hash; the best head without it. @throws AssayError `chain-unknown` for no such subnet */
  subnet(netuid: Netuid, at?: Uint8Array): Promise<Subnet>;
  /** The row as stored (max-upscaled u16), explicit zeros included; [] when none. */
  weights(netuid: Netuid, uid: Uid, at?: Uint8Array): Promise<WeightRow>;
  /** Free TAO balance of an account, rao. */
  balanceRao(address: string): Promise<bigint>;
  /** Alpha stake of `hotkey` on `netuid` over all its stakers, rao. */
  alphaRao(hotkey: Hotkey, netuid: Netuid): Promise<bigint>;
  /** Calls `onHead` for each new best block until aborted; outages are ridden out, heads seen meanwhile are lost. */
  watchHeads(onHead: (head: Head) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Where an extrinsic landed. Its effect was read back from that block's state. */
export interface Landed {
  readonly block: number;
  readonly blockHash: Uint8Array;
  readonly extrinsicHash: Uint8Array;
}

/** Calls that only the root key of a localnet may make, as data: pallet AdminUtils of Subtensor. */
export type SudoCall = {
  readonly call: string;
  readonly args: readonly (number | bigint | boolean | string)[];
};

/**
 * Each write resolves once its effect was read back; it rejects with `chain-rejected` (nothing changed),
 * `not-landed` (included, effect absent), or `unreachable` or `timeout` (unknown: decide anew from chain state).
 */
export interface ChainWriter {
  transfer(from: Keypair, to: string, amountRao: bigint): Promise<Landed>;
  /** @returns the new subnet's number; the signer's coldkey owns it, `hotkey` becomes uid 0 */
  registerNetwork(coldkey: Keypair, hotkey: Hotkey): Promise<Landed & { netuid: Netuid }>;
  startCall(coldkey: Keypair, netuid: Netuid): Promise<Landed>;
  burnedRegister(coldkey: Keypair, netuid: Netuid, hotkey: Hotkey): Promise<Landed & { uid: Uid }>;
  addStake(coldkey: Keypair, netuid: Netuid, hotkey: Hotkey, amountRao: bigint): Promise<Landed>;
  serveAxon(hotkey: Keypair, netuid: Netuid, axon: Axon): Promise<Landed>;
  /** `weights` by uid ascending, u16, explicit zeros allowed. */
  setWeights(hotkey: Keypair, netuid: Netuid, weights: WeightRow, versionKey: bigint): Promise<Landed>;
  /** Sudo.sudo(AdminUtils.<call>(...args)). @throws AssayError `chain-rejected` when the inner call failed */
  sudo(root: Keypair, call: SudoCall): Promise<Landed>;
}
