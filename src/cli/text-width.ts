// Owns: text in columns of a terminal: how wide it is, breaking it, cutting it, what of it is not shown. Does not own: tables.
import stringWidth from 'string-width';

/** Of any number of them: a call takes some ten thousand arguments. 0 where there are none. */
export const largest = (of: readonly number[]): number => of.reduce((a, b) => Math.max(a, b), 0);

export const widthOf = (text: string): number => largest(text.split('\n').map((line) => stringWidth(line)));

/** What would move a cursor, colour a terminal or turn the reading order of what follows; line breaks are among them. */
const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu;

export const withoutControls = (text: string): string => text.replace(UNSEEN, '\uFFFD');

/** What a terminal would act on is shown, not done. */
export function shown(cell: unknown): string {
  return String(cell ?? '')
    .replace(/\r?\n/g, '\n')
    .replace(/\t/g, ' ')
    .split('\n')
    .map(withoutControls)
    .join('\n');
}

/** Lines of at most `width` columns; words that are longer lose their middle. */
export const wrapped = (text: string, width: number): string =>
  wrap(text, width, (word) => [cut(word, width)]);

/** Lines are broken at spaces alone: what is to be copied stays in one piece. */
export const filled = (text: string, width: number): string => wrap(text, width, (word) => [word]);

/** The same with nothing lost: words that are longer go on in the next line. */
export const wrappedWhole = (text: string, width: number): string =>
  wrap(text, width, (word) => pieces(word, width));

function wrap(text: string, width: number, broken: (word: string) => readonly string[]): string {
  return text
    .split('\n')
    .flatMap((line) => {
      if (stringWidth(line) <= width) return [line];
      const lines: string[] = [];
      for (const word of line
        .split(' ')
        .filter((each) => each !== '')
        .flatMap((each) => (stringWidth(each) > width ? broken(each) : [each]))) {
        const last = lines.at(-1);
        if (last === undefined || stringWidth(last) + 1 + stringWidth(word) > width) lines.push(word);
        else lines[lines.length - 1] = `${last} ${word}`;
      }
      return lines;
    })
    .join('\n');
}

/** Characters as people count them: an emoji of several code points is not torn. */
const charactersOf = (text: string): string[] =>
  [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)].map(({ segment }) => segment);

function pieces(word: string, width: number): string[] {
  const parts = [''];
  for (const char of charactersOf(word)) {
    if (stringWidth(parts.at(-1)! + char) > width && parts.at(-1) !== '') parts.push('');
    parts[parts.length - 1] += char;
  }
  return parts;
}

/** Begin and end of a word: enough to know it again. */
function cut(word: string, width: number): string {
  const chars = charactersOf(word);
  const tail: string[] = [];
  const head: string[] = [];
  const tailWidth = Math.min(4, Math.floor((width - 1) / 3));
  while (
    tail.length < chars.length &&
    stringWidth([chars.at(-1 - tail.length)!, ...tail].join('')) <= tailWidth
  )
    tail.unshift(chars.at(-1 - tail.length)!);
  const rest = width - 1 - stringWidth(tail.join(''));
  for (const char of chars) {
    if (stringWidth(head.join('') + char) > rest) break;
    head.push(char);
  }
  return `${head.join('')}…${tail.join('')}`;
}
