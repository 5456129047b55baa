// Owns: what a localnet can be told when it is created. Does not own: what it begins with of that (begin.ts).
import type { Clock } from '../model/clock.js';
import type { Log } from '../model/log.js';
import type { SubnetFork } from './fork.js';
import type { SavedState } from './save.js';

export interface LocalnetOptions {
  /** SS58 address of the key that Sudo obeys; of a chain that begins elsewhere, its own storage tells */
  readonly sudo: string;
  /** free TAO at genesis by SS58 address, rao; each at least 500. The sudo key needs none: nothing costs fees. */
  readonly balances?: readonly (readonly [address: string, rao: bigint])[];
  /** @default 250 */
  readonly blockTimeMs?: number;
  /** blocks per epoch of subnets registered from now on; sudo_set_tempo changes it later @default 360 */
  readonly tempo?: number;
  /** Blocks come only from `produceBlock` (or RPC `dev_newBlock`), never from `run`. @default false */
  readonly manual?: boolean;
  /** how many blocks behind the head finality stays @default 2 */
  readonly finalityLagBlocks?: number;
  /** blocks whose state, body and hash stay readable @default 2400 */
  readonly historyBlocks?: number;
  /**
   * As Subtensor's fast-runtime build: 32 epochs a block, short waits for children, childkey takes, hotkey swaps, trimming
   * and mechanisms; and no wait between registrations of networks. What a chain began as it stays. @default true
   */
  readonly fastBlocks?: boolean;
  /** Serves the `dev_` methods: faults, faucet. @default manual */
  readonly faults?: boolean;
  /** Whose rounds time-locked commits open by. */
  readonly beacon?: {
    /** Whoever knows it opens everything at once. @default 'assay localnet', of every localnet */
    readonly seed?: string;
    /** whole seconds between rounds @default a quarter of the time between blocks, at least 1 */
    readonly periodSeconds?: number;
  };
  /** A folder that keeps every finalized block; one that holds a chain goes on with it. @default none */
  readonly basePath?: string;
  /** Where the chain begins instead of a new genesis. Refused when `basePath` holds a chain. */
  readonly from?: SavedState | SubnetFork;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default silentLog */
  readonly log?: Log;
  /** unix ms of block 0 @default the clock's now; in manual mode 2026-01-01, so that equal calls give equal hashes */
  readonly genesisMs?: number;
}
