// Owns: `assay miner start | history`.
import { access } from 'node:fs/promises';
import Table from 'cli-table3';
import type { ChainLimits } from '../../chain/limits.js';
import type { SubtensorReader } from '../../chain/operator-reads.js';
import { type ReceiptRow, readReceipts } from '../../miner/receipts.js';
import { toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { type Hotkey, toHotkey, toNetuid } from '../../model/ids.js';
import type { Log } from '../../model/log.js';
import { publicationsOf } from '../../validator/parameters.js';
import { BUILT_IN, inForce, toSource } from '../../verification/publication.js';
import {
  assertOwnKey,
  dataPaths,
  loadKey,
  startAdmin,
  startMetrics,
  systemParts,
  tellAll,
} from '../assemble.js';
import { connectRole, watchChain } from '../chain-watchman.js';
import { lastOf, loadConfig, minerSchema, roleFlags } from '../config.js';
import { networkOf } from '../networks.js';
import { EXIT, PLAIN, print, printJson, stderrLog } from '../output.js';
import { type NamedFile, readNamedFile } from '../parameter-files.js';
import { tellParent } from '../parent.js';
import { openServerKeys } from '../server-keys.js';
import { createWebhook } from '../webhook.js';

export async function startMiner(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const config = loadConfig(minerSchema, roleFlags(flags));
  const log = stderrLog(config.logLevel, { netuid: config.netuid });
  const network = networkOf([config.chain]);
  const [
    { connectSubtensor },
    { createGrpcWire },
    { openSlots, parseSlots },
    { runMiner },
    { openReceipts },
  ] = await Promise.all([
    import('../../chain/subtensor/connect.js'),
    import('../../protocol/grpc/wire.js'),
    import('../miner-slots.js'),
    import('../../miner/miner.js'),
    import('../../miner/receipts.js'),
  ]);
  const { kinds } = await import('../../verification/kinds/index.js');
  const { builtInFile } = await import('../../verification/parameter-file.js');
  const files = await Promise.all(config.params.map((path) => readNamedFile(path, kinds)));
  const given = files.length > 0 ? files.map(({ file }) => file) : [builtInFile(kinds)];
  const sets = given.flatMap((file) => file.sets);
  const keypair = await loadKey(config, log);
  const { host, port, announceIp, rotateServerKey: rotate } = config;
  const served = await openSlots(
    { log, clock: systemParts.clock },
    {
      wanted: parseSlots(config.slots.length > 0 ? config.slots : [`compute:${config.class}`]),
      sets,
      kinds,
      worker: config.worker,
      threads: config.threads ?? 0,
      plots: config.plots,
      link: { host, port: config.linkPort },
    },
    signal,
  );
  const receipts = await openReceipts(dataPaths.receipts(config.data));
  const admin = await startAdmin(config.adminPort, log);
  const webhook = config.webhook === undefined ? undefined : createWebhook(config.webhook, { log });
  const about = { role: 'miner', netuid: config.netuid, hotkey: keypair.address };
  const { clock } = systemParts;
  const connect = (limits: Partial<ChainLimits>) =>
    connectSubtensor({ ...network, log, clock, signal, limits });
  const chain = await connectRole(connect, { ...about, urls: network.urls, log, clock, tell: webhook?.tell });
  const metrics = await startMetrics(chain, config.metricsPort, log);
  const tell = tellAll(webhook?.tell, metrics?.alert);
  const unwatch = watchChain(chain, { log, tell, ...about });
  try {
    assertOwnKey(config, await chain.info());
    const { neurons, ownerHotkey, epochIndex } = await chain.subnet(toNetuid(config.netuid));
    await warnOfOthers(chain, { netuid: config.netuid, ownerHotkey, epochIndex, files }, log);
    const announced = neurons.find(({ hotkey }) => hotkey === keypair.address)?.axon?.serverKey;
    const identities = await openServerKeys(dataPaths.serverKeys(config.data), { rotate, announced });
    await runMiner(
      {
        ...systemParts,
        reader: chain,
        writer: chain,
        wire: createGrpcWire({ clock: systemParts.clock }),
        keypair,
        log,
        receipts,
        slots: served.slots,
        content: (digest) => files.find((file) => file.digest === toHex(digest))?.bytes,
      },
      {
        netuid: toNetuid(config.netuid),
        host,
        port,
        listed: config.listed.map(toHotkey),
        identities,
        ...(announceIp === undefined ? {} : { announceIp }),
      },
      signal,
      (address) => {
        admin?.setServing(true);
        tellParent({ ready: address });
      },
    );
  } finally {
    unwatch();
    await Promise.all([
      receipts.close(),
      chain.close(),
      admin?.close(),
      metrics?.close(),
      webhook?.close(),
      served.close(),
    ]);
  }
  return EXIT.ok;
}

/** A slot under parameters that do not count is not judged: better said here than found out from weights. */
async function warnOfOthers(
  chain: Pick<SubtensorReader, 'commitmentOf'>,
  about: { netuid: number; ownerHotkey: Hotkey; epochIndex: number; files: readonly NamedFile[] },
  log: Log,
): Promise<void> {
  const { netuid, ownerHotkey, epochIndex, files } = about;
  const published = await publicationsOf(chain)
    .publication(toNetuid(netuid), ownerHotkey)
    .catch((error: unknown) => {
      log.warn('what the owner published of parameters could not be read', { error });
      return undefined;
    });
  const mine = files.length > 0 ? files.map(({ digest }) => digest) : [BUILT_IN];
  const counting = inForce(published, epochIndex);
  if (!mine.some((source) => counting.includes(source)))
    log.warn('these parameters do not count on this subnet: see --params', { counting, mine });
  if (published && published.firstEpoch > epochIndex && !mine.includes(toSource(published.parameters)))
    log.warn('other parameters will count soon: see --params', {
      parameters: toSource(published.parameters),
      fromEpoch: published.firstEpoch,
    });
}

export async function history(flags: { data?: string; last?: number; json?: boolean }): Promise<number> {
  const path = dataPaths.receipts(flags.data!);
  await access(path).catch((cause: unknown) => {
    const expected = 'the data folder of a miner that was challenged at least once';
    throw new AssayError(
      'invalid-input',
      `${path}: no receipts here`,
      { what: 'data folder', expected, got: path },
      { cause },
    );
  });
  let rows: ReceiptRow[] = [];
  const last = lastOf(flags);
  for await (const row of readReceipts(path)) {
    rows.push(row);
    if (rows.length > 2 * last + 1000) rows = rows.slice(-last);
  }
  rows = rows.slice(-last);
  if (flags.json) {
    for (const row of rows) printJson(row);
    return EXIT.ok;
  }
  const table = new Table({
    head: ['at', 'block', 'validator', 'slot', 'verdict', 'reason', 'measured ms', 'share'],
    style: PLAIN,
  });
  for (const row of rows)
    table.push([
      row.at.slice(0, 19),
      row.eventBlock,
      row.validator,
      row.slot,
      row.verdict,
      row.reason,
      row.measuredMs === undefined ? '-' : row.measuredMs.toFixed(0),
      row.share.toFixed(3),
    ]);
  print(table.toString());
  const accepted = rows.filter(({ verdict }) => verdict === 'accepted').length;
  print(`${rows.length} receipts, ${accepted} accepted`);
  return EXIT.ok;
}
