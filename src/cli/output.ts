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
  for (
    let e: unknown = error;
    e !== undefined && lines.length < 5;
    e = e instanceof Error ? e.cause : undefined
  ) {
    // a cause without a code explains the one above it
    const code = e instanceof AssayError || lines.length === 0 ? ` [${codeOf(e)}]` : '';
    lines.push(
      `${lines.length === 0 ? 'error: ' : '  because: '}${oneLine(e instanceof Error ? e.message : String(e))}${code}`,
    );
    if (isAssayError(e, 'refused') && !e.message.includes(e.data.reason))
      lines.push(`  why: ${e.data.reason}`);
    if (isAssayError(e, 'chain-rejected') && e.data.means !== undefined)
      lines.push(`  what it means: ${e.data.means}`);
    if (isAssayError(e, 'chain-rejected') && e.data.remedy !== undefined)
      lines.push(`  what to do: ${e.data.remedy}`);
  }
  const page = ERROR_PAGES[codeOf(error)];
  if (page.isSaid !== true) lines.push(`  what to do: ${page.remedy}`);
  process.stderr.write(`${lines.map(fittedToTerminal).join('\n')}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

/** Broken at spaces and indented; what is piped stays a line each. */
function fittedToTerminal(line: string): string {
  if (process.stderr.isTTY !== true) return line;
  const indent = line.startsWith(' ') ? '    ' : '  ';
  return filled(line.trimStart(), (process.stderr.columns || 80) - indent.length)
    .split('\n')
    .map((each, i) => `${i === 0 ? (/^ */.exec(line)?.[0] ?? '') : indent}${each}`)
    .join('\n');
}

/** OpenSSL names its source files and ends its lines; a peer may have chosen the words. */
const oneLine = (text: string): string =>
  withoutControls(text.replace(/:[\w./-]*\.c:\d+:/g, '').replace(/\s*\n\s*/g, ' ')).trim();
