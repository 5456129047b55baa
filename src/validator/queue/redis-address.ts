// Owns: where a Redis is, as an address says it. Does not own: asking it (redis.ts).
import type { RedisOptions } from 'ioredis';
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
  const decoded = (part: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw wrong('a % in name or password that begins no escape: write it as %25');
    }
  };
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const at = port === '' ? 6379 : Number(port);
  return {
    shown: `${host}:${at}`,
    options: {
      host,
      port: at,
      db: database === '' ? 0 : Number(database),
      ...(username === '' ? {} : { username: decoded(username) }),
      ...(password === '' ? {} : { password: decoded(password) }),
      ...(protocol === 'rediss:' ? { tls: { servername: host } } : {}),
      connectTimeout: CONNECT_MS,
      socketTimeout: SILENT_MS,
      retryStrategy: (times) => Math.min(RETRY_MS.step * times, RETRY_MS.most),
    },
  };
}
