// Owns: `assay dashboard` and `assay dashboard export`: pages from a validator's folder, a miner's folder, a chain. Does not own: pages
// (dashboard), which of them there are (dashboard/join.ts).
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { serveDashboard } from '../../dashboard/server.js';
import { equals } from '../../model/bytes.js';
import { toNetuid } from '../../model/ids.js';

import { followLedger } from '../../validator/ledger/follow.js';
import type { LedgerOwner } from '../../validator/ledger/signed.js';
import { dataPaths, systemParts } from '../assemble.js';
import { loadFlags } from '../config.js';
import { tokenFor } from '../dashboard/address.js';
import { exportDashboard } from '../dashboard/export.js';
import { type Joined, joinDashboard } from '../dashboard/join.js';
import { foundInstead, invalid } from '../invalid-input.js';
import { readStatus } from '../miner-files.js';
import { networkFlags, networkText, withChain } from '../networks.js';
import { EXIT, print, printJson, stderrLog } from '../output.js';
import { createProgress, sayWhile } from '../progress.js';
import { moduleFlag, openKnown } from '../subnet-module.js';

const path = z.string().min(1).max(4096);
const shared = {
  ...networkFlags,
  ...moduleFlag,
  network: networkFlags.network.unwrap().optional(),
  data: path.optional(),
  miner: path.optional(),
  netuid: z.int().min(0).max(65_535).optional(),
  mechanism: z.int().min(0).max(255).optional(),
};
const serveSchema = z.strictObject({
  ...shared,
  host: z.string().max(253).default('127.0.0.1'),
  port: z.int().min(0).max(65_535),
  tokenFile: path.optional(),
  owner: z.boolean().default(false),
  hostName: z
    .array(z.string().regex(/^[A-Za-z0-9.-]{1,253}$/, 'expected a name as in an address'))
    .max(16)
    .default([]),
});
const exportSchema = z.strictObject({ ...shared });
type Shared = z.infer<typeof exportSchema> & { readonly owner?: boolean };

/** @returns 0 when it was interrupted: that is how it ends */
export async function showDashboard(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(serveSchema, flags);
  const token = await tokenFor(options, options.tokenFile, systemParts.random);
  return withJoined(options, signal, async (joined) => {
    const dashboard = await serveDashboard(joined, {
      host: options.host,
      port: options.port,
      token,
      hosts: options.hostName,
    });
    try {
      const { url, host, port } = dashboard;
      if (options.json) printJson({ url, host, port, pages: joined.pages.map(({ name }) => name) });
      else print(`dashboard: ${url}`);
      if (!options.json) process.stderr.write('Ctrl-C ends it\n');
      await joined.run(signal);
    } finally {
      await dashboard.close();
    }
    return EXIT.ok;
  });
}

export async function exportPages(
  dir: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const options = loadFlags(exportSchema, flags);
  return withJoined(options, signal, async (joined) => {
    const { pages, bytes, folder } = await sayWhile('writing pages', () =>
      exportDashboard(joined, dir, signal),
    );
    if (options.json) printJson({ folder, pages, bytes });
    else print(`${pages} pages, ${(bytes / 1e6).toFixed(1)} MB in ${folder}: any web host serves them`);
    return EXIT.ok;
  });
}

/** What there is, read once; with the chain that was named, where one was. */
async function withJoined(
  options: Shared,
  signal: AbortSignal,
  work: (joined: Joined) => Promise<number>,
): Promise<number> {
  const { data, miner: minerData, network } = options;
  if (data === undefined && minerData === undefined && network === undefined)
    throw invalid(
      'assay dashboard',
      "something to show: --data with a validator's folder, --miner with a miner's, or --network with --netuid",
      'none of them',
    );
  if (data !== undefined) await assertFolder('--data', data);
  if (minerData !== undefined) await assertFolder('--miner', minerData);
  const status =
    minerData === undefined ? undefined : (await readStatus(dataPaths.minerStatus(minerData))).status;
  const miner =
    minerData === undefined || status === undefined ? undefined : { data: minerData, hotkey: status.hotkey };
  const known = await openKnown(options.module);
  const log = stderrLog('warn');
  const clock = systemParts.clock;
  const join = async (chain: Parameters<typeof joinDashboard>[0]['chain']): Promise<number> => {
    let progress: { readonly total: number; readonly line: ReturnType<typeof createProgress> } | undefined;
    let isReading = true;
    const joined = joinDashboard({
      clock,
      log,
      known,
      validator: data,
      miner,
      chain,
      network: network && networkText(network),
      isOwner: options.owner,
      onSegment(_epoch, left) {
        if (!isReading) return;
        progress ??= { total: left + 1, line: createProgress({ unit: 'epochs', total: left + 1 }) };
        progress.line.update(progress.total - left - 1);
      },
    });
    try {
      await joined.read(signal);
    } finally {
      isReading = false;
      progress?.line.end();
    }
    return work(joined);
  };
  if (network === undefined) return join(undefined);
  const owner = data === undefined ? undefined : await ownerOf(data, signal);
  const netuid = options.netuid ?? status?.netuid ?? owner?.netuid;
  if (netuid === undefined) throw invalid('--netuid', 'the subnet to show', 'nothing');
  if (owner !== undefined && owner.netuid !== netuid)
    throw invalid(`--data ${data}`, `the ledger of subnet ${netuid}`, `one of subnet ${owner.netuid}`);
  if (status !== undefined && status.netuid !== netuid)
    throw invalid(`--miner ${minerData}`, `a miner of subnet ${netuid}`, `one of subnet ${status.netuid}`);
  return withChain({ ...options, network }, signal, async (client) => {
    if (owner !== undefined && !equals((await client.info()).genesisHash, owner.genesisHash))
      throw invalid(`--data ${data}`, 'a ledger of this chain', 'one of another');
    return join({ client, netuid: toNetuid(netuid), mechanism: options.mechanism });
  });
}

/** Whose ledger it is; undefined while it is empty. */
async function ownerOf(data: string, signal: AbortSignal): Promise<LedgerOwner | undefined> {
  const follower = followLedger(dataPaths.ledger(data), { segments: 1 });
  await follower.poll({}, signal);
  return follower.owner;
}

async function assertFolder(flag: string, folder: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    throw invalid(`${flag} ${folder}`, 'the data folder of a role', foundInstead(error), error);
  });
  if (!found.isDirectory()) throw invalid(`${flag} ${folder}`, 'the data folder of a role', 'a file');
}
