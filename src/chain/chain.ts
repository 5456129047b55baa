// Owns: what the rooms above may ask of a chain. Does not own: how (subtensor/), nor what to ask for.
import type { Keypair } from '../keys/keypair.js';
import type { AssayError } from '../model/errors.js';
import type { Coldkey, Hotkey, Netuid, Uid } from '../model/ids.js';

export interface Head {
  readonly number: number;
  /** 32 bytes */
  readonly hash: Uint8Array;
}

export interface ChainInfo {
  readonly name: string;
  /** As `chainTypeOf` judges, not as the node says: `live` chains never pay simulated devices, and are asked about. */
  readonly type: 'live' | 'local' | 'development';
  readonly specVersion: number;
  /** 32 bytes */
  readonly genesisHash: Uint8Array;
  /** between two blocks, as the runtime is built: Aura's slot duration, or twice Timestamp.MinimumPeriod */
  readonly blockTimeMs: number;
}

export interface Axon {
  /** textual IPv4 or IPv6 address; the unspecified one (0.0.0.0, ::) takes a served axon back */
  readonly ip: string;
  readonly port: number;
  /** key that the server's TLS certificate must have; undefined when the neuron announced none */
  readonly serverKey?: ServerKey;
}

/** NeuronCertificate of Subtensor: what a neuron says its TLS key is. */
export interface ServerKey {
  /** first byte of the certificate that `serve_axon_tls` carries */
  readonly algorithm: number;
  /** 1..64 bytes */
  readonly publicKey: Uint8Array;
}

export interface Neuron {
  readonly uid: Uid;
  readonly hotkey: Hotkey;
  readonly coldkey: Coldkey;
  /** TotalHotkeyAlpha on this subnet, rao */
  readonly stakeRao: bigint;
  /**
   * What weights, permits and the threshold are decided by: inherited alpha + inherited root TAO x TaoWeight, rao.
   * undefined where only the runtime could tell (child keys) and it has no API for it.
   */
  readonly consensusStakeRao: bigint | undefined;
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
  /** consensus stake below which no weights are taken, rao; 0 where the runtime has no such threshold */
  readonly stakeThresholdRao: bigint;
  readonly commitRevealEnabled: boolean;
  /** epochs from a commit to the epoch in which it is revealed */
  readonly revealPeriodEpochs: number;
  /** what a time-locked commit must carry; undefined where the runtime has no time-lock: commits are plain */
  readonly timelockVersion: number | undefined;
  /** 1 where the runtime has no mechanisms */
  readonly mechanismCount: number;
  /** by uid, ascending */
  readonly neurons: readonly Neuron[];
}

export type WeightRow = readonly (readonly [uid: number, value: number])[];

/** A beacon whose signature of a round opens what was locked to it (pallet Drand). */
export interface Beacon {
  /** G2, compressed, 96 bytes */
  readonly publicKey: Uint8Array;
  /** seconds between rounds */
  readonly periodSeconds: number;
  /** unix seconds of round 1 */
  readonly genesisSeconds: number;
  /** newest round whose pulse the chain has; 0 when none */
  readonly lastStoredRound: number;
  /** unix ms by the chain's own clock (Timestamp.Now) in the block that was asked */
  readonly blockTimestampMs: number;
}

/** A commit that the chain holds and has neither revealed nor dropped. */
export type PendingCommit =
  | { readonly kind: 'plain'; readonly hash: Uint8Array; readonly epoch: number; readonly block: number }
  | {
      readonly kind: 'timelocked';
      /** blake2-256 of the committed bytes, as TimelockedWeightsCommitted names it */
      readonly hash: Uint8Array;
      readonly epoch: number;
      readonly block: number;
      readonly revealRound: number;
    };

/** How the way to the chain is, for logs, metrics and whoever must be told. */
export interface ChainStatus {
  /** `away`: no node can be reached, or none of the right chain */
  readonly state: 'connected' | 'away' | 'closed';
  /** unix ms since which that is so, of the present node */
  readonly sinceMs: number;
  /** the node in use; while away the last one */
  readonly url: string;
  readonly specVersion: number | undefined;
  /** undefined while away */
  readonly head: Head | undefined;
  /** by the chain's timestamp and our clock, ms; undefined where it says nothing (development chains) */
  readonly headAgeMs: number | undefined;
  /** the newest block that any node called final */
  readonly finalized: Head | undefined;
  /** what is wrong with the node in use, when there was no better one: subtensor/health.ts */
  readonly sickness: 'stalled' | 'lagging' | 'unfinalised' | undefined;
  readonly lastError: AssayError | undefined;
}

export interface ChainObserver {
  status(): ChainStatus;
  /** Called after each change of state, node, sickness or runtime; not for each head. @returns what ends it */
  onStatus(listener: (status: ChainStatus) => void): () => void;
}

export interface ChainReader {
  info(): Promise<ChainInfo>;
  head(): Promise<Head>;
  /** @throws AssayError `chain-unknown` when the chain has no such block (yet) */
  blockHash(number: number): Promise<Uint8Array>;
  /** The newest block that no fork takes back. */
  finalizedHead(): Promise<Head>;
  /**
   * @param at block hash; the best head without it
   * @param mechanism whose `lastUpdate` and `incentive` the neurons show @default 0
   * @throws AssayError `chain-unknown` for no such subnet or mechanism
   */
  subnet(netuid: Netuid, at?: Uint8Array, mechanism?: number): Promise<Subnet>;
  /** The row as stored (max-upscaled u16), explicit zeros included; [] when none. */
  weights(netuid: Netuid, uid: Uid, at?: Uint8Array, mechanism?: number): Promise<WeightRow>;
  /** Oldest first. [] where the runtime has no commit-reveal. */
  pendingCommits(
    netuid: Netuid,
    hotkey: Hotkey,
    at?: Uint8Array,
    mechanism?: number,
  ): Promise<readonly PendingCommit[]>;
  /** @throws AssayError `unsupported` where the runtime has no pallet Drand */
  beacon(at?: Uint8Array): Promise<Beacon>;
  /** Free TAO balance of an account, rao. */
  balanceRao(address: string): Promise<bigint>;
  /** Alpha stake of `hotkey` on `netuid` over all its stakers, rao. */
  alphaRao(hotkey: Hotkey, netuid: Netuid): Promise<bigint>;
  /**
   * Calls `onHead` for each new best block until aborted; outages are ridden out, heads seen meanwhile are lost.
   * `retracted` are blocks that it was called with and that the new head does not build on, newest first; undefined
   * when there are none.
   */
  watchHeads(onHead: (head: Head, retracted?: readonly Head[]) => void, signal: AbortSignal): Promise<void>;
  /**
   * Calls `onBlock` for each block of the finalised chain, from number `from` on, each once and in order, until aborted;
   * what became final during an outage comes after it. The next block waits until `onBlock` has resolved.
   * @throws AssayError `chain-unknown` when blocks in between are no longer kept by the node; it names them
   */
  watchBlocks(
    from: number,
    onBlock: (block: Head) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
}

/** Where an extrinsic landed. Its effect was read back from that block's state. */
export interface Landed {
  readonly block: number;
  readonly blockHash: Uint8Array;
  readonly extrinsicHash: Uint8Array;
}

/** A signed extrinsic: the same bytes can take effect once at most, however often they are sent. */
export interface Signed {
  readonly bytes: Uint8Array;
  /** blake2-256 of the bytes */
  readonly hash: Uint8Array;
  readonly nonce: number;
  /** first block that is too late for it */
  readonly deathBlock: number;
  /**
   * The block that its era counts from, and `Pallet.call_name`: with both the bytes need not decode, which a runtime may
   * stop them from doing. Who kept neither has the bytes alone.
   */
  readonly birthBlock?: number | undefined;
  readonly call?: string | undefined;
}

export interface SendOptions {
  /**
   * Called before the bytes leave, and waited for: who keeps them can find out later what became of them, with `resend`.
   * When it rejects, nothing is sent.
   */
  onSigned?(signed: Signed): Promise<void>;
  /** First block that is too late for it, at the latest. @default the client's era from now */
  readonly deathBlock?: number;
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
  /** With `serverKey` by serve_axon_tls. */
  serveAxon(hotkey: Keypair, netuid: Netuid, axon: Axon): Promise<Landed>;
  /** `weights` by uid ascending, u16, explicit zeros allowed. @param mechanism @default 0 */
  setWeights(
    hotkey: Keypair,
    netuid: Netuid,
    weights: WeightRow,
    versionKey: bigint,
    mechanism?: number,
    options?: SendOptions,
  ): Promise<Landed>;
  /** @param hash of the row, as chain/codec/weight-commits.ts makes it, 32 bytes */
  commitWeights(
    hotkey: Keypair,
    netuid: Netuid,
    hash: Uint8Array,
    mechanism?: number,
    options?: SendOptions,
  ): Promise<Landed>;
  /** `weights`, `salt` and `versionKey` exactly as hashed. */
  revealWeights(
    hotkey: Keypair,
    netuid: Netuid,
    reveal: { readonly weights: WeightRow; readonly salt: readonly number[]; readonly versionKey: bigint },
    mechanism?: number,
    options?: SendOptions,
  ): Promise<Landed>;
  /** @param commit the sealed row, at most 5000 bytes (chain/codec/timelock.ts) */
  commitTimelockedWeights(
    hotkey: Keypair,
    netuid: Netuid,
    commit: { readonly bytes: Uint8Array; readonly revealRound: number; readonly version: number },
    mechanism?: number,
    options?: SendOptions,
  ): Promise<Landed>;
  /**
   * Makes sure of what was signed before: sends the same bytes again unless a block has them, and resolves with the block
   * where they succeeded. @throws AssayError `chain-rejected` when they failed there or never can (`Stale`,
   * `AncientBirthBlock`)
   */
  resend(signed: Signed): Promise<Landed>;
  /** Sudo.sudo(AdminUtils.<call>(...args)). @throws AssayError `chain-rejected` when the inner call failed */
  sudo(root: Keypair, call: SudoCall): Promise<Landed>;
}
