// Owns: structured log lines: objects, not sentences; and what of a value a line says. Peers' bytes are never printed as text;
// secrets never. Does not own: where lines go (cli/role-log.ts, cli/output.ts).

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Log {
  debug(message: string, data?: Record<string, unknown>): void;
  info(message: string, data?: Record<string, unknown>): void;
  warn(message: string, data?: Record<string, unknown>): void;
  error(message: string, data?: Record<string, unknown>): void;
  /** The same log with `data` on every line. */
  child(data: Record<string, unknown>): Log;
}

export const isLogged = (line: LogLevel, from: LogLevel): boolean =>
  LOG_LEVELS.indexOf(line) >= LOG_LEVELS.indexOf(from);

/** One JSON object a line to `write`: `{"t": ISO time, "level", "msg", ...data}`; errors as name, message, code. */
export function createLog(
  write: (line: string) => void,
  options: { level?: LogLevel; now?: () => number; data?: Record<string, unknown> } = {},
): Log {
  const { level = 'info', now = Date.now, data: base = {} } = options;
  const emit = (lineLevel: LogLevel) => (message: string, data?: Record<string, unknown>) => {
    if (!isLogged(lineLevel, level)) return;
    const t = new Date(now()).toISOString();
    write(JSON.stringify({ t, level: lineLevel, msg: message, ...base, ...(data && toLogged(data)) }));
  };
  return {
    debug: emit('debug'),
    info: emit('info'),
    warn: emit('warn'),
    error: emit('error'),
    child: (data) => createLog(write, { level, now, data: { ...base, ...toLogged(data) } }),
  };
}

export const silentLog: Log = createLog(() => {}, { level: 'error' });

/** Longer texts are cut: a line is for people, and whoever can make us log must not fill a disk with one. */
const MOST_CHARS = 4096;
const MOST_BYTES = 256;
/** A full subnet's hotkeys. */
const MOST_ENTRIES = 4096;
const MOST_DEPTH = 8;
const HIDDEN = '(hidden)';
/** Of whatever has such a name, at any depth, nothing is said. */
const SECRETS: ReadonlySet<string> = new Set(
  [
    'authorization',
    'cookie',
    'mnemonic',
    'passphrase',
    'password',
    'phrase',
    'privatekey',
    'queuekey',
  ].concat(['randomseed', 'secret', 'secretkey', 'secretseed', 'seedphrase', 'suri', 'token', 'webhook']),
);
/** Where in a text a URL has a name and a password. */
const CREDENTIALS = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#"']+@/gi;
/** What moves a terminal's cursor, or turns a text round: JSON leaves these as they are. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNPRINTABLE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Values that JSON has, bounded, without secrets. */
export const toLogged = (data: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  toFields(data, 0);

function toFields(data: object, depth: number): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  let left = MOST_ENTRIES;
  for (const key in data) {
    if (!Object.hasOwn(data, key)) continue;
    if (left-- === 0) {
      fields['...'] = 'more';
      break;
    }
    const value = (data as Record<string, unknown>)[key];
    fields[key] = SECRETS.has(key.toLowerCase()) && value !== undefined ? HIDDEN : toValue(value, depth + 1);
  }
  return fields;
}

function toValue(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return toText(value);
    case 'bigint':
      return value.toString();
    case 'object':
      return value === null ? null : toObject(value, depth);
    default:
      return value;
  }
}

function toObject(value: object, depth: number): unknown {
  if (value instanceof Uint8Array) {
    const shown = `0x${Buffer.from(value.subarray(0, MOST_BYTES)).toString('hex')}`;
    return value.length > MOST_BYTES ? `${shown}... (${value.length} bytes)` : shown;
  }
  if (depth > MOST_DEPTH) return '...';
  if (value instanceof Error) {
    const { name, message, cause } = value;
    const code = 'code' in value ? value.code : undefined;
    return {
      name,
      message: toText(message),
      ...(code === undefined ? {} : { code: toValue(code, depth + 1) }),
      ...(cause ? { cause: toValue(cause, depth + 1) } : {}),
    };
  }
  if (Array.isArray(value)) {
    const items = value.slice(0, MOST_ENTRIES).map((item) => toValue(item, depth + 1));
    return value.length > MOST_ENTRIES ? [...items, '...'] : items;
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') return toValue(value.toJSON(), depth + 1);
  return toFields(value, depth);
}

function toText(text: string): string {
  const shown =
    text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}... (${text.length} characters)` : text;
  const open = shown.includes('://') ? shown.replace(CREDENTIALS, `$1${HIDDEN}@`) : shown;
  return open.replace(UNPRINTABLE, '?');
}
