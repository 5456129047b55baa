// Owns: where a dashboard listens, as people write it, and the token of who may look. Does not own: listening (dashboard/server.ts).
import { chmod, readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { TOKEN_CHARS } from '../../dashboard/access.js';
import { isLoopback } from '../../dashboard/server.js';
import type { Random } from '../../model/prng.js';
import { errnoOf, foundInstead, invalid } from '../invalid-input.js';
import { openWholeFile } from '../whole-file.js';

export interface ListenAt {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_PORT = 8787;

/**
 * @param text `8787`, `127.0.0.1:8787`, `[::1]:8787`, `0.0.0.0`; true where nothing was said
 * @throws AssayError `invalid-input`
 */
export function parseAddress(text: string | true): ListenAt {
  if (text === true) return { host: '127.0.0.1', port: DEFAULT_PORT };
  const [, alone, v6, name, port] =
    /^(?:(\d{1,5})|(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::(\d{1,5}))?)$/.exec(text) ?? [];
  const host = alone === undefined ? (v6 ?? name ?? '') : '127.0.0.1';
  const number = Number(alone ?? port ?? DEFAULT_PORT);
  if ((isIP(host) === 0 && host !== 'localhost') || number > 65_535)
    throw invalid(
      'dashboard address',
      'a port, or an address with one, such as 127.0.0.1:8787',
      text.slice(0, 80),
    );
  return { host, port: number };
}

/**
 * The token of who may look; none on loopback where no file is named. A file that is not there is made, for its owner alone.
 * @throws AssayError `invalid-input` for a file that holds no token
 */
export async function tokenFor(
  { host }: Pick<ListenAt, 'host'>,
  path: string | undefined,
  random: Pick<Random, 'bytes'>,
): Promise<string | undefined> {
  const drawn = (): string => Buffer.from(random.bytes(24)).toString('base64url');
  if (path === undefined) return isLoopback(host) ? undefined : drawn();
  const what = `token file ${path}`;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw invalid(what, 'a file with a token', foundInstead(error), error);
  });
  if (text === undefined) {
    const token = drawn();
    const file = await openWholeFile(path, what, 0o600);
    await file.write(`${token}\n`);
    await chmod(path, 0o600);
    return token;
  }
  const token = text.trim();
  if (new RegExp(`^[\\w.~+/=-]{${TOKEN_CHARS.min},${TOKEN_CHARS.max}}$`).test(token)) return token;
  throw invalid(
    what,
    `${TOKEN_CHARS.min} to ${TOKEN_CHARS.max} letters, digits or - . _ ~ + / =`,
    `${token.length} characters that are none`,
  );
}
