// Owns: who may call this miner: validators with a permit on its subnet, and hotkeys the operator listed.
import type { ChainReader, Subnet } from '../chain/chain.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import type { Log } from '../model/log.js';

/** A refused caller makes us look at the chain again, but not more often than once in so many blocks. */
const RECHECK_BLOCKS = 4;
/** Permits change only at epochs, but an epoch may be deferred or triggered: look at least this often. */
const REFRESH_BLOCKS = 50;

export interface Admission {
  admit(hotkey: Hotkey): boolean;
  /** Called for each head. */
  onHead(number: number): Promise<void>;
}

/**
 * Knows nobody until the first `onHead`. When the chain is out of reach the last known permits hold.
 */
export function createAdmission(
  parts: { reader: Pick<ChainReader, 'subnet'>; log: Log },
  options: { netuid: Netuid; listed?: readonly Hotkey[] },
): Admission {
  const listed = new Set(options.listed ?? []);
  let permitted = new Set<Hotkey>();
  let subnet: Subnet | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let refused = false;
  let reading: Promise<void> | undefined;

  async function read(head: number): Promise<void> {
    try {
      subnet = await parts.reader.subnet(options.netuid);
      permitted = new Set(subnet.neurons.filter((n) => n.validatorPermit).map((n) => n.hotkey));
      readAt = head;
      refused = false;
    } catch (error) {
      parts.log.warn('permits not refreshed, the last known ones hold', { error });
    }
  }

  return {
    admit(hotkey) {
      const known = permitted.has(hotkey) || listed.has(hotkey);
      refused ||= !known;
      return known;
    },
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
