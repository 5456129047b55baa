// Owns: structured log lines: objects, not sentences. Peers' bytes are never printed as text; secrets never.

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export interface Log {
  debug(message: string, data?: Record<string, unknown>): void;
  info(message: string, data?: Record<string, unknown>): void;
  warn(message: string, data?: Record<string, unknown>): void;
  error(message: string, data?: Record<string, unknown>): void;
  /** The same log with `data` on every line. */
  child(data: Record<string, unknown>): Log;
}

/** One JSON object a line to `write`: `{"t": ISO time, "level", "msg", ...data}`; errors as name, message, code. */
export function createLog(
  write: (line: string) => void,
  options: { level?: LogLevel; now?: () => number; data?: Record<string, unknown> } = {},
): Log {
  const { level = 'info', now = Date.now, data: base = {} } = options;
  const emit = (lineLevel: LogLevel) => (message: string, data?: Record<string, unknown>) => {
    if (ORDER[lineLevel] < ORDER[level]) return;
    const entry = { t: new Date(now()).toISOString(), level: lineLevel, msg: message, ...base, ...data };
    write(JSON.stringify(entry, toJsonValue));
  };
  return {
    debug: emit('debug'),
    info: emit('info'),
    warn: emit('warn'),
    error: emit('error'),
    child: (data) => createLog(write, { level, now, data: { ...base, ...data } }),
  };
}

export const silentLog: Log = createLog(() => {}, { level: 'error' });

function toJsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`;
  if (value instanceof Error) {
    const { name, message } = value;
    const code = 'code' in value ? value.code : undefined;
    return {
      name,
      message,
      ...(code === undefined ? {} : { code }),
      ...(value.cause ? { cause: value.cause } : {}),
    };
  }
  return value;
}
