// Owns: who may ask: names that a browser may know us by, the token and the cookie it is exchanged for, requests that other sites
// make a browser send. Does not own: addresses that are listened on (server.ts), where a token comes from (cli).
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { toHex } from '../model/bytes.js';
import { type Random, systemRandom } from '../model/prng.js';

export interface AccessOptions {
  /** whoever asks must hold it; undefined on loopback only */
  readonly token?: string | undefined;
  /** names beside `localhost` and addresses under which we are reached, e.g. behind a proxy */
  readonly hosts?: readonly string[] | undefined;
  /** @default systemRandom */
  readonly random?: Pick<Random, 'bytes'> | undefined;
}

export type Access =
  | { readonly is: 'granted' }
  /** the token came in the address: it goes into a cookie, and out of the address */
  | { readonly is: 'exchange'; readonly cookie: string }
  | { readonly is: 'refused'; readonly status: 400 | 401 | 403 | 421 | 429; readonly why: string };

export const TOKEN_CHARS = { min: 16, max: 256 } as const;
/** Wrong tokens in a minute, of everybody together: a token that is drawn cannot be guessed, one that was chosen should not be. */
const WRONG_A_MINUTE = 30;
const MINUTE_MS = 60_000;

export interface Door {
  ask(request: { headers: IncomingHttpHeaders; query: URLSearchParams; nowMs: number }): Access;
}

/** @throws RangeError for a token that is too short to be one */
export function createDoor({ token, hosts = [], random = systemRandom }: AccessOptions): Door {
  if (token !== undefined && !(token.length >= TOKEN_CHARS.min && token.length <= TOKEN_CHARS.max))
    throw new RangeError(
      `token: expected ${TOKEN_CHARS.min} to ${TOKEN_CHARS.max} characters, got ${token.length}`,
    );
  const names = new Set(['localhost', ...hosts.map((name) => name.toLowerCase())]);
  // drawn: of one that followed from the token each cookie would be a try at the token, and nobody counts those
  const session = toHex(random.bytes(32));
  // a browser sends a host's cookies to all its ports: dashboards beside each other must not take each other's place
  const name = `assay-dashboard-${mac(token ?? '', 'name').slice(0, 8)}`;
  let wrong = { sinceMs: 0, count: 0 };

  return {
    ask({ headers, query, nowMs }) {
      const host = hostName(headers.host);
      if (host === undefined) return refused(400, 'The request names no host.');
      // a name that somebody points at this machine would let their page read ours: only names we know, and addresses, which nobody can point
      if (!names.has(host) && isIP(host) === 0)
        return refused(
          421,
          'This dashboard does not go by that name. Reach it by its address, or tell it the name: `assay dashboard --host-name NAME`, `dashboardNames` of a validator.',
        );
      if (headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate')
        return refused(403, 'Another site made the browser ask.');
      if (token === undefined) return { is: 'granted' };
      if (nowMs - wrong.sinceMs >= MINUTE_MS) wrong = { sinceMs: nowMs, count: 0 };
      const cookie = cookieOf(headers.cookie, name);
      if (cookie !== undefined && isSame(cookie, session)) return { is: 'granted' };
      const given = query.get('token') ?? bearerOf(headers.authorization);
      if (given === undefined)
        return refused(401, 'A token is required: open the address that was printed when this was started.');
      if (wrong.count >= WRONG_A_MINUTE) return refused(429, 'Too many wrong tokens: wait a minute.');
      if (!isSame(given, token)) {
        wrong.count++;
        return refused(401, 'This is not the token.');
      }
      if (!query.has('token')) return { is: 'granted' };
      return {
        is: 'exchange',
        cookie: `${name}=${session}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000`,
      };
    },
  };
}

const refused = (status: 400 | 401 | 403 | 421 | 429, why: string): Access => ({
  is: 'refused',
  status,
  why,
});

const mac = (secret: string, of: string): string => createHmac('sha256', secret).update(of).digest('hex');

/** In a time that says nothing of either, whatever their lengths. */
function isSame(given: string, expected: string): boolean {
  const [a, b] = [given, expected].map((text) => createHmac('sha256', 'compare').update(text).digest());
  return timingSafeEqual(a!, b!);
}

/** The name in `host[:port]`, small letters, without brackets; undefined where it is none. */
function hostName(host: string | undefined): string | undefined {
  const [, v6, name] =
    /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::\d{1,5})?$/.exec(host ?? '') ?? [];
  return (v6 ?? name)?.toLowerCase();
}

function cookieOf(header: string | undefined, wanted: string): string | undefined {
  for (const part of (header ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === wanted) return value;
  }
  return undefined;
}

const bearerOf = (header: string | undefined): string | undefined => /^Bearer (.+)$/.exec(header ?? '')?.[1];
