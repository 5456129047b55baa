// Owns: the address of a Redis as an operator says it: in a file, a variable, or plainly where it holds no password. Does not own: what
// an address means (validator/queue/redis.ts).
import { AssayError } from '../model/errors.js';
import { parseRedisUrl, type RedisAddress } from '../validator/queue/redis-address.js';
import { readInputText } from './input-text.js';

const MAX_BYTES = 4096;

/**
 * A password on the command line would be in every list of processes.
 * @throws AssayError `invalid-config`
 */
export function assertNoPasswordIn(flags: Readonly<Record<string, unknown>>): void {
  const { redis } = flags;
  if (typeof redis !== 'string' || !URL.canParse(redis) || new URL(redis).password === '') return;
  const problem =
    '--redis: process lists show flags: write the URL into a file and give its path, or set ASSAY_REDIS';
  throw new AssayError('invalid-config', problem, { source: 'flags', problems: [problem] });
}

/** @param text a URL, or the path of a file that holds one. @throws AssayError `invalid-input`, never with the text */
export async function redisAddress(text: string): Promise<RedisAddress> {
  if (/^rediss?:\/\//.test(text)) return parseRedisUrl(text);
  return parseRedisUrl((await readInputText(text, { maxBytes: MAX_BYTES })).trim());
}
