// Owns: what commands print and how they end. Does not own: what they do.
import { toHex } from '../model/bytes.js';
import { AssayError, type ErrorCode, isAssayError } from '../model/errors.js';
import { createLog, type Log, type LogLevel } from '../model/log.js';

/** Exit codes, the same for every command. */
export const EXIT = {
  ok: 0,
  /** the command did its work and the answer is no: a check failed, a verdict disagrees */
  failed: 1,
  /** flags, files or environment are wrong */
  usage: 2,
  /** the machine is too busy to time proofs: neither success nor a verdict about miners */
  busy: 3,
  /** nothing can be recomputed: the evidence was evicted, or the verdict never rested on any */
  expired: 4,
  /** Ctrl-C before the command came to its end, as shells count it */
  interrupted: 130,
  /** the same by SIGTERM */
  terminated: 143,
} as const;

const USAGE: ReadonlySet<ErrorCode> = new Set(['invalid-config', 'invalid-input', 'insecure-address']);

export const exitCodeOf = (error: unknown): number => {
  if (error instanceof AssayError && error.code === 'evidence-expired') return EXIT.expired;
  return error instanceof AssayError && USAGE.has(error.code) ? EXIT.usage : EXIT.failed;
};

/** JSON lines on standard error: standard output is for what was asked. */
export const stderrLog = (level: LogLevel, data: Record<string, unknown> = {}): Log =>
  createLog((line) => process.stderr.write(`${line}\n`), { level, data });

export function print(text: string): void {
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
  const lines: string[] = [];
  for (
    let e: unknown = error;
    e !== undefined && lines.length < 5;
    e = e instanceof Error ? e.cause : undefined
  ) {
    const code = e instanceof AssayError ? ` [${e.code}]` : '';
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
  process.stderr.write(`${lines.join('\n')}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

/** OpenSSL names its source files and ends its lines. */
const oneLine = (text: string): string =>
  text
    .replace(/:[\w./-]*\.c:\d+:/g, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
