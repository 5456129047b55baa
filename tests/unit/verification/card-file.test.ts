import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/model/bytes.js';
import { CARDS } from '../../../src/verification/cards.js';
import { cardOf, expectationOf, readCatalogue, suggestedClass } from '../../../src/verification/catalogue.js';

const CLASSES = ['gpu-4096', 'gpu-8192', 'h200'];
const FIGURES = {
  peakOpsPerS: 418e12,
  path: 'int8',
  memoryBytes: 16e9,
  memoryBytesPerS: 736e9,
  linkBytesPerS: 22e9,
  multiprocessors: 80,
  clockHz: 2.55e9,
};
const CARD = {
  name: 'rtx-4080-super',
  aliases: [{ words: 'RTX 4080 SUPER', without: ['Laptop'] }],
  class: 'gpu-8192',
  figures: FIGURES,
};
const file = (card: object = {}, rest: object = {}) =>
  utf8(JSON.stringify({ format: 'assay-cards/1', cards: [{ ...CARD, ...card }], ...rest }));
const MIB = 2 ** 20;

describe("an operator's own cards", () => {
  test('are read as the guide has them, and come before those of this build', () => {
    const guide = readFileSync(new URL('../../../docs/guide/doctor.md', import.meta.url), 'utf8');
    const [, example] = /```json\n(.*?)```/s.exec(guide)!;
    const own = readCatalogue(utf8(example!), CLASSES);
    expect(own).toEqual([CARD]);
    const all = [...own, ...CARDS];
    expect(suggestedClass('NVIDIA GeForce RTX 4080 SUPER', 16_376 * MIB, all)).toBe('gpu-8192');
    expect(cardOf('NVIDIA GeForce RTX 4080 SUPER Laptop GPU', 16_376 * MIB, all)).toBeUndefined();
    expect(cardOf('NVIDIA GeForce RTX 4080 SUPER', 16_376 * MIB)).toBeUndefined();
    // one of their own for a card that is known
    const mine = readCatalogue(
      file({ name: 'mine', aliases: [{ words: 'H200' }], figures: { ...FIGURES, memoryBytes: 141e9 } }),
      CLASSES,
    );
    expect(suggestedClass('NVIDIA H200', 143_771 * MIB, [...mine, ...CARDS])).toBe('gpu-8192');
  });

  test('without a class are proven by size, and what their figures meet is a class for memory', () => {
    const { class: _, ...unclassed } = CARD;
    const [card] = readCatalogue(
      utf8(JSON.stringify({ format: 'assay-cards/1', cards: [unclassed] })),
      CLASSES,
    );
    expect(card!.class).toBeUndefined();
    expect(expectationOf(card!).meets).toBeUndefined(); // less memory than any class
    const big = { ...card!, figures: { ...card!.figures, memoryBytes: 48e9, memoryBytesPerS: 1000e9 } };
    expect(expectationOf(big).meets).toBe('rtx-3090');
  });

  test.each([
    ['no JSON', utf8('{'), 'catalogue: expected JSON in UTF-8'],
    ['too much', new Uint8Array(70_000), 'catalogue: at most 65536 bytes'],
    ['a newer form', file({}, { format: 'assay-cards/2' }), 'assay-cards/2 is newer'],
    ['another form', file({}, { format: 'cards' }), 'catalogue.format'],
    ['a key that is not known', file({ price: 5 }), 'catalogue.cards.0'],
    [
      'gigabytes for bytes',
      file({ figures: { ...FIGURES, memoryBytes: 16 } }),
      'catalogue.cards.0.figures.memoryBytes',
    ],
    ['MHz for Hz', file({ figures: { ...FIGURES, clockHz: 2550 } }), 'catalogue.cards.0.figures.clockHz'],
    ['no figures', file({ figures: undefined }), 'catalogue.cards.0.figures'],
    ['no name to go by', file({ aliases: [] }), 'catalogue.cards.0.aliases'],
    ['a name of no words', file({ aliases: [{ words: '--' }] }), 'catalogue.cards.0.aliases.0.words'],
    [
      'a class that there is not',
      file({ class: 'gpu-9' }),
      'catalogue.cards.0.class: expected one of gpu-4096, gpu-8192, h200, or none',
    ],
    [
      'one name twice',
      utf8(JSON.stringify({ format: 'assay-cards/1', cards: [CARD, CARD] })),
      'rtx-4080-super twice',
    ],
  ])('are refused for %s', (_, bytes, message) => {
    expect(() => readCatalogue(bytes, CLASSES)).toThrow(message);
  });
});

describe('a name', () => {
  test.each([
    ['NVIDIA H100 PCIe', 81_559, 'h100-pcie'],
    ['NVIDIA H100 80GB HBM3', 81_559, 'h100-sxm'],
    ['NVIDIA A100-SXM4-40GB', 40_960, 'a100-40'],
    ['NVIDIA A100-SXM4-80GB', 81_920, 'a100-80'],
    ['NVIDIA A10', 23_028, 'a10'],
    ['Tesla T4', 15_360, 't4'],
    ['nvidia l4', 23_034, 'l4'],
    ['NVIDIA RTX A6000', 49_140, 'rtx-a6000'],
    ['NVIDIA GeForce RTX 5090D', 32_607, undefined],
    ['', 81_559, undefined],
  ])('%s of %d MiB is the entry %s', (name, mib, entry) => {
    expect(cardOf(name, mib * MIB)?.name).toBe(entry);
  });
});

test('peaks of cards without a class are what their units make of the clock: no figure is wrong by itself', () => {
  const OPERATIONS: Readonly<Record<string, number>> = { 'a100-40': 4096 };
  const found = CARDS.filter((card) => card.class === undefined).map(({ name, figures }) => {
    const made = figures.multiprocessors * figures.clockHz * (OPERATIONS[name] ?? 2048);
    return [name, Math.abs(figures.peakOpsPerS / made - 1) < 0.005];
  });
  expect(found).toEqual(['a100-40', 'l4', 'a10', 'a40', 'rtx-a6000', 't4'].map((name) => [name, true]));
});
