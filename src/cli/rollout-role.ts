// Owns: what a miner and a validator of rollouts are made of beside their walk: chain, beacon, subnet, checkpoints, files; from
// configuration, and closed again. Does not own: the walks (commands/rollouts/mine.ts, validate.ts).
import { join } from 'node:path';
import type { z } from 'zod';
import type { ChainLimits } from '../chain/limits.js';
import { nodeDisk } from '../inference/checkpoint/disk.js';
import { createHttpSource, firstOf } from '../inference/checkpoint/http-source.js';
import { openStore, type Source } from '../inference/checkpoint/store.js';
import { policyDigest } from '../inference/spec/policy.js';
import { fromAddress } from '../keys/index.js';
import { toHex } from '../model/bytes.js';
import { toHotkey, toNetuid } from '../model/ids.js';
import { type Beacon, createChainBeacon, createQuicknetBeacon } from '../rollouts/beacon.js';
import { askDrand } from '../rollouts/drand-http.js';
import { openShelf, SHELF_BYTES, shelfBytesFor } from '../rollouts/shelf.js';
import { deadlineBlock, nextWindow, startBlock } from '../rollouts/windows.js';
import {
  assertOwnKey,
  dataPaths,
  loadKey,
  startAdmin,
  startMetrics,
  systemParts,
  tellAll,
} from './assemble.js';
import { connectRole, watchChain } from './chain-watchman.js';
import { lockStore } from './checkpoints.js';
import type { rolloutMinerSchema, rolloutValidatorSchema } from './config.js';
import { type ChainClient, networkOf } from './networks.js';
import { openRoleLog, type RoleLog } from './role-log.js';
import { createRolloutModels } from './rollout-models.js';
import { assertFitsChain, type RolloutSubnet, readSubnetFile, subnetDigest } from './rollout-subnet.js';
import { openServerKeys } from './server-keys.js';
import { createWebhook } from './webhook.js';

type MinerConfig = z.infer<typeof rolloutMinerSchema>;
export type RolloutConfig =
  | Omit<MinerConfig, 'batch' | 'marginBlocks'>
  | z.infer<typeof rolloutValidatorSchema>;

export type RolloutRole = Awaited<ReturnType<typeof openRolloutRole>>;

/** @throws AssayError for configuration, files or a chain that do not fit; nothing is left open then */
export async function openRolloutRole(
  config: RolloutConfig,
  role: 'miner' | 'validator',
  signal: AbortSignal,
  limits: Partial<ChainLimits> = {},
) {
  const { clock, random } = systemParts;
  const netuid = toNetuid(config.netuid);
  const log = await openRoleLog(config, { netuid });
  const network = networkOf([config.chain]);
  const open: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(open.splice(0).map(async (end) => end()));
  };
  try {
    const subnet = await readSubnetFile(config.subnet, config.calibration);
    const keypair = await loadKey(config, log);
    // two processes on one folder would sign two manifests of a window: a proof against their own key
    open.push(await lockStore(join(config.data, 'checkpoints')));
    const [{ connectSubtensor }, { createGrpcWire }] = await Promise.all([
      import('../chain/subtensor/connect.js'),
      import('../protocol/grpc/wire.js'),
    ]);
    const admin = await startAdmin(config.adminPort, log);
    open.push(() => admin?.close());
    const webhook = createWebhook(config.webhook, { log });
    open.push(() => webhook.close());
    const about = { role: `rollout ${role}`, netuid, hotkey: keypair.address };
    const connect = (own: Partial<ChainLimits>) =>
      connectSubtensor({ ...network, log, clock, signal, limits: { ...own, ...limits } });
    const watched = { ...about, log, clock, tell: webhook.tell };
    const chain = await connectRole(connect, { ...watched, urls: network.urls });
    open.push(() => chain.close());
    const metrics = await startMetrics(chain, config.metricsPort, log);
    open.push(() => metrics?.close());
    const tell = tellAll(webhook.tell, metrics?.alert);
    open.push(watchChain(chain, { log, tell, ...about }));
    const [info, now] = await Promise.all([chain.info(), chain.subnet(netuid)]);
    assertOwnKey(config, info);
    assertFitsChain(subnet, info);
    const beacon = await beaconOf(subnet, config.drand, chain);
    const engine = 'engine' in config ? config.engine : undefined;
    const models = createRolloutModels(
      { log },
      {
        subnet: { ...subnet, engine: engine ?? subnet.engine },
        threads: config.threads,
        folder: join(config.data, 'checkpoints'),
        from: firstOf(config.checkpoints.map(sourceOf)),
        trainer: fromAddress(subnet.trainer),
      },
    );
    open.push(() => models.close());
    const { vocabulary } = subnet.config;
    const maxBytes = Math.max(SHELF_BYTES, shelfBytesFor({ ...subnet, vocabulary }));
    const shelf = await openShelf(join(config.data, 'files'), { maxBytes });
    const announced = now.neurons.find(({ hotkey }) => hotkey === keypair.address)?.axon?.serverKey;
    const identities = await openServerKeys(dataPaths.serverKeys(config.data), { rotate: false, announced });
    sayPlan(await chain.head(), subnet, log);
    return {
      ...{ chain, info, beacon, clock, log, keypair, subnet, models, shelf, netuid, admin, metrics, tell },
      self: toHotkey(keypair.address),
      rules: {
        netuid,
        plan: subnet.plan,
        policyDigest: policyDigest(subnet.policy),
        trainer: subnet.trainer,
      },
      session: { wire: createGrpcWire({ clock }), keypair, clock, log, random },
      address: {
        host: config.host,
        port: config.port,
        identities,
        ...(config.announceIp === undefined ? {} : { announceIp: config.announceIp }),
      },
      /** what it says of windows is for programs */
      json: config.json,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const sourceOf = (place: string): Source =>
  /^https?:\/\//.test(place) ? createHttpSource(place) : openStore(nodeDisk, place);

const beaconOf = async (
  { beacon }: RolloutSubnet,
  drand: readonly string[],
  chain: ChainClient,
): Promise<Beacon> =>
  beacon === 'drand-quicknet' ? createQuicknetBeacon(askDrand(drand)) : createChainBeacon(beacon, chain);

/** Two operators whose digests differ are on two subnets, and find out from weights otherwise. */
function sayPlan({ number }: { readonly number: number }, subnet: RolloutSubnet, log: RolloutLog): void {
  const { plan, calibration, beacon } = subnet;
  const window = nextWindow(plan, number);
  log.info('subnet of rollouts', {
    digest: toHex(subnetDigest(subnet)),
    calibration: calibration ? toHex(calibration.digest) : 'none',
    ...{ beacon, head: number, nextWindow: window },
    ...{ from: startBlock(plan, window), upTo: deadlineBlock(plan, window) },
  });
}
type RolloutLog = RoleLog;
