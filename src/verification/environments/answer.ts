// Owns: which part of a completion is its answer, and how far anybody looks for it. Does not own: whether it is right.
import type { Grade } from './environment.js';
import type { Tokenizer } from './tokenizer.js';

/** Longer completions are not looked at. */
export const MAX_TOKENS = 65_536;
/** Of the text of one: a token of 16 characters on average is far above any tokenizer's. */
export const MAX_CHARS = 16 * MAX_TOKENS;
/** Longest number or word that is compared with anything. */
export const MAX_ANSWER_CHARS = 64;

/** Counts characters that a grader looked at and ids that it decoded: time bounded without a clock. */
export interface StepCounter {
  steps: number;
}

export type Read =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'limit'; readonly grade: Grade };

/** The text of a completion, where it is within the limits. */
export function readCompletion(completion: Uint32Array, tokenizer: Tokenizer, counter?: StepCounter): Read {
  if (completion.length > MAX_TOKENS) return over('tokens');
  if (counter) counter.steps += completion.length;
  let text: string;
  try {
    text = tokenizer.decode(completion);
  } catch {
    // ids are the completion's: a tokenizer that throws for them is no fault of ours, or ids outside the vocabulary would be an excuse
    return over('ids');
  }
  return text.length > MAX_CHARS ? over('text') : { kind: 'text', text };
}

const over = (which: string): Read => ({ kind: 'limit', grade: { kind: 'limit', which } });

export interface Answer {
  readonly text: string;
  /** characters [from, to) of the completion's text */
  readonly from: number;
  readonly to: number;
}

/** No answer there, or one longer than anybody compares. */
export type Found = Answer | 'none' | 'too-long';

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isLetter = (code: number): boolean => (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
/** full stop and comma: between digits they are part of the number, at its end of the sentence */
const isMark = (code: number): boolean => code === 46 || code === 44;
const MINUS = 45;

/**
 * The last number of the text: digits with the marks between them, and the minus before them unless a digit stands before that.
 * Looks at no character twice, from the end.
 */
export function lastNumber(text: string, counter?: StepCounter): Found {
  let to = text.length;
  while (to > 0 && !isDigit(text.charCodeAt(to - 1))) to--;
  let from = to;
  while (from > 0 && (isDigit(text.charCodeAt(from - 1)) || isMark(text.charCodeAt(from - 1)))) from--;
  while (from < to && isMark(text.charCodeAt(from))) from++;
  if (counter) counter.steps += text.length - from;
  if (from === to) return 'none';
  const minus = from > 0 && text.charCodeAt(from - 1) === MINUS && !isDigit(text.charCodeAt(from - 2));
  return cut(text, minus ? from - 1 : from, to);
}

/** The last word of the text: letters a..z and A..Z next to one another. */
export function lastWord(text: string, counter?: StepCounter): Found {
  let to = text.length;
  while (to > 0 && !isLetter(text.charCodeAt(to - 1))) to--;
  let from = to;
  while (from > 0 && isLetter(text.charCodeAt(from - 1))) from--;
  if (counter) counter.steps += text.length - from;
  return from === to ? 'none' : cut(text, from, to);
}

const cut = (text: string, from: number, to: number): Found =>
  to - from > MAX_ANSWER_CHARS ? 'too-long' : { text: text.slice(from, to), from, to };

/**
 * The tokens that an answer's characters came from, by halving: what the first n tokens decode to grows with n. Where a character is
 * made of several tokens this may be a token off, which whoever audits the neighbours as well does not mind.
 */
export function answerTokens(
  completion: Uint32Array,
  { from, to }: Answer,
  tokenizer: Tokenizer,
  counter?: StepCounter,
): readonly [number, number] {
  const charsOf = (tokens: number): number => {
    if (counter) counter.steps += tokens;
    return tokenizer.decode(completion.subarray(0, tokens)).length;
  };
  /** the least number of tokens for which `enough` holds */
  const least = (enough: (chars: number) => boolean): number => {
    let [low, high] = [0, completion.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (enough(charsOf(middle))) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const end = least((chars) => chars >= to);
  return [
    Math.max(
      0,
      Math.min(
        least((chars) => chars > from),
        end,
      ) - 1,
    ),
    end,
  ];
}
