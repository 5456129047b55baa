// Owns: `assay miner start | history`.
import { setMaxListeners } from 'node:events';
import { access } from 'node:fs/promises';
import { ownNeuron } from '../../chain/announce.js';
import type { ServerKey, Subnet } from '../../chain/chain.js';
import type { ChainLimits } from '../../chain/limits.js';
import { createCallers } from '../../miner/callers.js';
import type { FollowedSlots } from '../../miner/follow.js';
import { type ReceiptRow, readReceipts } from '../../miner/receipts.js';
import { createSessions } from '../../miner/sessions.js';
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
import { openProcessRecord } from '../left-processes.js';
import { type MinerDeclines, openMinerDeclines } from '../miner-declines.js';
import { keepMinerFiles, keptCallers } from '../miner-files.js';
import { openMinerHosts } from '../miner-hosts.js';
import { addMinerSeries } from '../miner-metrics.js';
import { createRegistration } from '../miner-registration.js';
import { networkOf } from '../networks.js';
import { EXIT, print, printJson } from '../output.js';
import { openShelf } from '../parameter-files.js';
import { tellParent } from '../parent.js';
import { shelveGiven, warnUnpublished } from '../policy-files.js';
import { reloadOnHangup } from '../reload.js';
import { openRoleLog } from '../role-log.js';
import { openServerKeys } from '../server-keys.js';
import { type LastSight, noteSight, sightLines } from '../sights.js';
import { Table } from '../table.js';
import { raoOf } from '../tao.js';
import { openTracing } from '../tracing.js';
import type { WantedSlot } from '../wanted-slots.js';
import { createWebhook } from '../webhook.js';

/** What sessions under way have once the miner is asked to end: with closing, it ends within 10 s. */
const DRAIN_MS = 8000;

export async function startMiner(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const own = roleFlags(flags);
  const config = loadConfig(minerSchema, own);
  const { openKnown } = await import('../subnet-module.js');
  const known = await openKnown(config.module);
  const { kinds } = known;
  takeDataFolder(config.data, 'miner');
  const log = await openRoleLog(config, { netuid: config.netuid });
  const network = networkOf([config.chain]);
  const [
    { connectSubtensor },
    { createGrpcWire },
    { openSlots },
    { wantedOf },
    { runMiner },
    { createLife },
    { openReceipts },
    { createSlotDoctor },
  ] = await Promise.all([
    import('../../chain/subtensor/connect.js'),
    import('../../protocol/grpc/wire.js'),
    import('../miner-slots.js'),
    import('../wanted-slots.js'),
    import('../../miner/miner.js'),
    import('../../miner/life.js'),
    import('../../miner/receipts.js'),
    import('../slot-doctor.js'),
  ]);
  const shelf = openShelf(dataPaths.parameters(config.data));
  const given = await shelveGiven(shelf, config, known);
  const wantedSlots = wantedOf(config);
  const keypair = await loadKey(config, log);
  const { host, port, announceIp, rotateServerKey: rotate } = config;
  const { clock } = systemParts;
  const { createLinkDoor } = await import('../../miner/link-door.js');
  // what slots, sockets and the chain end by: once it serves, sessions under way come first
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const end = () => over.abort(signal.reason);
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  const door = createLinkDoor({ keypair, clock }, { netuid: toNetuid(config.netuid) }, over.signal);
  const doctor = createSlotDoctor(
    { clock, slots: () => served.opened },
    { hotkey: keypair.publicKey, worker: config.worker },
  );
  const declines = await openMinerDeclines({ clock, log, keypair }, config, over.signal);
  const served = await openSlots(
    { log, clock },
    {
      wanted: wantedSlots,
      kinds,
      worker: config.worker,
      threads: config.threads ?? 0,
      plots: config.plots,
      link: { host, port: config.linkPort, door },
      rests: doctor.rests,
      onProcess: openProcessRecord(dataPaths.processes(config.data), log).began,
    },
    over.signal,
  );
  const others = await openMinerHosts({ clock, log, kinds }, config, over.signal).catch(
    async (error: unknown) => {
      await served.close();
      throw error;
    },
  );
  const receipts = await openReceipts(dataPaths.receipts(config.data));
  const tracing = await openTracing(config.traceModule);
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
  const connect = (limits: Partial<ChainLimits>) =>
    connectSubtensor({ ...network, log, clock, signal: over.signal, limits });
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
    await assertServable(
      { parameters, kinds, log },
      {
        subnet,
        netuid: config.netuid,
        slots: wantedSlots,
        isLive: info.type === 'live',
      },
    );
    const netuid = toNetuid(config.netuid);
    const hotkey = toHotkey(keypair.address);
    const paths = { status: dataPaths.minerStatus(config.data), callers: dataPaths.callers(config.data) };
    const callers = createCallers(
      {
        clock,
        tell: (alert) => {
          log.warn('a caller does what honest ones do not', alert);
          tell({ ...alert, netuid, hotkey });
        },
      },
      await keptCallers(paths.callers),
    );
    const sessions = createSessions(callers.ended);
    const announced = () => chain.subnet(netuid).then((now) => ownNeuron(now, hotkey)?.axon?.serverKey);
    const keysFor = (isRotation: boolean, named: ServerKey | undefined) =>
      openServerKeys(dataPaths.serverKeys(config.data), {
        rotate: isRotation,
        announced: named,
        afterDays: config.rotateServerKeyDays,
      });
    let rotates = rotate;
    const life = createLife(
      {
        reader: chain,
        clock,
        log,
        sessions,
        callers,
        tell,
        onPhase(status) {
          files.write();
          admin?.setServing(status.phase === 'serving');
          tellParent({ miner: status });
        },
        examine: config.doctor ? doctor.examine : undefined,
        registrationRao: async () => (await chain.prices(netuid)).registrationRao,
        register:
          config.register === undefined
            ? undefined
            : await createRegistration(
                { chain, info, log },
                { netuid, hotkey },
                { ...config, limitRao: raoOf(config.register, '--register') },
                signal,
              ),
        async serve(asked, onReady) {
          const identities = await keysFor(rotates, await announced());
          rotates = false; // once a start, however often it serves
          return runMiner(
            {
              ...systemParts,
              reader: chain,
              writer: chain,
              wire: createGrpcWire({ clock }),
              keypair,
              log,
              receipts,
              slots: { parameters, kinds, ...heeding(others.join(served.under), declines) },
              says: declines.says,
              content: declines.content,
              onAdmission: door.admitBy,
              tell,
              callers,
              sessions,
              tracer: tracing.tracer,
              renewIdentities: (named) => keysFor(false, named),
            },
            {
              netuid,
              host,
              port,
              listed,
              identities,
              minStakeShare: config.minStakeShare,
              drainMs: DRAIN_MS,
              ...(announceIp === undefined ? {} : { announceIp }),
            },
            asked,
            (address, serving) => {
              onReady(address, serving);
              tellParent({ ready: address });
              declines.tellFacts({ info, head: () => chain.head(), others: others.facts });
            },
          );
        },
      },
      { netuid, hotkey },
    );
    const files = keepMinerFiles({ clock, log }, paths, { status: life.status, callers: callers.rows });
    if (metrics) addMinerSeries(metrics, life.status);
    signal.removeEventListener('abort', end);
    try {
      await life.run(signal);
    } finally {
      await files.close();
    }
  } finally {
    signal.removeEventListener('abort', end);
    end();
    deaf();
    unwatch();
    await Promise.all([
      receipts.close(),
      declines.close(),
      chain.close(),
      admin?.close(),
      tracing.close(),
      metrics?.close(),
      webhook.close(),
      others.close(),
      served.close(),
    ]);
  }
  return EXIT.ok;
}

/** What is declared and capped counts for the slots of all hosts. */
const heeding = <S extends Pick<FollowedSlots, 'under'>>(slots: S, { heed }: MinerDeclines): S => ({
  ...slots,
  under: (sets: readonly ParameterSet[]) => heed(slots.under(sets)),
});

/**
 * A class that is misspelt is better said here than found out from weights; one of a file that is still to come is not known yet.
 * @throws AssayError `invalid-config`
 */
async function assertServable(
  parts: { readonly parameters: ParametersParts; readonly kinds: KindsByName; readonly log: Log },
  about: {
    readonly subnet: Subnet;
    readonly netuid: number;
    readonly slots: readonly WantedSlot[];
    readonly isLive: boolean;
  },
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
  if (files.every((file) => file !== undefined))
    assertClasses(about.slots, { kinds, sets, isLive: about.isLive });
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
