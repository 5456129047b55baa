// Owns: the one device that a command was told to use. Does not own: which slots compute on what (miner-devices.ts).
import type { FoundDevice, FoundDevices } from '../compute/find-devices.js';
import type { GpuChoice } from '../compute/gpu/open.js';
import { invalid } from './invalid-input.js';

/** A device beside the CPUs, and how it is opened. */
export type Card = FoundDevice & { readonly choice: GpuChoice };

/**
 * @param id as `assay miner devices` names it
 * @param known what there is, where it was looked for already
 * @returns undefined for `cpu`, which every command can do without being told
 * @throws AssayError `invalid-input` for a device that is not there, or cannot be used
 */
export async function deviceOf(id: string | undefined, known?: FoundDevices): Promise<Card | undefined> {
  if (id === undefined || id === 'cpu') return undefined;
  const { findDevices } = await import('../compute/find-devices.js');
  const { devices, absent } = known ?? (await findDevices());
  const found = devices.find((each) => each.id === id);
  if (!found) {
    const why = absent.filter(({ backend }) => id.startsWith(backend)).map((each) => `; ${each.why}`);
    throw invalid('--device', `one of ${devices.map((each) => each.id).join(', ')}`, `${id}${why.join('')}`);
  }
  if (found.problem !== undefined)
    throw invalid('--device', 'one that can be used', `${id}: ${found.problem}`);
  return isCard(found) ? found : undefined;
}

const isCard = (device: FoundDevice): device is Card => device.choice.device !== 'cpu';
