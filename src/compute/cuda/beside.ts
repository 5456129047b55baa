// Owns: how a card was before and after each chain of labels, in the log: for whoever wonders about a slow proof. Nobody is paid
// or refused by it. Does not own: reading it (nvml.ts).
import type { Log } from '../../model/log.js';
import type { GpuCompute } from '../gpu/compute.js';
import type { Labels } from '../labels.js';
import { type CardState, listNvidia, type NvidiaHost } from './nvml.js';

/**
 * The same device. Asking takes milliseconds, some drivers longer: it is done when an event is armed and after the last opening, in
 * the device's own process, and not while a chain is there, whose labels would wait for it.
 * @param uuid of the card, or of a slice of it
 */
export function withState(
  compute: GpuCompute,
  uuid: string,
  { log, list = listNvidia }: { readonly log: Log; readonly list?: () => Promise<NvidiaHost> },
): GpuCompute {
  let chains = 0;
  const note = async (when: 'before' | 'after'): Promise<void> => {
    if (chains > 0) return;
    try {
      const state = stateOf(await list(), uuid);
      if (state) log.info(`card ${when} a proof`, { uuid, ...state });
    } catch (error) {
      // a proof does not hang on what nobody trusts
      log.debug('card beside a proof', { uuid, why: error instanceof Error ? error.message : String(error) });
    }
  };
  return {
    ...compute,
    // before the Go: afterwards every millisecond is the proof's
    async prepareLabels(basis, n) {
      await note('before');
      await compute.prepareLabels!(basis, n); // likewise
    },
    async openLabels(spec) {
      const labels = await compute.openLabels!(spec); // a graphics processor has both
      chains++;
      let over = false;
      const release = (): void => {
        labels.release();
        if (over) return;
        over = true;
        chains--;
        void note('after');
      };
      // getters stay getters
      return Object.create(labels, { release: { value: release } }) as Labels;
    },
  };
}

function stateOf({ cards }: NvidiaHost, uuid: string): CardState | undefined {
  return cards.find((card) => card.uuid === uuid || card.slices.some((slice) => slice.uuid === uuid))?.state;
}
