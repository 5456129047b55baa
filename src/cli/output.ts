// Owns: what commands print and how they end. Does not own: what they do.
import { toHex } from '../model/bytes.js';
import { AssayError, isAssayError } from '../model/errors.js';
import { createLog, type Log, type LogLevel } from '../model/log.js';
import { type CliCode, ERROR_PAGES } from './error-codes.js';
import { EXIT } from './exit-codes.js';
import { eraseProgress } from './progress.js';
import { filled, withoutControls } from './text-width.js';

export { EXIT };

/** What a person is told beside the message. */
const codeOf = (error: unknown): CliCode => (error instanceof AssayError ? error.code : 'unexpected');

export const exitCodeOf = (error: unknown): number => ERROR_PAGES[codeOf(error)].exit;

/** JSON lines on standard error: standard output is for what was asked. */
export const stderrLog = (level: LogLevel, data: Record<string, unknown> = {}): Log =>
  createLog((line) => process.stderr.write(`${line}\n`), { level, data });

export function print(text: string): void {
  eraseProgress();
  process.stdout.write(`${text}\n`);
}

/** Sentences: broken at spaces where a terminal would break words. */
export const printProse = (text: string): void =>
  print(
    text
      .split('\n')
      .map((line) => fittedTo(process.stdout, line))
      .join('\n'),
  );

/** bigint becomes a decimal string, bytes 0x and hex. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, v: unknown) => {
    if (v instanceof Uint8Array) return `0x${toHex(v)}`;
    return typeof v === 'bigint' ? v.toString() : v;
  });

export function printJson(value: unknown): void {
  print(toJson(value));
}

/** One line of what went wrong and where, what it means and what to do where that is known, what caused it; the stack only when asked for. */
export function printError(error: unknown, debug: boolean): void {
  eraseProgress();
  const lines: string[] = [];
  let above = '';
  for (
    let e: unknown = error, depth = 0;
    e !== undefined && depth < 5;
    e = e instanceof Error ? e.cause : undefined, depth++
  ) {
    const text = oneLine(e instanceof Error ? e.message : String(e));
    // what is said already explains nothing
    if (depth > 0 && (above === text || above.startsWith(`${text}:`) || above.endsWith(`: ${text}`)))
      continue;
    above = text;
    // a cause without a code explains the one above it
    const code = e instanceof AssayError || depth === 0 ? ` [${codeOf(e)}]` : '';
    lines.push(`${depth === 0 ? 'error: ' : '  because: '}${text}${code}`);
    if (isAssayError(e, 'refused') && !e.message.includes(e.data.reason))
      lines.push(`  why: ${e.data.reason}`);
    if (isAssayError(e, 'chain-rejected') && e.data.means !== undefined)
      lines.push(`  what it means: ${e.data.means}`);
    if (isAssayError(e, 'chain-rejected') && e.data.remedy !== undefined)
      lines.push(`  what to do: ${e.data.remedy}`);
  }
  const page = ERROR_PAGES[codeOf(error)];
  if (page.isSaid !== true) lines.push(`  what to do: ${page.remedy}`);
  process.stderr.write(`${lines.map((line) => fittedTo(process.stderr, line)).join('\n')}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

type Stream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>;

/** Broken at spaces and indented; what is piped stays a line each. */
export function fittedTo({ isTTY, columns }: Partial<Stream>, line: string): string {
  if (isTTY !== true) return line;
  const indent = line.startsWith(' ') ? '    ' : '  ';
  return filled(line.trimStart(), (columns || 80) - indent.length)
    .split('\n')
    .map((each, i) => `${i === 0 ? (/^ */.exec(line)?.[0] ?? '') : indent}${each}`)
    .join('\n');
}

/** OpenSSL names its source files and ends its lines; a peer may have chosen the words. */
const oneLine = (text: string): string =>
  withoutControls(text.replace(/:[\w./-]*\.c:\d+:/g, '').replace(/\s*\n\s*/g, ' ')).trim();
