// Owns: names to parts: a chain from a URL, a key from a file or URI, a kind registry. Does not own: what parts do.
import { join } from 'node:path';
import type { ChainInfo, ChainObserver } from '../chain/chain.js';
import { hotkeyPlace, keypairFromUri, readHotkeyFile, readyKeys, type VrfKeypair } from '../keys/index.js';
import { systemClock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import type { Log } from '../model/log.js';
import { systemRandom } from '../model/prng.js';
import { invalid } from './invalid-input.js';
import type { Metrics } from './metrics.js';
import type { ValidatorMetrics } from './validator-metrics.js';
import { mayBeSecret, walletPathOf } from './wallets.js';

export interface KeyChoice {
  /** path of a hotkey file, name in `wallet`, or a URI that begins with `//`; seeds and phrases belong into a file */
  readonly hotkey: string;
  /** makes `hotkey` a name in this wallet */
  readonly wallet?: string | undefined;
  /** folder of wallets */
  readonly walletPath?: string | undefined;
}

/** @throws AssayError `invalid-input`, or `unsupported` for an encrypted file, naming it */
export async function loadKey({ hotkey, wallet, walletPath }: KeyChoice, log: Log): Promise<VrfKeypair> {
  await readyKeys();
  if (hotkey.startsWith('//')) return keypairFromUri(hotkey);
  if (mayBeSecret(hotkey))
    throw invalid(
      'hotkey',
      'the path of a hotkey file, a name beside wallet, or a development URI (a secret belongs into a file)',
      'what may be a secret',
    );
  const path =
    wallet === undefined ? hotkey : hotkeyPlace(walletPathOf({ walletPath }), wallet, hotkey).secret;
  const file = await readHotkeyFile(path);
  if (file.warning) log.warn('hotkey file', { path, warning: file.warning });
  return file.keypair;
}

/** @throws AssayError `invalid-config`: on a live chain a development URI is a key that everybody has */
export function assertOwnKey({ hotkey }: Pick<KeyChoice, 'hotkey'>, { type, name }: ChainInfo): void {
  if (type !== 'live' || !hotkey.startsWith('//')) return;
  const problem = `hotkey: everybody has the keys of development URIs, and ${name} is a live chain`;
  throw new AssayError('invalid-config', problem, { source: 'hotkey', problems: [problem] });
}

export const systemParts = { clock: systemClock, random: systemRandom } as const;

/** Files of a role's data folder. */
export const dataPaths = {
  ledger: (data: string) => join(data, 'ledger'),
  weights: (data: string) => join(data, 'weights'),
  queue: (data: string) => join(data, 'queue'),
  queueKey: (data: string) => join(data, 'queue', 'key'),
  serverKeys: (data: string) => join(data, 'server-keys.json'),
  parameters: (data: string) => join(data, 'parameters'),
  receipts: (data: string) => join(data, 'receipts.jsonl'),
  minerStatus: (data: string) => join(data, 'status.json'),
  callers: (data: string) => join(data, 'callers.json'),
  processes: (data: string) => join(data, 'processes.json'),
  hostsKey: (data: string) => join(data, 'hosts-key.json'),
  hostSlots: (data: string) => join(data, 'host-slots.json'),
  hostsStatus: (data: string) => join(data, 'hosts-status.json'),
  leases: (data: string) => join(data, 'leases.json'),
  maintenance: (data: string) => join(data, 'maintenance.json'),
  duty: (data: string) => join(data, 'duty.json'),
} as const;

/** @param port below 0: none */
export async function startMetrics(
  chain: ChainObserver | undefined,
  port: number,
  log: Log,
): Promise<Metrics | undefined> {
  if (port < 0) return undefined;
  const { serveMetrics } = await import('./metrics.js');
  const metrics = await serveMetrics(chain, port);
  log.info('metrics', {
    url: `http://127.0.0.1:${metrics.port}/metrics`,
    serves: '/metrics, /healthz, /readyz',
  });
  return metrics;
}

/** A validator's own series, where metrics are served at all. */
export async function startValidatorMetrics(
  metrics: Metrics | undefined,
  data: string,
): Promise<ValidatorMetrics | undefined> {
  if (!metrics) return undefined;
  const { createValidatorMetrics } = await import('./validator-metrics.js');
  return createValidatorMetrics({ ...metrics, clock: systemClock, data });
}

type Tell = (message: Readonly<Record<string, unknown>>) => void;

/** One message for all who are there. */
export const tellAll =
  (...all: readonly (Tell | undefined)[]): Tell =>
  (message) => {
    for (const tell of all) tell?.(message);
  };

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
