// Owns: how a Redis is asked, and what its refusals mean to us. Does not own: where it is (redis-address.ts), what is kept in it
// (bull-queue.ts), whose it is (redis-claim.ts).
import { Redis } from 'ioredis';
import { AssayError } from '../../model/errors.js';
import type { RedisAddress } from './redis-address.js';

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
