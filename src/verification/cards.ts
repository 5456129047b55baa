// Owns: the catalogue of cards, as data: how drivers name each, what its vendor says that it does, which class is named after it.
// Does not own: what follows from it (classes.ts), which entry a name means (catalogue.ts). docs/proofs/parameters.md has the sheets.

/** What its vendor says of one card, and how it multiplies exactly. Decimal units, as datasheets have them. */
export interface CardFigures {
  /** dense, without sparsity; a multiply and an add are two */
  readonly peakOpsPerS: number;
  /** which units reach that peak with exact results: on parts with little INT8 those for FP16 */
  readonly path: 'int8' | 'fp16';
  readonly memoryBytes: number;
  readonly memoryBytesPerS: number;
  /** one direction, effective: PCIe 3, 4 or 5 with 16 lanes */
  readonly linkBytesPerS: number;
  /** bound the rate of SHA-256 on integer units (HASH_LANES, HASH_INSTRUCTIONS) */
  readonly multiprocessors: number;
  readonly clockHz: number;
}

/** Words of a name as drivers write it, whole and in this order, and words that make it another card's. */
export interface CardAlias {
  readonly words: string;
  readonly without?: readonly string[] | undefined;
}

export interface CatalogueCard {
  readonly name: string;
  readonly aliases: readonly CardAlias[];
  /** named after it in every kind's table of this build; undefined: proven by size */
  readonly class: string | undefined;
  readonly figures: CardFigures;
}

const PCIE3 = 11;
const PCIE4 = 22;
const PCIE5 = 50;

const figures = (
  [teraOps, path]: readonly [number, CardFigures['path']],
  [gigabytes, gigabytesPerS, linkGigabytesPerS]: readonly [number, number, number],
  [multiprocessors, clockGhz]: readonly [number, number],
): CardFigures => ({
  peakOpsPerS: teraOps * 1e12,
  path,
  memoryBytes: gigabytes * 1e9,
  memoryBytesPerS: gigabytesPerS * 1e9,
  linkBytesPerS: linkGigabytesPerS * 1e9,
  multiprocessors,
  clockHz: clockGhz * 1e9,
});

/** A card that a class is named after. */
const classed = (
  name: string,
  aliases: readonly CardAlias[],
  ...of: Parameters<typeof figures>
): CatalogueCard => ({ name, aliases, class: name, figures: figures(...of) });

/** One that is known and has no class of its own. */
const known = (
  name: string,
  aliases: readonly CardAlias[],
  ...of: Parameters<typeof figures>
): CatalogueCard => ({ name, aliases, class: undefined, figures: figures(...of) });

const OTHER_CARDS = ['Laptop', 'D', 'Max-Q'];

/** None of it was measured by us: published figures, dense peaks, boost clocks. */
export const CARDS: readonly CatalogueCard[] = [
  classed(
    'rtx-3090',
    [{ words: 'RTX 3090', without: ['Laptop'] }],
    [284, 'int8'],
    [24, 936, PCIE4],
    [82, 1.695],
  ),
  classed(
    'rtx-4090',
    [{ words: 'RTX 4090', without: OTHER_CARDS }],
    [660.6, 'int8'],
    [24, 1008, PCIE4],
    [128, 2.52],
  ),
  classed(
    'rtx-5090',
    [{ words: 'RTX 5090', without: OTHER_CARDS }],
    [838, 'int8'],
    [32, 1792, PCIE5],
    [170, 2.407],
  ),
  classed('l40s', [{ words: 'L40S' }], [733, 'int8'], [48, 864, PCIE4], [142, 2.52]),
  classed('a100-80', [{ words: 'A100' }], [624, 'int8'], [80, 2039, PCIE4], [108, 1.41]),
  classed('h100-pcie', [{ words: 'H100 PCIe' }], [1513, 'int8'], [80, 2000, PCIE5], [114, 1.755]),
  classed('h100-sxm', [{ words: 'H100' }], [1979, 'int8'], [80, 3350, PCIE5], [132, 1.755]),
  classed('h200', [{ words: 'H200' }], [1979, 'int8'], [141, 4800, PCIE5], [132, 1.755]),
  classed('b200', [{ words: 'B200' }], [4500, 'int8'], [180, 7700, PCIE5], [148, 1.9]),
  // INT8 is a fifteenth of FP16 here, and FP16 with FP32 accumulation is exact over 2048 products of 8 by 7 bits
  classed('b300', [{ words: 'B300' }], [2250, 'fp16'], [270, 7700, PCIE5], [160, 1.9]),
  known('a100-40', [{ words: 'A100' }], [624, 'int8'], [40, 1555, PCIE4], [108, 1.41]),
  known('l4', [{ words: 'L4' }], [242, 'int8'], [24, 300, PCIE4], [58, 2.04]),
  known('a10', [{ words: 'A10' }], [250, 'int8'], [24, 600, PCIE4], [72, 1.695]),
  known('a40', [{ words: 'A40' }], [299.3, 'int8'], [48, 696, PCIE4], [84, 1.74]),
  known('rtx-a6000', [{ words: 'RTX A6000' }], [309.7, 'int8'], [48, 768, PCIE4], [84, 1.8]),
  known('t4', [{ words: 'T4' }], [130, 'int8'], [16, 320, PCIE3], [40, 1.59]),
];
