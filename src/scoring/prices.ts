// Owns: what a unit of each resource counts, the same for every class. Does not own: what a slot proved (validator), what a token is worth.
import { type Credit, RESOURCES, type Resource } from '../model/credit.js';

/** What one unit counts: `opsPerS: 1e-15` says that 10^15 operations a second count one. What is not named counts nothing. */
export type Prices = Readonly<Partial<Record<Resource, number>>>;

/** By whether the device is a real one: simulated ones (parameter sets for localnets only) are a million times smaller. */
export interface PriceList {
  readonly real: Prices;
  readonly simulated: Prices;
}

const each = (amounts: Credit, part: number): Prices =>
  Object.fromEntries(Object.entries(amounts).map(([resource, amount]) => [resource, part / amount]));

/**
 * Five things count one each: products, device memory, host memory, storage, a link. Of what has two amounts each is a half. Round numbers
 * near a card of 2023, a host with 512 GiB, a disk of 1 TB and a link of 1 Gbit/s; docs/scoring.md has the table. A class has no part in it:
 * changing parameters changes what is proven and never what a unit counts.
 *
 * Hashes are part of the same work as products, and are not counted again.
 */
export const PRICES: PriceList = {
  real: {
    ...each({ opsPerS: 1e15 }, 1),
    ...each({ deviceBytes: 64e9, deviceBytesPerS: 2.5e12 }, 1 / 2),
    ...each({ hostBytes: 256e9, hostBytesPerS: 256e9 }, 1 / 2),
    ...each({ storageBytes: 1e12, storageBytesPerS: 1e9 }, 1 / 2),
    ...each({ downBytesPerS: 125e6, upBytesPerS: 125e6 }, 1 / 2),
  },
  simulated: {
    ...each({ opsPerS: 100e6 }, 1),
    ...each({ deviceBytes: 1e6, deviceBytesPerS: 15e6 }, 1 / 2),
    ...each({ hostBytes: 2e6 }, 1),
    ...each({ storageBytes: 500e3, storageBytesPerS: 131_072 }, 1 / 2),
    ...each({ downBytesPerS: 2e6, upBytesPerS: 2e6 }, 1 / 2),
  },
};

/** Linear in every amount: however a device is split, joined or named, the sum is the sum. */
export function worthOf(credit: Credit, prices: Prices): number {
  return RESOURCES.reduce((sum, resource) => sum + (credit[resource] ?? 0) * (prices[resource] ?? 0), 0);
}
