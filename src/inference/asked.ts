// Owns: what every language model refuses of what it is asked, in the same words. Does not own: what models are (language-model.ts).
import type { LanguageModel, Position } from './language-model.js';

type Sizes = Pick<LanguageModel, 'vocabulary' | 'maxPositions'>;

/** Policies go to 1024; more would only make answers large. */
const MOST_CANDIDATES = 2 ** 16;

/** @throws RangeError */
export function assertSequences(
  what: string,
  sequences: readonly Uint32Array[],
  { vocabulary, maxPositions }: Sizes,
): void {
  if (sequences.length === 0) throw new RangeError(`${what}: expected at least one, got none`);
  for (const [i, ids] of sequences.entries()) {
    if (ids.length < 1 || ids.length > maxPositions)
      throw new RangeError(`${what} ${i}: expected 1..${maxPositions} ids, got ${ids.length}`);
    for (const id of ids) assertId(`id of ${what} ${i}`, id, vocabulary);
  }
}

/** @returns how many there will be: as asked, or the vocabulary. @throws RangeError */
export function countOfCandidates(candidates: number, { vocabulary }: Sizes): number {
  if (!Number.isInteger(candidates) || candidates < 1 || candidates > MOST_CANDIDATES)
    throw new RangeError(`candidates: expected an integer in 1..${MOST_CANDIDATES}, got ${candidates}`);
  return Math.min(candidates, vocabulary);
}

/**
 * @param lengths tokens of each row until now
 * @throws RangeError
 */
export function assertTokens(
  tokens: readonly (number | undefined)[],
  lengths: readonly number[],
  { vocabulary, maxPositions }: Sizes,
): void {
  if (tokens.length !== lengths.length)
    throw new RangeError(`tokens: expected one for each of ${lengths.length} rows, got ${tokens.length}`);
  for (const [row, token] of tokens.entries()) {
    if (token === undefined) continue;
    assertId(`token of row ${row}`, token, vocabulary);
    if (lengths[row] >= maxPositions)
      throw new RangeError(`row ${row}: expected fewer than ${maxPositions} tokens, it is full`);
  }
}

/**
 * @param tokens of the rows that are there
 * @param most rows that were opened
 * @throws RangeError
 */
export function assertJoining(
  joining: readonly Uint32Array[],
  tokens: readonly (number | undefined)[],
  most: number,
  sizes: Sizes,
): void {
  if (joining.length === 0) return;
  const free = most - tokens.filter((token) => token !== undefined).length;
  if (joining.length > free)
    throw new RangeError(
      `prompts that join: expected at most ${free}, as many as have left, got ${joining.length}`,
    );
  assertSequences('prompt', joining, sizes);
}

/** @throws RangeError */
export function assertPlaces(at: readonly Position[], lengths: readonly number[]): void {
  for (const { sequence, position } of at) {
    const length = lengths[sequence];
    if (length === undefined)
      throw new RangeError(`sequence: expected one of ${lengths.length}, got ${sequence}`);
    if (!Number.isInteger(position) || position < 0 || position >= length)
      throw new RangeError(`position of sequence ${sequence}: expected 0..${length - 1}, got ${position}`);
  }
}

/** @returns ids for each position. @throws RangeError */
export function idsPerPosition(at: readonly Position[], ids: Int32Array, { vocabulary }: Sizes): number {
  const perPosition = at.length === 0 ? 0 : ids.length / at.length;
  if (!Number.isInteger(perPosition) || (at.length === 0 && ids.length > 0))
    throw new RangeError(
      `ids: expected as many for each of ${at.length} positions, got ${ids.length} in all`,
    );
  for (const id of ids) assertId('id', id, vocabulary);
  return perPosition;
}

function assertId(what: string, id: number, vocabulary: number): void {
  if (!Number.isInteger(id) || id < 0 || id >= vocabulary)
    throw new RangeError(`${what}: expected an integer below ${vocabulary}, got ${id}`);
}
