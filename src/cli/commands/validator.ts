// Owns: `assay validator start | outcomes`. Does not own: what else is done with a ledger (validator-ledger.ts).
import type { z } from 'zod';
import type { ChainReader, ChainWriter } from '../../chain/chain.js';
import type { ChainLimits } from '../../chain/limits.js';
import { AssayError } from '../../model/errors.js';
import { toNetuid } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import { createSeededRandom, systemRandom } from '../../model/prng.js';
import { verdictToString } from '../../model/verdict.js';
import { publicationsOf } from '../../parameters/parameters.js';
import { DEFAULT_BREAKER } from '../../validator/breaker.js';
import type { FileDoor } from '../../validator/file-door.js';
import { createKeeping, type Keeping } from '../../validator/ledger/keeping.js';
import { type Ledger, openLedger } from '../../validator/ledger/ledger.js';
import type { ReceiptLines } from '../../validator/usage.js';
import { openWeightsBook, type WeightsBook } from '../../validator/weights/book.js';
import { classOf } from '../../verification/classes.js';
import {
  assertOwnKey,
  dataPaths,
  loadKey,
  startAdmin,
  startMetrics,
  startValidatorMetrics,
  systemParts,
  tellAll,
} from '../assemble.js';
import { decisionsIn } from '../breaker-file.js';
import { connectRole, watchChain } from '../chain-watchman.js';
import { lastOf, loadConfig, roleFlags, validatorSchema } from '../config.js';
import type { Beside } from '../dashboard/beside.js';
import { assertReached, takeDataFolder } from '../data-folder.js';
import { readInputText } from '../input-text.js';
import { withLedger } from '../ledgers.js';
import { networkOf } from '../networks.js';
import { EXIT, print, printJson } from '../output.js';
import type { OwnEnds } from '../own-ends.js';
import { openShelf } from '../parameter-files.js';
import { tellParent } from '../parent.js';
import { shelveGiven, warnUnpublished } from '../policy-files.js';
import { addQueueSeries } from '../queue-metrics.js';
import { assertNoPasswordIn, redisAddress } from '../redis-choice.js';
import { overRedis } from '../redis-queue.js';
import { reloadOnHangup } from '../reload.js';
import { openRoleLog } from '../role-log.js';
import { openServerKeys } from '../server-keys.js';
import { openKnown, threadsFor } from '../subnet-module.js';
import { Table } from '../table.js';
import { openTracing } from '../tracing.js';
import { RECEIPTS_BYTES } from '../usage-receipts.js';
import { openVerificationQueue, type VerificationQueue } from '../verification-queue.js';
import { createWebhook } from '../webhook.js';

/** A row that is in no block by then is looked for, and its bytes sent again to whichever node answers. */
const LOOK_AGAIN_MS = 45_000;

export async function startValidator(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const own = roleFlags(flags);
  assertNoPasswordIn(flags);
  const config = loadConfig(validatorSchema, own);
  const redis = config.redis === undefined ? undefined : await redisAddress(config.redis);
  const known = await openKnown(config.module);
  const { kinds, rules } = known;
  takeDataFolder(config.data, 'validator');
  const log = await openRoleLog(config, { netuid: config.netuid });
  const network = networkOf([config.chain]);
  const [
    { connectSubtensor },
    { createGrpcWire },
    { runValidator },
    { eventLoopDelay },
    pools,
    { openOwnEnds },
  ] = await Promise.all([
    import('../../chain/subtensor/connect.js'),
    import('../../protocol/grpc/wire.js'),
    import('../../validator/validator.js'),
    import('../../validator/own-delay.js'),
    import('../../validator/verifiers.js'),
    import('../own-ends.js'),
  ]);
  const keypair = await loadKey(config, log);
  const shelf = openShelf(dataPaths.parameters(config.data));
  const given = await shelveGiven(shelf, config, known);
  const tracing = await openTracing(config.traceModule);
  const admin = await startAdmin(config.adminPort, log);
  const webhook = createWebhook(config.webhook, { log });
  let live = config;
  const deaf = reloadOnHangup(
    {
      log,
      apply(next) {
        live = next;
        log.setLevel(next.logLevel);
        webhook.move(next.webhook);
      },
    },
    { role: 'validator', flags: own, config },
  );
  const { netuid } = config;
  const about = { role: 'validator', netuid, hotkey: keypair.address };
  const { clock } = systemParts;
  const connect = (limits: Partial<ChainLimits>) =>
    connectSubtensor({
      ...network,
      log,
      clock,
      signal,
      limits: { ...limits, inclusionTimeoutMs: LOOK_AGAIN_MS },
    });
  const chain = await connectRole(connect, { ...about, urls: network.urls, log, clock, tell: webhook.tell });
  const metrics = await startMetrics(chain, config.metricsPort, log);
  const series = await startValidatorMetrics(metrics, config.data);
  const tell = tellAll(webhook.tell, metrics?.alert);
  const unwatch = watchChain(chain, { log, tell, ...about });
  const threads = config.verifierThreads ?? pools.DEFAULT_VERIFIER_THREADS;
  const pool =
    threads > 0 ? pools.createVerifierPool({ clock, log, threads, ...threadsFor(known) }, signal) : undefined;
  let ledger: Ledger | undefined;
  let queue: VerificationQueue | undefined;
  let keeping: Keeping | undefined;
  let book: WeightsBook | undefined;
  let ends: OwnEnds | undefined;
  let pages: Beside | undefined;
  let ready = false;
  let withheld: string | undefined;
  try {
    const [info, { number: head }] = await Promise.all([chain.info(), chain.head()]);
    const { genesisHash } = info;
    assertOwnKey(config, info);
    ledger = await openLedger({
      ...systemParts,
      dir: dataPaths.ledger(config.data),
      log,
      genesisHash,
      netuid,
      keypair,
      openingBytesBudget: config.openingBudgetBytes,
      keepAccepted: config.keepAccepted,
    });
    const isLive = info.type === 'live';
    if (!isLive) assertReached(config.data, ledger.startedEvents({ fromEpoch: 0 }), head);
    keeping = createKeeping({ ledger, kinds, rules, log }, () => ({
      evidenceEpochs: live.keepEvidenceEpochs,
      evidenceBytes: live.evidenceBudgetBytes,
      outcomeEpochs: live.keepOutcomeEpochs,
    }));
    queue = await openVerificationQueue(
      { verifiers: pool ?? pools.verifyHere, ledger, log, known },
      {
        data: config.data,
        genesisHash,
        netuid,
        hotkey: keypair.address,
        keyFile: config.queueKey,
        wrap:
          redis && overRedis({ redis, clock, log, alert: (alert) => tell({ ...alert, ...about }) }, config),
      },
      signal,
    );
    if (metrics) addQueueSeries({ ...metrics, clock }, queue.queue);
    const files = await fileDoorOf(config, chain, keypair.address);
    const source = publicationsOf(chain);
    if (given.size > 0) {
      const { ownerHotkey } = await chain.subnet(toNetuid(netuid));
      warnUnpublished(log, given, await source.publication(toNetuid(netuid), ownerHotkey));
    }
    const { host, announceIp, anchorPort, anchors, anchorBytesPerS, echoPort } = config;
    ends = await openOwnEnds(
      { keypair, clock, log },
      { netuid, isLive, host, announceIp, anchorPort, anchors, anchorBytesPerS, echoPort },
      signal,
    );
    const { dashboard } = config;
    if (dashboard !== undefined) {
      const { startBeside } = await import('../dashboard/beside.js');
      pages = await startBeside(
        { ...systemParts, log },
        { ...config, ...network, dashboard, module: known.module },
        signal,
      );
    }
    const folder = dataPaths.weights(config.data);
    book = await openWeightsBook({ log }, { folder, genesisHash, hotkey: keypair.address, head });
    const { eventsPerEpoch, leadBlocks, eventBlocks, publishLeadBlocks, minLeadMs } = config;
    const holdBlocks = { first: config.holdFirst, last: config.holdLast };
    await runValidator(
      {
        ...systemParts,
        random: await randomFor(config.randomSeed, async () => (await chain.info()).type),
        reader: chain,
        writer: chain,
        wire: createGrpcWire({ clock: systemParts.clock }),
        keypair,
        kinds,
        rules,
        ledger: series?.observed(queue.ledger) ?? queue.ledger,
        book,
        parameters: { source, shelf, given },
        receipts: receiptsIn(() => live.receipts),
        files,
        alert: tell,
        ownDelay: eventLoopDelay,
        anchors: ends.anchors,
        reach: ends.reach,
        verifiers: queue.verifiers,
        decisions: decisionsIn(config.data),
        tracer: pages?.traced(tracing.tracer) ?? tracing.tracer,
        log,
      },
      {
        netuid: toNetuid(config.netuid),
        mechanism: config.mechanism,
        plan: { eventsPerEpoch, leadBlocks, eventBlocks, holdBlocks, publishLeadBlocks, minLeadMs },
        breaker: {
          ...DEFAULT_BREAKER,
          share: Math.round(config.breakerShare * 1e6),
          holdEpochs: config.breakerHoldEpochs,
          restEpochs: config.breakerRestEpochs,
        },
      },
      signal,
      (status) => {
        withheld = status.parameters?.whyNot ?? status.policy?.whyNot;
        if (!ready) tellParent({ ready: {} });
        ready = true;
        keeping?.at(status.epoch, status.lastScored?.policy);
        admin?.setServing(status.permit);
        series?.status(status);
        pages?.status(status);
        tellParent({ status });
      },
    );
  } finally {
    deaf();
    unwatch();
    await pages?.close();
    await keeping?.close();
    await queue?.close();
    await Promise.all([
      pool?.close(),
      ledger?.close(),
      book?.close(),
      ends?.close(),
      chain.close(),
      admin?.close(),
      tracing.close(),
      metrics?.close(),
      webhook.close(),
    ]);
  }
  if (withheld !== undefined) process.stderr.write(`no weights were set at the end: ${withheld}\n`);
  return EXIT.ok;
}

async function fileDoorOf(
  { filesPort: port, host, announceIp, data, netuid }: z.infer<typeof validatorSchema>,
  chain: ChainReader & Pick<ChainWriter, 'serveAxon'>,
  hotkey: string,
): Promise<FileDoor | undefined> {
  if (port === undefined) return undefined;
  const { neurons } = await chain.subnet(toNetuid(netuid));
  const announced = neurons.find((neuron) => neuron.hotkey === hotkey)?.axon?.serverKey;
  const identities = await openServerKeys(dataPaths.serverKeys(data), { rotate: false, announced });
  return { writer: chain, host, port, announceIp, identities };
}

/** As the file is when an epoch is paid. */
const receiptsIn =
  (file: () => string | undefined): ReceiptLines =>
  async () => {
    const path = file();
    if (path === undefined) return [];
    return (await readInputText(path, { maxBytes: RECEIPTS_BYTES }))
      .split('\n')
      .filter((line) => line.trim() !== '');
  };

/** Randomness that others can repeat is for development chains only: on a live one it would be an open door. */
async function randomFor(
  seed: string | undefined,
  chainType: () => Promise<string>,
): Promise<typeof systemRandom> {
  if (seed === undefined) return systemRandom;
  if ((await chainType()) !== 'live') return createSeededRandom(seed);
  const problem = 'randomSeed: a live chain needs real randomness';
  throw new AssayError('invalid-config', problem, { source: 'randomSeed', problems: [problem] });
}

export async function listOutcomes(flags: {
  data?: string;
  miner?: string;
  last?: number;
  json?: boolean;
}): Promise<number> {
  const last = lastOf(flags);
  return withLedger(flags.data!, async (ledger) => {
    const rows: Outcome[] = [];
    // the last ones alone are held: a ledger of months would not fit
    await ledger.fold({
      outcome(outcome) {
        if (flags.miner && outcome.miner !== flags.miner) return;
        rows.push(outcome);
        if (rows.length >= 2 * last) rows.splice(0, rows.length - last);
      },
    });
    rows.splice(0, rows.length - last);
    if (flags.json) for (const row of rows) printJson(row);
    else print(outcomeTable(rows));
    return EXIT.ok;
  });
}

function outcomeTable(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: ['outcome', 'epoch', 'block', 'miner', 'slot', 'verdict', 'measured ms', 'share', 'proven as'],
  });
  for (const { id, epoch, eventBlock, miner, slot, verdict, measuredMs, share, credit } of outcomes)
    table.push([
      id.slice(0, 12),
      epoch,
      eventBlock,
      miner,
      slot,
      verdictToString(verdict),
      measuredMs === undefined ? '-' : measuredMs.toFixed(0),
      share.toFixed(3),
      classOf(credit)?.class ?? '-',
    ]);
  return table.toString();
}
