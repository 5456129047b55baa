// Owns: whether the chain still has this miner, and at the address where it answers; announcing it anew where it does not.
// Does not own: when the chain is read (admit.ts), what a call on it is (chain/announce.ts).
import { announce, namesAxon, ownNeuron } from '../chain/announce.js';
import type { Axon, ChainReader, ChainWriter, Subnet } from '../chain/chain.js';
import type { Keypair } from '../keys/keypair.js';
import { isAssayError } from '../model/errors.js';
import { type Hotkey, type Netuid, toHotkey, type Uid } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { MinerAlert } from './status.js';

/** Where the chain does not say when it takes another one: its own limit is 50 blocks by default (`ServingRateLimit`). */
const AGAIN_BLOCKS = 50;
/** After an error that leaves open what became of the call, or that may pass. */
const RETRY_BLOCKS = 4;
/** The longest pause between two announcements against somebody else's: a day of 12 s blocks. */
const LONGEST_PAUSE_BLOCKS = 7200;
/** A single reading without us may be of a fork that loses. */
const MISSES = 2;

/** The chain's word for an axon announced too soon after another: subtensor subnets/serving.rs */
const TOO_SOON = 'ServingRateLimitExceeded';

export interface Presence {
  /**
   * The first announcement; one that comes too soon after another is made later.
   * @throws AssayError as `announce`
   */
  announce(): Promise<void>;
  /** Called with each reading of the subnet. @returns whether it should be read again soon */
  seen(subnet: Subnet): boolean;
  /** Another address or key from now on: announced with the next reading. */
  move(axon: Axon): void;
  status(): { readonly uid: Uid | undefined; readonly axon: Axon; readonly isOnChain: boolean };
  /** Resolves when nothing is being sent. */
  settled(): Promise<void>;
}

/**
 * @param parts.onGone called once, when the hotkey is not on the subnet any more
 * @param axon what the chain is to name
 */
export function createPresence(
  parts: {
    readonly reader: Pick<ChainReader, 'subnet'>;
    readonly writer: Pick<ChainWriter, 'serveAxon'>;
    readonly keypair: Keypair;
    readonly log: Log;
    readonly tell: (alert: MinerAlert) => void;
    readonly onGone: (block: number) => void;
  },
  { netuid, axon: first }: { readonly netuid: Netuid; readonly axon: Axon },
): Presence {
  const { log, tell, keypair } = parts;
  const hotkey: Hotkey = toHotkey(keypair.address);
  let axon = first;
  let uid: Uid | undefined;
  let isOnChain = false;
  let misses = 0;
  let isGone = false;
  /** whether the chain named what we serve before it named something else */
  let wasOnChain = false;
  let changes = 0;
  let notBefore = Number.NEGATIVE_INFINITY;
  let sending: Promise<void> | undefined;

  async function send(block: number): Promise<void> {
    try {
      const landed = await announce(parts, { netuid, axon });
      notBefore = (landed?.block ?? block) + AGAIN_BLOCKS;
    } catch (error) {
      const isTooSoon = isAssayError(error, 'chain-rejected') && error.data.error === TOO_SOON;
      const at = isTooSoon ? (error.data.atBlock ?? block + AGAIN_BLOCKS) : block + RETRY_BLOCKS;
      const final = isAssayError(error, 'chain-rejected') && !isTooSoon;
      notBefore = Math.max(notBefore, final ? block + LONGEST_PAUSE_BLOCKS : at);
      log[final ? 'error' : 'warn']('axon not announced', { error, nextTryBlock: notBefore });
    }
  }

  /** What another process of this hotkey announced, or a chain that forgot: it may go on for ever, and ever more slowly. */
  function changed(theirs: Axon | undefined, block: number): void {
    changes++;
    const pause = Math.min(LONGEST_PAUSE_BLOCKS, AGAIN_BLOCKS * 2 ** (changes - 1));
    notBefore = Math.max(notBefore, changes === 1 ? block : block + pause);
    const other = theirs ? { ip: theirs.ip, port: theirs.port } : {};
    log.warn('the chain names another axon than this miner serves', { ...other, times: changes });
    tell({ kind: 'axon-changed', netuid, hotkey, ...other, times: changes });
  }

  return {
    async announce() {
      try {
        const landed = await announce(parts, { netuid, axon });
        // a reading from before it says nothing
        if (landed) notBefore = landed.block + RETRY_BLOCKS;
      } catch (error) {
        if (!isAssayError(error, 'chain-rejected') || error.data.error !== TOO_SOON) throw error;
        notBefore = error.data.atBlock ?? notBefore;
        log.warn('axon not announced yet: the chain takes one so often', {
          nextTryBlock: error.data.atBlock,
        });
      }
    },
    seen(subnet) {
      const own = ownNeuron(subnet, hotkey);
      misses = own ? 0 : misses + 1;
      uid = own?.uid;
      if (!own) {
        isOnChain = false;
        if (misses < MISSES || isGone) return !isGone;
        isGone = true;
        log.error('this hotkey is not registered any more', { block: subnet.block });
        tell({ kind: 'deregistered', netuid, hotkey, block: subnet.block });
        parts.onGone(subnet.block);
        return false;
      }
      isOnChain = namesAxon(own, axon);
      if (!isOnChain && wasOnChain) changed(own.axon, subnet.block);
      wasOnChain = isOnChain;
      if (isOnChain || sending || subnet.block < notBefore) return false;
      sending = send(subnet.block).finally(() => {
        sending = undefined;
      });
      return true;
    },
    move(next) {
      axon = next;
      isOnChain = false;
      wasOnChain = false;
      notBefore = Number.NEGATIVE_INFINITY;
    },
    status: () => ({ uid, axon, isOnChain }),
    settled: async () => sending,
  };
}
