// Owns: what the roles of this project need around them: key, chain, log, Ctrl-C, exit codes.
// Does not own: what a role does (validator.ts, miner.ts).
import { connectSubtensor } from 'assay/chain';
import { keypairFromUri, readHotkeyFile, readyKeys } from 'assay/keys';
import { createLog, type Log, systemClock } from 'assay/model';
import { type RoleName, readSettings, SettingsError, type SettingsOf } from './settings.js';

export interface Surroundings<Role extends RoleName> {
  readonly settings: SettingsOf<Role>;
  readonly chain: Awaited<ReturnType<typeof connectSubtensor>>;
  readonly keypair: ReturnType<typeof keypairFromUri>;
  /** JSON lines on standard error */
  readonly log: Log;
  /** aborts with Ctrl-C or SIGTERM */
  readonly signal: AbortSignal;
}

/** Runs a role to its end. Exit codes: 0 ended when asked, 1 broken, 2 settings that are wrong. */
export async function runRole<Role extends RoleName>(
  role: Role,
  work: (parts: Surroundings<Role>) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const log = createLog((line) => process.stderr.write(`${line}\n`));
  try {
    const settings = readSettings(role, process.argv.slice(2), process.env);
    const keypair = await openHotkey(settings.hotkey, log);
    const chain = await connectSubtensor({
      url: settings.chain,
      log,
      clock: systemClock,
      signal: stop.signal,
    });
    try {
      if (settings.hotkey.startsWith('//') && (await chain.info()).type === 'live')
        throw new SettingsError('hotkey: everybody has the keys of development URIs, and this chain is live');
      await work({ settings, chain, keypair, log, signal: stop.signal });
    } finally {
      await chain.close();
    }
  } catch (error) {
    if (stop.signal.aborted) return;
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = error instanceof SettingsError ? 2 : 1;
  }
}

async function openHotkey(hotkey: string, log: Log): Promise<ReturnType<typeof keypairFromUri>> {
  await readyKeys();
  if (hotkey.startsWith('//')) return keypairFromUri(hotkey);
  const { keypair, warning } = await readHotkeyFile(hotkey);
  if (warning) log.warn('hotkey file', { path: hotkey, warning });
  return keypair;
}
