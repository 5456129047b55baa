// Owns: `assay miner start | history`.
import { access } from 'node:fs/promises';
import Table from 'cli-table3';
import type { ChainLimits } from '../../chain/limits.js';
import { type ReceiptRow, readReceipts } from '../../miner/receipts.js';
import { AssayError } from '../../model/errors.js';
import { toHotkey, toNetuid } from '../../model/ids.js';
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
    { openCpu },
    { createLocalSlot },
    { runMiner },
    { openReceipts },
  ] = await Promise.all([
    import('../../chain/subtensor/connect.js'),
    import('../../protocol/grpc/wire.js'),
    import('../../compute/probe.js'),
    import('../../miner/slot.js'),
    import('../../miner/miner.js'),
    import('../../miner/receipts.js'),
  ]);
  const { computeProof } = await import('../../verification/kinds/index.js');
  const { paramsByClass } = await import('../../verification/kinds/compute/params.js');
  const { paramsId } = await import('../../verification/checked-params.js');

  const params = paramsByClass(config.class);
  if (!params || params.localnetOnly) {
    const why = params ? `${config.class} is for simulated devices` : `no class ${config.class}`;
    const problem = `class: ${why}; assay params lists the classes`;
    throw new AssayError('invalid-config', problem, { source: 'flags', problems: [problem] });
  }
  const keypair = await loadKey(config, log);
  const compute = await openCpu({ log, threads: config.threads ?? 0 });
  const place = { index: 0, worker: config.worker };
  const slot = createLocalSlot({ compute, kind: computeProof, params, paramsId: paramsId(params) }, place);
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
  const { host, port, announceIp, rotateServerKey: rotate } = config;
  try {
    assertOwnKey(config, await chain.info());
    const { neurons } = await chain.subnet(toNetuid(config.netuid));
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
        slots: [slot],
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
    await Promise.all([receipts.close(), chain.close(), admin?.close(), metrics?.close(), webhook?.close()]);
  }
  return EXIT.ok;
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
