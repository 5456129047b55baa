// Owns: the log of a role that runs for months: pino on standard error, written beside the event loop. Does not own: what a line says
// of a value (model/log.ts), the warnings of commands that end at once (output.ts).
import { isLogged, type Log, type LogLevel, toLogged } from '../model/log.js';

export const LOG_FORMATS = ['json', 'pretty'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface RoleLog extends Log {
  /** From now on, of this log and of all that came of it. */
  setLevel(level: LogLevel): void;
}

export interface RoleLogOptions {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** Lines that wait for a reader that does not read: beyond, they are dropped and counted, so that it stops nothing and fills nothing. */
const WAITING_BYTES = 8 * 2 ** 20;
/** At the end a reader that does not read is not waited for. */
const FLUSH_MS = 1000;

/** What is under way to readers, of all logs of this process. */
const underWay = new Set<Promise<void>>();

/** Resolves when all that was logged is with its reader, or cannot be: before the process ends. */
export const flushLogs = (): Promise<unknown> => Promise.all(underWay);

/**
 * @param data on every line
 * @param to where to; tests have files of their own
 */
export async function openRoleLog(
  { logLevel, logFormat }: RoleLogOptions,
  data: Readonly<Record<string, unknown>> = {},
  { fd = 2, waitingBytes = WAITING_BYTES }: { readonly fd?: number; readonly waitingBytes?: number } = {},
): Promise<RoleLog> {
  const { pino } = await import('pino'); // a sixth of what `assay --help` takes: for whoever logs for months
  let from = logLevel;
  let dropped = 0;
  // a pipe's reader that hangs blocks whoever writes: not the event loop, on which windows are timed. In buffers, because it
  // counts what waits, and of texts it would count characters
  const pipe = pino.destination({ fd, sync: false, maxLength: waitingBytes, contentMode: 'buffer' });
  pipe.on('drop', () => dropped++);
  pipe.on('error', () => {}); // the reader has gone: there is nobody to tell
  let isWaiting = false;
  const write = (line: string): void => {
    if (!isWaiting) awaitWritten();
    pipe.write(Buffer.from(logFormat === 'json' ? line : toPretty(line)) as never); // typed for text alone
  };
  const awaitWritten = (): void => {
    isWaiting = true;
    const done = new Promise<void>((resolve) => {
      const stop = () => {
        clearTimeout(patience);
        pipe.off('drain', stop);
        pipe.off('error', stop);
        isWaiting = false;
        underWay.delete(done);
        resolve();
      };
      const patience = setTimeout(stop, FLUSH_MS);
      patience.unref();
      pipe.once('drain', stop);
      pipe.once('error', stop);
    });
    underWay.add(done);
  };
  const root = pino(
    {
      base: null,
      level: 'debug',
      timestamp: () => `,"t":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: toLogged },
    },
    { write },
  );
  pipe.on('drain', () => {
    if (dropped === 0) return;
    const lines = dropped;
    dropped = 0;
    root.warn({ lines }, 'log lines dropped: nobody read them in time');
  });

  const over = (target: typeof root, bound: Readonly<Record<string, unknown>>): Log => {
    /** pino writes what is on every line beside a line's own of the same name: once is enough */
    const ownOf = (fields: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(fields).filter(([name, value]) => bound[name] !== value));
    const emit = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
      if (isLogged(level, from)) target[level](fields ? ownOf(fields) : {}, message);
    };
    return {
      debug: emit('debug'),
      info: emit('info'),
      warn: emit('warn'),
      error: emit('error'),
      child: (more) => over(target.child(toLogged(ownOf(more))), { ...bound, ...more }),
    };
  };
  return {
    ...over(root.child(toLogged(data)), data),
    setLevel(level) {
      from = level;
    },
  };
}

/** `12:00:01.250 warn  weights refused block=7 reason="sealed"` */
function toPretty(line: string): string {
  const { t, level, msg, ...data } = JSON.parse(line) as Record<string, unknown>;
  const fields = Object.entries(data).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  return `${String(t).slice(11, 23)} ${String(level).padEnd(5)} ${msg}${fields.join('')}\n`;
}
