// The metagraph of a full subnet, read as our client does and key by key with a plain ApiPromise, from a localnet in
// another process.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ApiPromise, WsProvider } from '@polkadot/api';
import { CHAIN_LIMITS } from '../../src/chain/limits.js';
import { type Connection, openConnection } from '../../src/chain/subtensor/connection.js';
import { createReader } from '../../src/chain/subtensor/reader.js';
import { readyKeys } from '../../src/keys/keypair.js';
import { systemClock } from '../../src/model/clock.js';
import { toNetuid } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import { NEURONS } from './crowd-node.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const NETUID = toNetuid(1);
const READS = 20;
const BASELINE_READS = 3;

export default async function reads(emit: Emit): Promise<void> {
  const child = fork(fileURLToPath(new URL('./crowd-node.ts', import.meta.url)), ['--serve'], {
    execArgv: ['--import', 'tsx'],
  });
  const [url] = (await once(child, 'message')) as [string];
  try {
    const ours = await measureOurs(url);
    const baseline = await measureKeyByKey(url);
    const row = (metric: string, value: number, unit: string, base?: number) =>
      emit({ bench: 'chain/reads', metric, value, unit, ...(base === undefined ? {} : { baseline: base }) });
    row(`metagraph of ${NEURONS}, median`, ours.medianMs, 'ms', baseline.medianMs);
    row(`metagraph of ${NEURONS}, first`, ours.firstMs, 'ms', baseline.firstMs);
    row('requests', ours.requests, 'requests', baseline.requests);
    row('turns', ours.turns, 'round trips', baseline.requests);
  } finally {
    child.disconnect();
    await once(child, 'exit');
  }
}

async function measureOurs(url: string) {
  await readyKeys();
  const connection = await openConnection({
    urls: [url],
    log: silentLog,
    clock: systemClock,
    limits: CHAIN_LIMITS,
  });
  const counted = counting(connection);
  const reader = createReader(counted.connection);
  const times = await timed(READS, async () => {
    counted.reset();
    const { neurons } = await reader.subnet(NETUID);
    if (neurons.length !== NEURONS || neurons[5]!.axon === undefined) throw new Error('not the whole subnet');
  });
  const { requests, turns } = counted;
  await connection.close();
  return { ...times, requests, turns };
}

/** A turn begins with a request while none is on its way: what a far node's latency is paid for. */
function counting(inner: Connection) {
  let inFlight = 0;
  const counts = { requests: 0, turns: 0 };
  const count = async <T>(asked: Promise<T>): Promise<T> => {
    if (inFlight++ === 0) counts.turns++;
    counts.requests++;
    return asked.finally(() => inFlight--);
  };
  const connection: Connection = Object.create(inner, {
    request: { value: (...args: Parameters<Connection['request']>) => count(inner.request(...args)) },
    // one state_getRuntimeVersion: the version itself is known
    apiAt: { value: (at: string) => count(inner.apiAt(at)) },
  });
  return {
    connection,
    get requests() {
      return counts.requests;
    },
    get turns() {
      return counts.turns;
    },
    reset: () => Object.assign(counts, { requests: 0, turns: 0 }),
  };
}

const SCALARS = [
  'networksAdded',
  'subnetworkN',
  'tempo',
  'lastEpochBlock',
  'subnetEpochIndex',
  'pendingEpochAt',
  'subnetOwner',
  'subnetOwnerHotkey',
  'weightsSetRateLimit',
  'weightsVersionKey',
  'minAllowedWeights',
  'commitRevealWeightsEnabled',
  'revealPeriodEpochs',
  'mechanismCountCurrent',
  'validatorPermit',
  'active',
  'lastUpdate',
  'incentive',
  'dividends',
  'emission',
] as const;

async function measureKeyByKey(url: string) {
  // as never: WsProvider's ttl getter may give undefined, which exactOptionalPropertyTypes does not admit
  const api = await ApiPromise.create({ provider: new WsProvider(url) as never, noInitWarn: true });
  let requests = 0;
  const times = await timed(BASELINE_READS, async () => {
    requests = 0;
    const at = await api.at((await api.rpc.chain.getHeader()).hash);
    const query = at.query.subtensorModule!;
    const ask = (name: string, ...args: unknown[]) => {
      requests++;
      return query[name]!(...args);
    };
    for (const name of SCALARS) await ask(name, NETUID);
    for (let uid = 0; uid < NEURONS; uid++) {
      const hotkey = await ask('keys', NETUID, uid);
      await ask('blockAtRegistration', NETUID, uid);
      await ask('owner', hotkey);
      for (const netuid of [NETUID, 0]) await ask('totalHotkeyAlpha', hotkey, netuid);
      for (const name of ['axons', 'neuronCertificates']) await ask(name, NETUID, hotkey);
      for (const name of ['childKeys', 'parentKeys']) await ask(name, hotkey, NETUID);
    }
  });
  await api.disconnect();
  return { ...times, requests };
}

async function timed(count: number, run: () => Promise<void>) {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  const sorted = times.toSorted((a, b) => a - b);
  return { firstMs: times[0]!, medianMs: sorted[Math.floor(count / 2)]! }; // count is at least 1
}
