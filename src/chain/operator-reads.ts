// Owns: what people who run subnets, validators and miners ask of a chain beside what the rooms need (chain.ts).
// Does not own: how it is read (subtensor/), how it is shown (cli).
import type { Coldkey, Hotkey, Netuid } from '../model/ids.js';
import type { ServerKey, WeightRow } from './chain.js';
import type { SubnetSnapshot } from './snapshot-file.js';
import type { Features } from './subtensor/features.js';

/** `at` is a block hash; the best head without it. All of one answer is from one block. */
export interface SubtensorReader {
  features(at?: Uint8Array): Promise<Features>;
  /** In the chain's order. @throws AssayError `chain-unknown` for no such subnet */
  hyperparameters(netuid: Netuid, at?: Uint8Array): Promise<readonly HyperparameterEntry[]>;
  /** By netuid, root (0) included. */
  subnets(at?: Uint8Array): Promise<readonly SubnetSummary[]>;
  /** All stake of a coldkey, by subnet and hotkey. */
  stakesOf(coldkey: string, at?: Uint8Array): Promise<readonly StakePosition[]>;
  /** Hotkeys that take nominations, by address. */
  delegates(at?: Uint8Array): Promise<readonly Delegate[]>;
  identityOf(coldkey: string, at?: Uint8Array): Promise<IdentityRecord | undefined>;
  commitments(netuid: Netuid, at?: Uint8Array): Promise<readonly Commitment[]>;
  /** What one hotkey committed to; undefined for nothing. @throws AssayError `unsupported` where the chain keeps none */
  commitmentOf(netuid: Netuid, hotkey: Hotkey, at?: Uint8Array): Promise<Commitment | undefined>;
  /**
   * Signature of a round of the chain's beacon, as the chain stores it: whoever uses it verifies it (`verifyRound`).
   * Undefined where it has not come, or is kept no more. @throws AssayError `unsupported` where the chain follows no beacon
   */
  pulse(round: bigint, at?: Uint8Array): Promise<Uint8Array | undefined>;
  /** What the hotkeys of a subnet announced; those that left stay until the chain forgets them. */
  announcements(netuid: Netuid, at?: Uint8Array): Promise<readonly Announcement[]>;
  childKeys(hotkey: Hotkey, netuid: Netuid, at?: Uint8Array): Promise<ChildKeys>;
  /** @throws AssayError `unsupported` where subnets have no alpha */
  emission(netuid: Netuid, at?: Uint8Array): Promise<SubnetEmission>;
  prices(netuid: Netuid, at?: Uint8Array): Promise<Prices>;
  /** What a swap would give now. @throws AssayError `unsupported` where the runtime cannot say */
  simulateSwap(netuid: Netuid, swap: Swap, at?: Uint8Array): Promise<SimulatedSwap>;
  /** What may be called how often, by a hotkey on a subnet and by its owner. */
  rateLimits(netuid: Netuid, hotkey: Hotkey, at?: Uint8Array): Promise<readonly RateLimit[]>;
  /** undefined where the runtime has no freeze window. */
  freezeWindow(netuid: Netuid, at?: Uint8Array): Promise<FreezeWindow | undefined>;
  events(at?: Uint8Array): Promise<readonly BlockEvent[]>;
  /** All rows by uid, ascending; [] for a uid without any. */
  weightsMatrix(netuid: Netuid, at?: Uint8Array, mechanism?: number): Promise<readonly WeightRow[]>;
  bondsMatrix(netuid: Netuid, at?: Uint8Array, mechanism?: number): Promise<readonly WeightRow[]>;
  balances(addresses: readonly string[], at?: Uint8Array): Promise<readonly Balance[]>;
  /** All TAO that there is, rao. */
  issuanceRao(at?: Uint8Array): Promise<bigint>;
  /** Balance below which an account is removed, rao. */
  existentialDepositRao(): Promise<bigint>;
  /**
   * What an extrinsic would cost, rao; 0 for calls that the chain does not charge.
   * @param extrinsic as submitted, with its length; signed by anybody, for unsigned ones cost nothing
   * @throws AssayError `unsupported` where the runtime's metadata does not describe it
   */
  feeRao(extrinsic: Uint8Array, at?: Uint8Array): Promise<bigint>;
  /** What a localnet can be forked from. @throws AssayError `chain-unknown` for no such subnet */
  snapshot(netuid: Netuid, at?: Uint8Array): Promise<SubnetSnapshot>;
}

/** A number of the chain's fixed point: `bits` / 2^`fractionBits`. */
export interface FixedPoint {
  readonly bits: bigint;
  readonly fractionBits: number;
}

/** By the chain's own name (snake_case). */
export type HyperparameterEntry = { readonly name: string } & (
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** counts, blocks, proportions: as the chain keeps them */
  | { readonly kind: 'integer'; readonly value: bigint }
  /** TAO, rao */
  | { readonly kind: 'rao'; readonly value: bigint }
  | { readonly kind: 'fixed'; readonly value: FixedPoint }
);

export interface SubnetSummary {
  readonly netuid: Netuid;
  /** from the identity, else the chain's own; '' where neither says */
  readonly name: string;
  readonly symbol: string;
  readonly ownerHotkey: Hotkey;
  readonly ownerColdkey: Coldkey;
  readonly tempo: number;
  /** block */
  readonly registeredAt: number;
  /** TAO for 1 alpha, rao; undefined where only the runtime could tell and does not */
  readonly priceRao: bigint | undefined;
  /** moving average of the price in TAO; undefined before dTAO */
  readonly movingPrice: FixedPoint | undefined;
  readonly taoInRao: bigint;
  readonly alphaInRao: bigint;
  readonly alphaOutRao: bigint;
  readonly identity: IdentityRecord | undefined;
}

/** Texts by the chain's field names (camelCase); empty ones left out, bytes that are no UTF-8 shown as U+FFFD. */
export type IdentityRecord = Readonly<Record<string, string>>;

export interface StakePosition {
  readonly hotkey: Hotkey;
  readonly netuid: Netuid;
  /** on root (0) TAO, elsewhere alpha */
  readonly alphaRao: bigint;
  /** undefined where the runtime does not say */
  readonly isRegistered: boolean | undefined;
}

export interface Delegate {
  readonly hotkey: Hotkey;
  readonly coldkey: Coldkey;
  /** of dividends, u16 proportion of 65535 */
  readonly take: number;
  /** undefined where the runtime has no API that says */
  readonly nominators:
    | readonly { readonly coldkey: Coldkey; readonly stakes: readonly Stake[] }[]
    | undefined;
  readonly registrations: readonly Netuid[] | undefined;
  readonly validatorPermits: readonly Netuid[] | undefined;
}

export interface Stake {
  readonly netuid: Netuid;
  readonly alphaRao: bigint;
}

export type CommittedField =
  | { readonly kind: 'none' }
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  | { readonly kind: 'hash'; readonly algorithm: string; readonly digest: Uint8Array }
  /** `revealRound` at most 2^53 - 1, whatever was committed */
  | { readonly kind: 'timelocked'; readonly bytes: Uint8Array; readonly revealRound: number }
  | { readonly kind: 'reset-bonds' }
  /** of a runtime newer than this client */
  | { readonly kind: 'unknown'; readonly variant: string };

export interface Commitment {
  readonly hotkey: Hotkey;
  readonly block: number;
  readonly depositRao: bigint;
  readonly fields: readonly CommittedField[];
  /** what time-locked fields held before; oldest first */
  readonly revealed: readonly { readonly block: number; readonly bytes: Uint8Array }[];
}

export interface Endpoint {
  /** undefined when what is stored is no address */
  readonly ip: string | undefined;
  readonly port: number;
  readonly block: number;
  readonly version: number;
}

export interface Announcement {
  readonly hotkey: Hotkey;
  readonly axon: Endpoint | undefined;
  readonly prometheus: Endpoint | undefined;
  readonly serverKey: ServerKey | undefined;
}

/** `proportion` of 2^64 - 1. */
export interface Relative {
  readonly hotkey: Hotkey;
  readonly proportion: bigint;
}

export interface ChildKeys {
  readonly children: readonly Relative[];
  readonly parents: readonly Relative[];
  readonly pending: { readonly children: readonly Relative[]; readonly effectiveAt: number } | undefined;
  /** u16 proportion of 65535 */
  readonly take: number;
}

/** What a subnet makes in a block, and what its division hangs on. */
export interface SubnetEmission {
  /** alpha for its participants in the block that was asked, rao: 0 before the subnet was started */
  readonly alphaOutRao: bigint;
  /** u16 proportion of 65535; 0 where the owner takes none */
  readonly ownerCut: number;
  /** of its alpha there is so much in the pool and outside it, rao */
  readonly alphaIssuanceRao: bigint;
  /** TAO staked on root, rao */
  readonly rootTaoRao: bigint;
  /** what TAO on root weighs against alpha, of 2^64 - 1 */
  readonly taoWeight: bigint;
  /** sum of the moving prices of all subnets that make alpha, TAO; undefined where the runtime keeps none */
  readonly movingPrices: FixedPoint | undefined;
}

export interface Prices {
  /** TAO for 1 alpha, rao; undefined where only the runtime could tell and does not */
  readonly alphaRao: bigint | undefined;
  /** of a registration in this subnet now, rao */
  readonly registrationRao: bigint;
  /** of a new subnet now, rao; undefined where only the runtime could tell and does not */
  readonly subnetRao: bigint | undefined;
}

export type Swap = { readonly sell: 'tao' | 'alpha'; readonly amountRao: bigint };

export interface SimulatedSwap {
  readonly taoRao: bigint;
  readonly alphaRao: bigint;
  readonly taoFeeRao: bigint;
  readonly alphaFeeRao: bigint;
}

export interface RateLimit {
  /** name of the call, or `owner hyperparameter <name>` */
  readonly action: string;
  readonly by: 'hotkey' | 'owner' | 'anyone';
  readonly limitBlocks: number;
  /** block of the last use; 0 for never */
  readonly lastBlock: number;
  /** first block in which it may be used again */
  readonly allowedAt: number;
}

/** Owners' hyperparameters may not change in blocks `from` (inclusive) to `until` (exclusive). */
export interface FreezeWindow {
  readonly windowBlocks: number;
  /** undefined when tempo is 0: nothing ever freezes */
  readonly next: { readonly from: number; readonly until: number } | undefined;
}

export interface BlockEvent {
  readonly pallet: string;
  readonly name: string;
  /** index of the extrinsic it belongs to; undefined for what the block did by itself */
  readonly extrinsic: number | undefined;
  /** by field name, or by position where fields have none; values in plain form */
  readonly data: Readonly<Record<string, unknown>>;
  /** of each field in order, as the chain's source has it: `T::AccountId`, `NetUid`; '' where metadata does not say */
  readonly types: readonly string[];
}

export interface Balance {
  readonly address: string;
  readonly freeRao: bigint;
  readonly reservedRao: bigint;
}
