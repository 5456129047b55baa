// Owns: who may call this miner: validators with a permit on its subnet, hotkeys the operator listed, and for files everybody on it.
import type { ChainReader, Subnet } from '../chain/chain.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Admission as Admitted } from '../protocol/session.js';
import type { Standing } from './tickets.js';

/** A refused caller makes us look at the chain again, but not more often than once in so many blocks. */
const RECHECK_BLOCKS = 4;
/** Permits change only at epochs, but an epoch may be deferred or triggered: look at least this often. */
const REFRESH_BLOCKS = 50;

export interface Admission {
  /** Neurons without a permit may have files: what the owner publishes reaches miners from one another. */
  admit(hotkey: Hotkey): Admitted;
  /** Of whoever may call: listed hotkeys without a permit have no share. */
  standingOf(hotkey: Hotkey): Standing;
  /** Called for each head. */
  onHead(number: number): Promise<void>;
}

/**
 * Knows nobody until the first `onHead`. When the chain is out of reach the last known permits hold.
 */
export function createAdmission(
  parts: {
    reader: Pick<ChainReader, 'subnet'>;
    log: Log;
    /** what else looks at each reading. @returns whether it wants another one soon */
    onSubnet?: (subnet: Subnet) => boolean;
  },
  options: { netuid: Netuid; listed?: Pick<ReadonlySet<Hotkey>, 'has'>; minStakeShare?: number },
): Admission {
  const listed = options.listed ?? new Set();
  let permitted = new Map<Hotkey, number>();
  let registered: ReadonlySet<Hotkey> = new Set();
  let subnet: Subnet | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  /** somebody was not known, or what was read wants another look */
  let refused = false;
  let reading: Promise<void> | undefined;

  async function read(head: number): Promise<void> {
    try {
      subnet = await parts.reader.subnet(options.netuid);
      permitted = sharesOf(subnet, options.minStakeShare);
      registered = new Set(subnet.neurons.map(({ hotkey }) => hotkey));
      readAt = head;
      refused = parts.onSubnet?.(subnet) ?? false;
    } catch (error) {
      parts.log.warn('permits not refreshed, the last known ones hold', { error });
    }
  }

  return {
    admit(hotkey) {
      const known = permitted.has(hotkey) || listed.has(hotkey);
      refused ||= !known;
      return known || (registered.has(hotkey) && 'files');
    },
    standingOf: (hotkey) => ({ epoch: subnet?.epochIndex ?? 0, share: permitted.get(hotkey) ?? 0 }),
    onHead(number) {
      const age = number - readAt;
      const epochPassed = subnet?.nextEpochBlock !== undefined && number >= subnet.nextEpochBlock;
      if (!(age >= REFRESH_BLOCKS || (age >= 1 && epochPassed) || (age >= RECHECK_BLOCKS && refused)))
        return Promise.resolve();
      reading ??= read(number).finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}

/** Parts of the stake of all that hold a permit; of those with less than the least nothing is known. */
function sharesOf({ neurons }: Subnet, least = 0): Map<Hotkey, number> {
  const stakes = neurons
    .filter(({ validatorPermit }) => validatorPermit)
    .map(
      ({ hotkey, consensusStakeRao, stakeRao }) => [hotkey, Number(consensusStakeRao ?? stakeRao)] as const,
    );
  const all = stakes.reduce((sum, [, stake]) => sum + stake, 0);
  const shares = stakes.map(([hotkey, stake]) => [hotkey, all > 0 ? stake / all : 0] as const);
  return new Map(shares.filter(([, share]) => share >= least));
}
