// Owns: whether a graphics processor is used at all. Does not own: what is compared (../probe-labels.ts, ../probe.ts).
import { AssayError } from '../../model/errors.js';
import type { Compute } from '../compute.js';
import { inexactProduct } from '../probe.js';
import { wrongLabels } from '../probe-labels.js';

/** Labels of several tiles, and with blocks to pass over. */
const SIDES = [64, 256];

/**
 * The same device, after every operation gave the bits of the plain one.
 * @throws AssayError `unsupported` when one did not; the device is closed then
 */
export async function exactCompute(compute: Compute): Promise<Compute> {
  const wrong = await firstDifference(compute);
  if (wrong === undefined) return compute;
  await compute.close?.();
  const what = compute.name;
  const why = `it is not exact here (${wrong}), so it is not used: update the driver, and report it with this line`;
  throw new AssayError('unsupported', `${what}: ${why}`, { what, why });
}

async function firstDifference(compute: Compute): Promise<string | undefined> {
  const product = await inexactProduct(compute);
  if (product !== undefined) return product;
  for (const n of SIDES) {
    const wrong = await wrongLabels((spec) => compute.openLabels!(spec), n); // a graphics processor has them
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}
