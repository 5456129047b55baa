// Owns: what a card's tensor cores could do at most, and where that figure is from. Does not own: what was measured.
import type { CudaCard } from '../../../src/compute/cuda/driver.js';
import { suggestedClass } from '../../../src/verification/catalogue.js';
import { deviceByClass } from '../../../src/verification/classes.js';

export interface Peak {
  readonly opsPerS: number;
  /** e.g. `published for h200` */
  readonly from: string;
}

/** Dense 8-bit operations of one multiprocessor and clock, by compute capability: architecture white papers of the vendor. */
const OPS_PER_CLOCK: Readonly<Record<number, number>> = {
  75: 2048,
  80: 4096,
  86: 2048,
  87: 2048,
  89: 2048,
  90: 8192,
  100: 16_384,
  120: 2048,
};
/** Of half precision, where whole numbers are multiplied with it: B300 and GB300. */
const HALF_OPS_PER_CLOCK = 8192;

/** At a clock: what the clock of the moment leaves of the published figure. */
export function peakAt(
  { capability, multiprocessors }: Pick<CudaCard, 'capability' | 'multiprocessors'>,
  product: string,
  clockHz: number,
  of: string,
): Peak | undefined {
  const ops = product === 'product-f16' ? HALF_OPS_PER_CLOCK : OPS_PER_CLOCK[capability];
  if (ops === undefined) return undefined;
  const from = `${multiprocessors} multiprocessors x ${ops} operations x ${(clockHz / 1e9).toFixed(3)} GHz (${of})`;
  return { opsPerS: multiprocessors * ops * clockHz, from };
}

/** The published figure where the card's class is known and all of it is there; else by its highest clock. */
export function peakOf(card: CudaCard, product: string, slice: boolean): Peak | undefined {
  const name = slice ? undefined : suggestedClass(card.name, card.memoryBytes);
  const published = name === undefined ? undefined : deviceByClass(name);
  if (published) return { opsPerS: published.peakOpsPerS, from: `published for ${published.class}` };
  return peakAt(card, product, card.clockHz, 'highest clock');
}
