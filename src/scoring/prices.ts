// Owns: what a unit of each resource counts in the policies of this build, the same for every class. Does not own: what a slot
// proved (validator), what a token is worth, an owner's own prices (policy.ts).
import { type Credit, RESOURCES } from '../model/credit.js';
import type { PolicyPrices } from './policy.js';

/** So much of a resource counts `counts`, in proportion. */
const each = (amounts: Credit, counts: number): PolicyPrices =>
  Object.fromEntries(Object.entries(amounts).map(([resource, of]) => [resource, { of, counts }]));

/**
 * Five things count one each: products, device memory, host memory, storage, a link. Of what has two amounts each is a half. Round numbers
 * near a card of 2023, a host with 512 GiB, a disk of 1 TB and a link of 1 Gbit/s; docs/scoring.md has the table. A class has no part in it:
 * changing parameters changes what is proven and never what a unit counts.
 *
 * Hashes are part of the same work as products, and are not counted again.
 */
export const PRICES: PolicyPrices = {
  ...each({ opsPerS: 1e15 }, 1),
  ...each({ deviceBytes: 64e9, deviceBytesPerS: 2.5e12 }, 1 / 2),
  ...each({ hostBytes: 256e9, hostBytesPerS: 256e9 }, 1 / 2),
  ...each({ storageBytes: 1e12, storageBytesPerS: 1e9 }, 1 / 2),
  ...each({ downBytesPerS: 125e6, upBytesPerS: 125e6 }, 1 / 2),
};

/** The same of simulated devices, which are a million times smaller and count on localnets only. */
export const SIMULATED_PRICES: PolicyPrices = {
  ...each({ opsPerS: 100e6 }, 1),
  ...each({ deviceBytes: 1e6, deviceBytesPerS: 15e6 }, 1 / 2),
  ...each({ hostBytes: 2e6 }, 1),
  ...each({ storageBytes: 500e3, storageBytesPerS: 131_072 }, 1 / 2),
  ...each({ downBytesPerS: 2e6, upBytesPerS: 2e6 }, 1 / 2),
};

/**
 * What amounts count. Linear in each of them: however a device is split, joined or named, the sum is the sum. What has no price
 * counts nothing.
 */
export function worthBy(prices: PolicyPrices = {}): (credit: Credit) => number {
  // in the order of RESOURCES, as a sum of doubles hangs on it; each part is exact, and so is one quotient of them everywhere
  const priced = RESOURCES.flatMap((name) => {
    const price = prices[name];
    return price ? [{ name, price: price.counts / price.of }] : [];
  });
  return (credit) => {
    let sum = 0;
    for (const { name, price } of priced) sum += (credit[name] ?? 0) * price;
    return sum;
  };
}
