// Owns: where a Redis is and how it is asked, and what its refusals mean to us. Does not own: what is kept in it (bull-queue.ts),
// whose it is (redis-claim.ts).
import { Redis, type RedisOptions } from 'ioredis';
import { AssayError } from '../../model/errors.js';

/** Between two tries to reach one that is away: the first at once, the last ones not to be a load on what is starting. */
const RETRY_MS = { step: 100, most: 2000 } as const;
/** A host that is gone without a word: its answer to a command is waited for so long. Blocking commands take 5 s at most. */
const SILENT_MS = 15_000;
const CONNECT_MS = 5_000;

export interface RedisAddress {
  /** `host:port`, for people: no name and no password */
  readonly shown: string;
  readonly options: RedisOptions;
}

/**
 * `redis://[name][:password@]host[:port][/database]`, or `rediss://` for TLS. The password must not stand in a list of processes:
 * who reads it is told it by a file or the environment.
 * @throws AssayError `invalid-input`, which never says the text
 */
export function parseRedisUrl(text: string): RedisAddress {
  const wanted = 'redis://[name:password@]host[:port][/database], or rediss:// for TLS';
  const wrong = (got: string) =>
    new AssayError('invalid-input', `redis: expected ${wanted}, got ${got}`, {
      what: 'redis',
      expected: wanted,
      got,
    });
  if (!URL.canParse(text)) throw wrong('something else');
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text);
  if (protocol !== 'redis:' && protocol !== 'rediss:') throw wrong(`${protocol}//`);
  if (hostname === '') throw wrong('no host');
  if (search !== '' || hash !== '') throw wrong('something behind the database');
  const database = /^\/?(\d{0,4})$/.exec(pathname)?.[1];
  if (database === undefined) throw wrong('a path that is no number of a database');
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const at = port === '' ? 6379 : Number(port);
  return {
    shown: `${host}:${at}`,
    options: {
      host,
      port: at,
      db: database === '' ? 0 : Number(database),
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' ? { tls: { servername: host } } : {}),
      connectTimeout: CONNECT_MS,
      socketTimeout: SILENT_MS,
      retryStrategy: (times) => Math.min(RETRY_MS.step * times, RETRY_MS.most),
    },
  };
}

/** A connection of our own, beside Bull's: what says whether Redis is there, and why not. */
export interface RedisLine {
  /** A command is answered or fails at once: nothing waits for one that is away. */
  readonly client: Redis;
  /** Resolves when the first try has come to something. @throws as `assertThere` */
  first(): Promise<void>;
  /** @throws AssayError `unreachable`, or `permission-denied` where it refuses us */
  assertThere(): void;
  /** of a command's error, or the line's */
  fault(error: unknown): AssayError;
  close(): void;
}

export function openRedisLine(address: RedisAddress): RedisLine {
  const client = new Redis({ ...address.options, maxRetriesPerRequest: 1, enableOfflineQueue: false });
  let last: unknown;
  client.on('error', (error) => {
    last = error;
  });
  client.on('ready', () => {
    last = undefined;
  });
  // a refused password ends the connection, and whoever asks learns no more than that it is closed
  const fault = (error: unknown) => redisFault(last ?? error, address);
  const line: RedisLine = {
    client,
    fault,
    async first() {
      if (client.status !== 'ready' && last === undefined)
        await new Promise<void>((resolve) => {
          const over = () => {
            for (const event of ['ready', 'error', 'end']) client.off(event, over);
            resolve();
          };
          for (const event of ['ready', 'error', 'end']) client.once(event, over);
        });
      line.assertThere();
    },
    assertThere() {
      if (client.status !== 'ready') throw fault(new Error('no connection yet'));
    },
    close: () => client.disconnect(),
  };
  return line;
}

/**
 * Ours for what Redis or the line to it said. The error as it came is left behind: a reply carries the command that it answers,
 * and that of a refused password is the password.
 */
function redisFault(error: unknown, { shown }: Pick<RedisAddress, 'shown'>): AssayError {
  if (error instanceof AssayError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (/^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR Client sent AUTH)/.test(text)) {
    const reason = `Redis at ${shown} refuses our name or password (${text.split(' ', 1)[0]})`;
    return new AssayError('permission-denied', reason, { reason });
  }
  // of errno and of Redis' replies alike, the first word is the kind, and nothing of ours
  const code = error instanceof Error && 'code' in error ? String(error.code) : text.slice(0, 120);
  return new AssayError('unreachable', `Redis at ${shown} is away: ${code}`, { address: shown });
}
