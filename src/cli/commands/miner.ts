// Owns: `assay miner start | history`.
import { access } from 'node:fs/promises';
import Table from 'cli-table3';
import type { Subnet } from '../../chain/chain.js';
import type { ChainLimits } from '../../chain/limits.js';
import { type ReceiptRow, readReceipts } from '../../miner/receipts.js';
import { AssayError } from '../../model/errors.js';
import { toHotkey, toNetuid } from '../../model/ids.js';
import type { Log } from '../../model/log.js';
import { type ParametersParts, publicationsOf } from '../../parameters/parameters.js';
import { classOf } from '../../verification/classes.js';
import {
  builtInFile,
  type KindsByName,
  type ParameterSet,
  readParameterFile,
} from '../../verification/parameter-file.js';
import { BUILT_IN, inForce, type Source, wanted } from '../../verification/publication.js';
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
import { takeDataFolder } from '../data-folder.js';
import { networkOf } from '../networks.js';
import { EXIT, PLAIN, print, printJson } from '../output.js';
import { openShelf } from '../parameter-files.js';
import { tellParent } from '../parent.js';
import { shelveGiven, warnUnpublished } from '../policy-files.js';
import { reloadOnHangup } from '../reload.js';
import { openRoleLog } from '../role-log.js';
import { openServerKeys } from '../server-keys.js';
import { type LastSight, noteSight, sightLines } from '../sights.js';
import type { WantedSlot } from '../wanted-slots.js';
import { createWebhook } from '../webhook.js';

export async function startMiner(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const own = roleFlags(flags);
  const config = loadConfig(minerSchema, own);
  takeDataFolder(config.data, 'miner');
  const log = await openRoleLog(config, { netuid: config.netuid });
  const network = networkOf([config.chain]);
  const [
    { connectSubtensor },
    { createGrpcWire },
    { openSlots },
    { parseSlots },
    { runMiner },
    { openReceipts },
  ] = await Promise.all([
    import('../../chain/subtensor/connect.js'),
    import('../../protocol/grpc/wire.js'),
    import('../miner-slots.js'),
    import('../wanted-slots.js'),
    import('../../miner/miner.js'),
    import('../../miner/receipts.js'),
  ]);
  const { kinds } = await import('../../verification/kinds/index.js');
  const shelf = openShelf(dataPaths.parameters(config.data));
  const given = await shelveGiven(shelf, config, kinds);
  const wantedSlots = parseSlots(config.slots.length > 0 ? config.slots : [`compute:${config.class}`]);
  const keypair = await loadKey(config, log);
  const { host, port, announceIp, rotateServerKey: rotate } = config;
  const { createLinkDoor } = await import('../../miner/link-door.js');
  const door = createLinkDoor(
    { keypair, clock: systemParts.clock },
    { netuid: toNetuid(config.netuid) },
    signal,
  );
  const served = await openSlots(
    { log, clock: systemParts.clock },
    {
      wanted: wantedSlots,
      kinds,
      worker: config.worker,
      threads: config.threads ?? 0,
      plots: config.plots,
      link: { host, port: config.linkPort, door },
    },
    signal,
  );
  const receipts = await openReceipts(dataPaths.receipts(config.data));
  const admin = await startAdmin(config.adminPort, log);
  const webhook = createWebhook(config.webhook, { log });
  const listed = new Set(config.listed.map(toHotkey));
  const deaf = reloadOnHangup(
    {
      log,
      apply(next) {
        log.setLevel(next.logLevel);
        webhook.move(next.webhook);
        listed.clear();
        for (const hotkey of next.listed) listed.add(toHotkey(hotkey));
      },
    },
    { role: 'miner', flags: own, config },
  );
  const about = { role: 'miner', netuid: config.netuid, hotkey: keypair.address };
  const { clock } = systemParts;
  const connect = (limits: Partial<ChainLimits>) =>
    connectSubtensor({ ...network, log, clock, signal, limits });
  const chain = await connectRole(connect, { ...about, urls: network.urls, log, clock, tell: webhook.tell });
  const metrics = await startMetrics(chain, config.metricsPort, log);
  const tell = tellAll(webhook.tell, metrics?.alert);
  const unwatch = watchChain(chain, { log, tell, ...about });
  try {
    const info = await chain.info();
    assertOwnKey(config, info);
    door.tell(info);
    const subnet = await chain.subnet(toNetuid(config.netuid));
    const parameters = { source: publicationsOf(chain), shelf, given };
    await assertServable({ parameters, kinds, log }, { subnet, netuid: config.netuid, slots: wantedSlots });
    const announced = subnet.neurons.find(({ hotkey }) => hotkey === keypair.address)?.axon?.serverKey;
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
        slots: { parameters, kinds, under: served.under },
        onAdmission: door.admitBy,
      },
      {
        netuid: toNetuid(config.netuid),
        host,
        port,
        listed,
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
    deaf();
    unwatch();
    await Promise.all([
      receipts.close(),
      chain.close(),
      admin?.close(),
      metrics?.close(),
      webhook.close(),
      served.close(),
    ]);
  }
  return EXIT.ok;
}

/**
 * A class that is misspelt is better said here than found out from weights; one of a file that is still to come is not known yet.
 * @throws AssayError `invalid-config`
 */
async function assertServable(
  parts: { readonly parameters: ParametersParts; readonly kinds: KindsByName; readonly log: Log },
  about: { readonly subnet: Subnet; readonly netuid: number; readonly slots: readonly WantedSlot[] },
): Promise<void> {
  const { parameters, kinds, log } = parts;
  const { ownerHotkey, epochIndex: epoch } = about.subnet;
  const published = await parameters.source
    .publication(toNetuid(about.netuid), ownerHotkey)
    .catch((error: unknown) => {
      log.warn('what the owner published of parameters could not be read', { error });
      return undefined;
    });
  const sources = [...new Set([...inForce(published, epoch), ...wanted(published, epoch)])];
  warnUnpublished(log, parameters.given ?? new Map(), published);
  const setsOf = async (source: Source): Promise<readonly ParameterSet[] | undefined> => {
    if (source === BUILT_IN) return builtInFile(kinds).sets;
    const bytes = await parameters.shelf.read(source);
    try {
      return bytes && readParameterFile(bytes, kinds).sets;
    } catch {
      return undefined; // damaged, or of a newer build: whoever follows the parameters says so
    }
  };
  const files = await Promise.all(sources.map(setsOf));
  const sets = files.flatMap((file) => file ?? []);
  const { assertClasses } = await import('../miner-slots.js');
  if (files.every((file) => file !== undefined)) assertClasses(about.slots, { kinds, sets });
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
  const sights = new Map<string, LastSight>();
  for await (const row of readReceipts(path)) {
    noteSight(sights, row);
    rows.push(row);
    if (rows.length > 2 * last + 1000) rows = rows.slice(-last);
  }
  rows = rows.slice(-last);
  if (flags.json) {
    for (const row of rows) printJson(row);
    return EXIT.ok;
  }
  const table = new Table({
    head: ['at', 'block', 'validator', 'slot', 'verdict', 'reason', 'measured ms', 'share', 'proven as'],
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
      classOf(row.credit)?.class ?? '-',
    ]);
  print(table.toString());
  const accepted = rows.filter(({ verdict }) => verdict === 'accepted').length;
  print(`${rows.length} receipts, ${accepted} accepted`);
  for (const line of sightLines(sights)) print(line);
  return EXIT.ok;
}
