// Owns: folders, logs and outcomes that ledger tests begin with.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { devKeypair, readyKeys } from '../../../../src/keys/keypair.js';
import { createLog, type Log } from '../../../../src/model/log.js';
import { GENESIS } from './entry.js';

export { bytes16, bytes32, outcomeEntry } from './entry.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** Removed after the test. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-ledger-'));
  folders.push(folder);
  return folder;
}

export function recordingLog(): { log: Log; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  return { lines, log: createLog((line) => lines.push(JSON.parse(line)), { level: 'debug', now: () => 0 }) };
}

await readyKeys();
const keypair = devKeypair('validator');

export const clock = { now: () => 1_700_000_000_000, monotonic: () => 0, sleep: async () => {} };

/** Whose the ledgers of these tests are. */
export const whose = { genesisHash: GENESIS, netuid: 2, keypair };
