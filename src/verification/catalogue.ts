// Owns: which entry of a catalogue a card's name means, reading an operator's own entries. Cosmetic: a slot is paid for what it
// proves. Does not own: the entries of this build (cards.ts), what a class asks (classes.ts).
import { z } from 'zod';
import { AssayError } from '../model/errors.js';
import { invalid } from '../model/invalid-input.js';
import { CARDS, type CatalogueCard } from './cards.js';
import { classOf, type DerivedParams, deriveParams } from './classes.js';

/** Drivers show a little less or more than the data sheet: firmware, ECC, other units. */
const MEMORY_TOLERANCE = 0.1;

/** Names as tokens: `A100-SXM4-80GB` has the word A100, `RTX 5090D` has not the word 5090. */
const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];

/** How many words of the name the entry knows; 0 where it means another card. */
function matched(name: readonly string[], { aliases }: CatalogueCard): number {
  let most = 0;
  for (const { words, without = [] } of aliases) {
    const wanted = wordsOf(words);
    let from = 0;
    const has = wanted.every((word) => {
      from = name.indexOf(word, from) + 1;
      return from > 0;
    });
    const other = without.some((each) => wordsOf(each).every((word) => name.includes(word)));
    if (has && !other) most = Math.max(most, wanted.length);
  }
  return most;
}

/**
 * The entry that knows most words of the name, and whose memory the card has; of equals the first.
 * @param name as the driver has it, e.g. `NVIDIA H100 80GB HBM3`
 * @param memoryBytes as the driver has it
 * @param catalogue an operator's own entries before those of this build. @default CARDS
 */
export function cardOf(
  name: string,
  memoryBytes: number | undefined,
  catalogue: readonly CatalogueCard[] = CARDS,
): CatalogueCard | undefined {
  if (memoryBytes === undefined) return undefined;
  const words = wordsOf(name);
  let best: { readonly card: CatalogueCard; readonly many: number } | undefined;
  for (const card of catalogue) {
    if (Math.abs(memoryBytes / card.figures.memoryBytes - 1) > MEMORY_TOLERANCE) continue;
    const many = matched(words, card);
    if (many > (best?.many ?? 0)) best = { card, many };
  }
  return best?.card;
}

/** @returns undefined for a card that no class is named after: what it proves tells its class (`assay verification calibrate`) */
export const suggestedClass = (
  name: string,
  memoryBytes: number | undefined,
  catalogue?: readonly CatalogueCard[],
): string | undefined => cardOf(name, memoryBytes, catalogue)?.class;

/** What a card is expected to prove by its figures alone, and which listed class that meets; undefined class: none. */
export function expectationOf({ name, figures }: CatalogueCard): {
  readonly derived: DerivedParams;
  readonly meets: string | undefined;
} {
  const derived = deriveParams({ class: name, ...figures });
  return { derived, meets: classOf(derived.nominal)?.class };
}

export const CATALOGUE_FORMAT = 'assay-cards/1';
/** Some hundred cards. */
export const CATALOGUE_BYTES = 64 * 1024;

const name = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'expected lower-case kebab of at most 32 characters');
const words = z
  .string()
  .regex(/^(?=.*[A-Za-z0-9])[\x20-\x7e]{1,64}$/, 'expected 1 to 64 characters of a name, in printable ASCII');
const amount = (most: number) => z.number().min(1).max(most);
/** Bounds are an order of magnitude above any card: a unit that was mistaken is found. */
const FILE = z.strictObject({
  format: z.literal(CATALOGUE_FORMAT),
  cards: z
    .array(
      z.strictObject({
        name,
        aliases: z
          .array(z.strictObject({ words, without: z.array(words).max(16).optional() }))
          .min(1)
          .max(16),
        class: name.optional(),
        figures: z.strictObject({
          peakOpsPerS: amount(1e17).min(1e9),
          path: z.enum(['int8', 'fp16']),
          memoryBytes: amount(1e13).min(1e9),
          memoryBytesPerS: amount(1e15).min(1e9),
          linkBytesPerS: amount(1e13).min(1e8),
          multiprocessors: z.int().min(1).max(4096),
          clockHz: amount(1e11).min(1e8),
        }),
      }),
    )
    .min(1)
    .max(256),
});

/**
 * An operator's own entries.
 * @param classes that there are: a class beside them is a mistake
 * @throws AssayError `limit-exceeded`, `invalid-input` naming the key, `unsupported` for a newer format
 */
export function readCatalogue(bytes: Uint8Array, classes: readonly string[]): readonly CatalogueCard[] {
  if (bytes.length > CATALOGUE_BYTES)
    throw new AssayError('limit-exceeded', `catalogue: at most ${CATALOGUE_BYTES} bytes`, {
      what: 'catalogue',
      limit: CATALOGUE_BYTES,
      got: bytes.length,
    });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid('catalogue', 'JSON in UTF-8', `${bytes.length} bytes that are none`, error);
  }
  const format = (value as { readonly format?: unknown } | null)?.format;
  const newer = typeof format === 'string' ? /^assay-cards\/(\d{1,6})$/.exec(format)?.[1] : undefined;
  if (newer !== undefined && Number(newer) > 1) {
    const why = `this build reads ${CATALOGUE_FORMAT}`;
    throw new AssayError('unsupported', `catalogue: ${format} is newer: ${why}`, { what: `${format}`, why });
  }
  const parsed = FILE.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw invalid(
      ['catalogue', ...path.map(String)].join('.'),
      `assay-cards/1 (docs/guide/doctor.md): ${message}`,
      'another value',
    );
  }
  const seen = new Set<string>();
  for (const [i, card] of parsed.data.cards.entries()) {
    const at = `catalogue.cards.${i}`;
    if (seen.has(card.name)) throw invalid(`${at}.name`, 'a name of its own', `${card.name} twice`);
    seen.add(card.name);
    if (card.class !== undefined && !classes.includes(card.class))
      throw invalid(
        `${at}.class`,
        `one of ${classes.join(', ')}, or none: then it is proven by size`,
        card.class,
      );
  }
  return parsed.data.cards.map((card) => ({ ...card, class: card.class }));
}
