// Owns: names to parts: a chain from a URL, a key from a file or URI, a kind registry. Does not own: what parts do.
import { join } from 'node:path';
import { type Keypair, keypairFromUri, readHotkeyFile, readyKeys } from '../keys/index.js';
import { systemClock } from '../model/clock.js';
import type { Log } from '../model/log.js';
import { systemRandom } from '../model/prng.js';

/**
 * @param source path of a hotkey file, or a URI that begins with `//` or `0x`; a phrase belongs into a file
 * @throws AssayError `invalid-input` or `corrupt` naming the file
 */
export async function loadKey(source: string, log: Log): Promise<Keypair> {
  await readyKeys();
  if (source.startsWith('//') || source.startsWith('0x')) return keypairFromUri(source);
  const file = await readHotkeyFile(source);
  if (file.warning) log.warn('hotkey file', { path: source, warning: file.warning });
  return file.keypair;
}

export const systemParts = { clock: systemClock, random: systemRandom } as const;

/** Files of a role's data folder. */
export const dataPaths = {
  ledger: (data: string) => join(data, 'ledger'),
  receipts: (data: string) => join(data, 'receipts.jsonl'),
} as const;

/** Health for whoever operates this role: on loopback, never on the public port. */
export async function startAdmin(
  port: number,
  log: Log,
): Promise<{ setServing(serving: boolean): void; close(): Promise<void> } | undefined> {
  if (port < 0) return undefined;
  const { serveAdmin } = await import('../protocol/admin.js');
  const stop = new AbortController();
  const admin = await serveAdmin({ port }, stop.signal);
  admin.setServing(false);
  log.info('admin address', { host: admin.host, port: admin.port, serves: 'grpc.health.v1.Health' });
  return {
    setServing: admin.setServing,
    async close() {
      stop.abort();
      await admin.closed;
    },
  };
}
