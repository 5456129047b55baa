// Owns: how text below the flags of a help page is brought to the width of a terminal. Does not own: what it says.
import { wrappedWhole } from './text-width.js';

/** A line that is longer was broken because it was full, and the next one goes on with it. */
const FULL = 60;

/**
 * Sentences are filled; lines that are indented stay lines: command lines are continued with a backslash, and of two columns
 * the second is wrapped.
 */
export function fittedHelp(text: string, width: number): string {
  const lines: string[] = [];
  let isFilling = false;
  for (const line of text.replace(/ *\\\n */g, ' ').split('\n')) {
    const isProse = /^\S/.test(line);
    if (isProse && isFilling) lines[lines.length - 1] += ` ${line}`;
    else lines.push(line);
    isFilling = isProse && line.length > FULL;
  }
  return lines
    .map((line) => (/^\s/.test(line) ? fittedLine(line, width) : wrappedWhole(line, width)))
    .join('\n');
}

function fittedLine(line: string, width: number): string {
  if (line.length <= width) return line;
  const [, indent = '', first = '', gap = '', second = ''] = /^(\s*)(\S.*?)(?:(\s{2,})(\S.*))?$/.exec(line)!;
  const at = indent.length + first.length + gap.length;
  if (second !== '' && at <= width - 24)
    return `${indent}${first}${gap}${wrappedWhole(second, width - at).replaceAll('\n', `\n${' '.repeat(at)}`)}`;
  const deeper = `${indent}    `;
  const command = continued(first, width - deeper.length - 2).join(` \\\n${deeper}`);
  return second === ''
    ? `${indent}${command}`
    : `${indent}${command}\n${deeper}${wrappedWhole(second, width - deeper.length).replaceAll('\n', `\n${deeper}`)}`;
}

/** A flag stays with its value, and what is quoted whole. */
function continued(command: string, width: number): string[] {
  const words = command.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? [];
  const units: string[] = [];
  for (const [i, word] of words.entries())
    if (i > 0 && words[i - 1]!.startsWith('-') && !word.startsWith('-'))
      units[units.length - 1] += ` ${word}`;
    else units.push(word);
  const lines: string[] = [];
  for (const unit of units) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + unit.length > width) lines.push(unit);
    else lines[lines.length - 1] = `${last} ${unit}`;
  }
  return lines;
}
