// Owns: `assay demo`: a whole subnet on this machine, with real parts. Does not own: what any part does.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { ChainReader, Subnet } from '../../chain/chain.js';
import { setCommitment } from '../../chain/subtensor/operations/commitments.js';
import type { FoundDevice } from '../../compute/find-devices.js';
import { type Keypair, keypairFromUri, readyKeys } from '../../keys/index.js';
import { raceAbort } from '../../model/abort.js';
import { withTimeout } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import { type Hotkey, type Netuid, toHotkey } from '../../model/ids.js';
import { silentLog } from '../../model/log.js';
import { DEMO_POLICY, type OwnersFiles, ownersFiles } from '../../testing/demo-policy.js';
import type { ProverName } from '../../testing/demo-provers.js';
import { SPARE_EPOCHS, watchEpochs } from '../../testing/epochs.js';
import {
  buildReport,
  type Check,
  checkReport,
  checkRows,
  missedShare,
  TOO_BUSY,
} from '../../testing/report.js';
import { funds, type Registered, setUp } from '../../testing/setup.js';
import { type Behaviour, createWorld, DEMO_PLAN, type World, type WorldMiner } from '../../testing/world.js';
import { type LedgerReader, openLedgerReader } from '../../validator/ledger/ledger.js';
import type { ValidatorStatus } from '../../validator/status.js';
import { encodePublication, type Publication } from '../../verification/publication.js';
import { dataPaths, systemParts } from '../assemble.js';
import { demoFolder } from '../demo/folder.js';
import { watchPss } from '../demo/memory.js';
import { createProcesses, type Managed, type Processes } from '../demo/processes.js';
import { replayedElsewhere } from '../demo/replayed.js';
import { checkLines, closingLines, minerTable, validatorTable } from '../demo/table.js';
import { assertRedisServer, KILLED, openDemoWorkers } from '../demo/workers.js';
import type { ChainClient } from '../networks.js';
import { EXIT, print, printJson } from '../output.js';

interface Options {
  readonly seed: string;
  readonly json: boolean;
  readonly keep: boolean;
  readonly redis: boolean;
  readonly commitReveal: boolean;
  readonly kill: { readonly name: string; readonly epoch: number } | undefined;
  readonly dir: string | undefined;
  /** what the simulated devices compute on; undefined is each its own process */
  readonly backend: 'cuda' | 'webgpu' | undefined;
}

/** Whose verification is spread over workers, with `--redis`. */
const QUEUED = 'validator-a';
/** An epoch that takes this many times its blocks' time does not end any more. */
const STUCK = 4;
/** Heaps, MiB: what the roles were seen to need, twice. */
const HEAP = { chain: 256, validator: 192, miner: 160, device: 64 } as const;

export async function demo(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = parseOptions(flags);
  if (options.redis) assertRedisServer();
  const card = options.backend && (await firstOf(options.backend));
  const { clock } = systemParts;
  const began = clock.monotonic();
  const stamp = () => `${((clock.monotonic() - began) / 1000).toFixed(1).padStart(6)} s  `;
  const say = (line: string) =>
    options.json ? process.stderr.write(`${stamp()}${line}\n`) : print(`${stamp()}${line}`);
  await readyKeys();
  const dir = await demoFolder(options.dir, 'assay-demo-');
  const world = createWorld(options.seed);
  const stop = new AbortController();
  const workers = options.redis
    ? await openDemoWorkers({ processes: () => processes, say }, { dir })
    : undefined;
  const watch = createWatch(say, workers?.heard, (name, how) => {
    const log = join(dir, 'logs', `${name}.log`);
    stop.abort(new AssayError('unreachable', `${name} died (${how}); its log is ${log}`, { address: name }));
  });
  const processes = createProcesses({ clock, dir }, watch);
  const inner = AbortSignal.any([signal, stop.signal]);
  const pss = watchPss(clock, processes.pids, inner);
  let chain: ChainClient | undefined;
  let failed = true;

  try {
    say(
      `seed ${world.seed}: one chain, ${world.validators.length} validators, ${world.miners.length} miners; logs in ${join(dir, 'logs')}`,
    );
    const { connectSubtensor } = await import('../../chain/subtensor/connect.js');
    if (card) say(`simulated devices compute on ${card.name} (${card.id}), at the pace of their class`);
    const [node, devices] = await Promise.all([
      startChain(processes, world),
      startDevices(processes, world, card?.choice),
    ]);
    chain = await connectSubtensor({ url: node.url, log: silentLog, clock, signal: inner });
    const root = keypairFromUri('//Alice');
    const operator = chain;
    const publish = (ownerHotkey: Keypair, netuid: Netuid, publication: Publication) =>
      operator.submit(
        ownerHotkey,
        setCommitment(netuid, [{ kind: 'raw', bytes: encodePublication(publication) }]),
      );
    const registered = await raceAbort(inner, setUp({ chain, root, say, publish }, world, options));
    const roles = { processes, world, dir, url: node.url, netuid: registered.netuid };
    const published = ownersFiles();
    const paths = await writeFiles(dir, published);
    await raceAbort(inner, startMiners(roles, devices, paths));
    const validators = await raceAbort(inner, startValidators(roles, workers?.flags));
    if (workers) await raceAbort(inner, workers.start());
    say(
      `${world.miners.length} miners and ${world.validators.length} validators are up; behaviours by uid: ${dealt(world, registered)}`,
    );

    const judges = world.validators.map(({ name }) => ({ name, uid: registered.uids.get(name)! }));
    const onSubnet = killOnce(options, validators, say, workers?.arm);
    const limitMs = STUCK * (DEMO_PLAN.paidEpochs + SPARE_EPOCHS) * DEMO_PLAN.tempo * DEMO_PLAN.blockTimeMs;
    const watched = watchEpochs(
      { chain, say },
      {
        netuid: registered.netuid,
        judges,
        paidEpochs: DEMO_PLAN.paidEpochs,
        commitReveal: options.commitReveal,
        onSubnet,
      },
      inner,
    );
    const stuck = () =>
      new AssayError('timeout', `the epochs did not end within ${limitMs / 1000} s`, {
        what: 'epochs',
        afterMs: limitMs,
      });
    const epochs = await raceAbort(inner, withTimeout(clock, limitMs, watched, stuck));
    if (!options.keep) for (const validator of validators.values()) await validator.stop();
    if (!options.keep) say('rows are recomputed from each ledger, by a process of its own');
    const { report, checks } = await conclude(chain, world, registered, dir, {
      policy: published.policyDigest,
      signal: inner,
      epochs: epochs.paid,
      lastEpoch: epochs.lastEpoch,
      burnedRao: epochs.burnedRao,
      seconds: Math.round((clock.monotonic() - began) / 100) / 10,
      peakPssMiB: pss.peakMiB(),
      once: epochs.setTwice,
      refusedForwards: watch.refusedForwards(),
      stages: options.commitReveal ? watch.stages() : undefined,
      workers: workers && {
        killed: workers.wasKilled(),
        doubled: watch.doubled(),
        restarts: options.kill?.name === QUEUED ? 1 : 0,
      },
    });
    const missed = missedShare(report);
    if (options.json) printJson(report);
    else {
      print(minerTable(report));
      print(validatorTable(report));
      print(checkLines(checks));
      print(closingLines(report, missed, watch.refusedForwards()));
      print(
        `${report.epochs} paid epochs, ${report.blocks} blocks, ${report.seconds} s, peak memory ${report.peakPssMiB ?? '?'} MiB`,
      );
    }
    const code = exitCode(checks, missed);
    failed = code === EXIT.failed;
    if (options.json) for (const { what, ok, found } of checks) if (!ok) say(`NOT SO: ${what} (${found})`);
    if (code === EXIT.busy)
      say('this machine is too busy to time proofs: neither success nor a verdict about miners');
    if (options.keep) {
      say(`still running: chain at ${node.url}, journals in ${dir}; Ctrl-C ends it`);
      await new Promise<void>((resolve) => inner.addEventListener('abort', () => resolve()));
    }
    return code;
  } catch (error) {
    if (!signal.aborted) throw error;
    say('interrupted');
    return EXIT.interrupted;
  } finally {
    stop.abort();
    await chain?.close().catch(() => {}); // the node may be gone first
    await processes.stopAll();
    workers?.close();
    const keepFiles = options.dir !== undefined || (failed && !signal.aborted);
    if (keepFiles) {
      const whose = world.miners.map(({ name, behaviour }) => `${name} ${behaviour}`).join(', ');
      say(`journals and logs are in ${dir}; whose folder is whose: ${whose}`);
    } else await rm(dir, { recursive: true, force: true });
  }
}

function parseOptions(flags: Record<string, unknown>): Options {
  const { seed, json, keep, kill, dir, commitReveal, redis, backend = 'cpu' } = flags;
  if (typeof seed !== 'string' || !/^[\x20-\x7e]{1,64}$/.test(seed))
    throw usage('--seed', '1 to 64 printable characters', seed);
  const parsed = typeof kill === 'string' ? /^(validator-[ab])@(\d+)$/.exec(kill) : undefined;
  const epoch = Number(parsed?.[2]);
  if (kill !== undefined && !(parsed && epoch >= 1 && epoch <= DEMO_PLAN.paidEpochs))
    throw usage(
      '--kill',
      `validator-a or validator-b, @, and a paid epoch of 1..${DEMO_PLAN.paidEpochs}`,
      kill,
    );
  if (backend !== 'cpu' && backend !== 'cuda' && backend !== 'webgpu')
    throw usage('--backend', 'cpu, cuda or webgpu', backend);
  return {
    seed,
    backend: backend === 'cpu' ? undefined : backend,
    json: json === true,
    keep: keep === true,
    redis: redis === true,
    commitReveal: commitReveal === true,
    kill: parsed ? { name: parsed[1]!, epoch } : undefined,
    dir: typeof dir === 'string' ? dir : undefined,
  };
}

const usage = (what: string, expected: string, got: unknown) =>
  new AssayError('invalid-input', `${what}: expected ${expected}, got ${String(got)}`, {
    what,
    expected,
    got: String(got),
  });

/** What the roles say of themselves, and what becomes of their processes. */
function createWatch(
  say: (line: string) => void,
  heard: (name: string, message: Readonly<Record<string, unknown>>) => void = () => {},
  onGivenUp: (name: string, how: string) => void,
) {
  const events = new Map<string, number>();
  let refused = 0;
  let doubled = 0;
  const stages = { applied: new Set<string>(), failed: new Set<string>() };
  return {
    refusedForwards: () => refused,
    /** outcomes of the validator with workers that were to be recorded a second time */
    doubled: () => doubled,
    /** commits that were revealed, and epochs that were lost, by validator and epoch */
    stages: () => ({ applied: [...stages.applied], failed: [...stages.failed] }),
    message(name: string, message: Readonly<Record<string, unknown>>) {
      if (message.forwardRefused) refused++;
      heard(name, message);
      const status = message.status as ValidatorStatus | undefined;
      if (name === QUEUED) doubled = status?.doubledOutcomes ?? doubled;
      noteStage(name, status?.weightsStage);
      const event = status?.lastEvent;
      if (!event || events.get(name) === event.block) return;
      events.set(name, event.block);
      const { block, accepted, rejected, inconclusive, ownDelayMs } = event;
      const own = inconclusive > 0 ? `, ${inconclusive} inconclusive` : '';
      say(
        `${name}: event at block ${block}: ${accepted} accepted, ${rejected} rejected${own}; own delay ${ownDelayMs} ms`,
      );
    },
    died(name: string, how: string, restarting: boolean) {
      if (!restarting) onGivenUp(name, how);
      say(`${name} died (${how})${restarting ? ': restarted' : ': given up'}`);
    },
  };

  function noteStage(name: string, now: ValidatorStatus['weightsStage']): void {
    if (now?.stage !== 'applied' && now?.stage !== 'failed') return;
    const key = `${name} epoch ${now.epoch}`;
    if (stages[now.stage].has(key)) return;
    stages[now.stage].add(key);
    if (now.stage === 'applied') say(`${name}: weights of epoch ${now.epoch} are applied`);
    else say(`${name}: weights of epoch ${now.epoch} are LOST: ${now.reason}`);
  }
}

async function startChain(processes: Processes, world: World): Promise<{ url: string }> {
  const args = [
    'localnet',
    'start',
    '--port',
    '0',
    '--block-time-ms',
    String(DEMO_PLAN.blockTimeMs),
    '--log-level',
    'warn',
    '--fund',
    ...funds(world),
  ];
  const { ready } = await processes.start({
    name: 'chain',
    args: () => args,
    heapMiB: HEAP.chain,
    restart: false,
  });
  return { url: String(ready.url) };
}

/** The first device of that backend that can be used. @throws AssayError `unsupported` with what is wrong */
async function firstOf(backend: 'cuda' | 'webgpu'): Promise<FoundDevice> {
  const { findDevices } = await import('../../compute/find-devices.js');
  const { devices, absent } = await findDevices();
  const all = devices.filter(({ choice }) => choice.device === backend);
  const found = all.find(({ problem }) => problem === undefined);
  if (found) return found;
  const why = [
    ...all.map(({ id, problem }) => `${id}: ${problem}`),
    ...absent.filter((each) => each.backend === backend).map((each) => each.why),
  ].join('; ');
  throw new AssayError('unsupported', `--backend ${backend}: ${why}`, { what: backend, why });
}

type Devices = ReadonlyMap<Behaviour, readonly { port: number; slot: number }[]>;

/** Two for honest-large, one each for those that work alone, one for the two that share; none for the others. */
async function startDevices(
  processes: Processes,
  world: World,
  choice: FoundDevice['choice'] | undefined,
): Promise<Devices> {
  const device = async (name: string, slots: number, prover: ProverName = 'honest') => {
    const json = (port: unknown) =>
      JSON.stringify({
        prover,
        slots,
        turns: slots > 1,
        seed: `${world.seed}/${name}`,
        ...(choice ? { choice } : {}),
        port: port ?? 0, // a restarted device is looked for where the first one was
      });
    const { ready } = await processes.start({
      name,
      args: (_attempt, { port }) => ['simulated', 'device', json(port)],
      heapMiB: HEAP.device,
    });
    return Array.from({ length: slots }, (_, slot) => ({ port: Number(ready.port), slot }));
  };
  const [large1, large2, small, shared, fabricates, memory, invents] = await Promise.all([
    device('device-large-1', 1),
    device('device-large-2', 1),
    device('device-small', 1),
    device('device-shared', 2),
    device('device-fabricates', 1, 'fabricates-rows'),
    device('device-memory', 1, 'honest-memory'),
    device('device-invents', 1, 'invents-digests'),
  ]);
  return new Map([
    ['honest-large', [large1![0]!, large2![0]!]],
    ['honest-small', small!],
    ['fabricates-rows', fabricates!],
    ['honest-memory', memory!],
    ['invents-digests', invents!],
    ['shares-device-a', [shared![0]!]],
    ['shares-device-b', [shared![1]!]],
  ]);
}

interface Roles {
  readonly processes: Processes;
  readonly world: World;
  readonly dir: string;
  readonly url: string;
  readonly netuid: Netuid;
}

/** For the miner that hands them out: validators have them by their digests. */
async function writeFiles(dir: string, { files }: OwnersFiles): Promise<readonly string[]> {
  const folder = join(dir, 'owner');
  await mkdir(folder, { recursive: true });
  return Promise.all(
    [...files].map(async ([digest, bytes]) => {
      const path = join(folder, `${digest}.json`);
      await writeFile(path, bytes);
      return path;
    }),
  );
}

async function startMiners(
  { processes, world, dir, url, netuid }: Roles,
  devices: Devices,
  files: readonly string[],
): Promise<void> {
  const hotkeyOf = (behaviour: Behaviour) =>
    keypairFromUri(world.miners.find((miner) => miner.behaviour === behaviour)!.hotkeyUri).address;
  const start = async (miner: WorldMiner, extra: Readonly<Record<string, unknown>> = {}) => {
    const json = (leakPort: unknown) =>
      JSON.stringify({
        behaviour: miner.behaviour,
        chain: url,
        netuid,
        hotkeyUri: miner.hotkeyUri,
        host: miner.host,
        port: 0,
        leakPort: leakPort ?? 0, // leaks go where the first one listened
        worker: DEMO_PLAN.worker,
        devices: devices.get(miner.behaviour) ?? [],
        data: join(dir, miner.name),
        files: miner.behaviour === 'honest-large' ? files : [],
        seed: `${world.seed}/${miner.name}`,
        ...extra,
      });
    const { ready } = await processes.start({
      name: miner.name,
      args: (_attempt, { leakPort }) => ['simulated', 'miner', json(leakPort)],
      heapMiB: HEAP.miner,
    });
    return ready;
  };
  const of = (behaviour: Behaviour) => world.miners.find((miner) => miner.behaviour === behaviour)!;
  await assertBindable(world.miners.map(({ host }) => host));
  const others = world.miners.filter(
    ({ behaviour }) => behaviour !== 'relays' && behaviour !== 'honest-small',
  );
  // the one that relays listens for leaks before the one whose frames leak begins to send
  const leaking = async () => {
    const { leakPort } = await start(of('relays'), { neighbour: hotkeyOf('honest-small') });
    await start(of('honest-small'), { leakTo: leakPort });
  };
  await Promise.all([leaking(), ...others.map((miner) => start(miner))]);
}

/** Linux binds every address of 127.0.0.0/8; other systems only those that somebody gave to the loopback interface. */
async function assertBindable(hosts: readonly string[]): Promise<void> {
  const tried = await Promise.all(hosts.map(async (host) => ({ host, bound: await canBind(host) })));
  const missing = tried.filter(({ bound }) => !bound).map(({ host }) => host);
  if (missing.length === 0) return;
  const commands = missing.map((host) => `sudo ifconfig lo0 alias ${host}`).join('; ');
  throw new AssayError(
    'unreachable',
    `${missing.length} simulated hosts have no address here; add them first (macOS): ${commands}`,
    { address: missing.join(', ') },
  );
}

function canBind(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(0, host, () => server.close(() => resolve(true)));
  });
}

async function startValidators(
  { processes, world, dir, url, netuid }: Roles,
  queue: readonly string[] = [],
): Promise<ReadonlyMap<string, Managed>> {
  const started = await Promise.all(
    world.validators.map(async ({ name, hotkeyUri }) => {
      const args = (attempt: number) => [
        ...['validator', 'start', '--chain', url, '--netuid', String(netuid), '--hotkey', hotkeyUri],
        ...['--data', join(dir, name), '--admin-port', '-1'],
        // when events are the published policy says: those of the defaults fit no epoch of the demo
        ...['--echo-port', '0', '--anchor-port', '0'],
        ...['--keep-accepted', '0.5'], // enough to try `assay validator replay` on
        ...['--random-seed', `${world.seed}/${name}/${attempt}`],
        ...(name === QUEUED ? queue : []),
      ];
      const { process } = await processes.start({ name, args, heapMiB: HEAP.validator });
      return [name, process] as const;
    }),
  );
  return new Map(started);
}

const dealt = (world: World, { uids }: Registered): string =>
  world.miners.map(({ name, behaviour }) => `${uids.get(name)} ${behaviour}`).join(', ');

/** `--kill`: once, a third into the epoch that it names. */
function killOnce(
  { kill }: Options,
  validators: ReadonlyMap<string, Managed>,
  say: (line: string) => void,
  arm: () => void = () => {},
): (now: Subnet, paid: number, counting: boolean) => void {
  let killed = false;
  return (now, paid, counting) => {
    if (counting) arm();
    const into = now.block - now.lastEpochBlock;
    if (!kill || killed || !counting || paid !== kill.epoch - 1 || into < DEMO_PLAN.tempo / 3) return;
    killed = true;
    say(`block ${now.block}: SIGKILL to ${kill.name}`);
    validators.get(kill.name)!.kill('SIGKILL');
  };
}

async function conclude(
  chain: ChainReader,
  world: World,
  { netuid, stakes }: Registered,
  dir: string,
  run: {
    epochs: number;
    lastEpoch: number;
    burnedRao: bigint;
    seconds: number;
    peakPssMiB: number | null;
    once: readonly string[];
    refusedForwards: number;
    /** digest */
    policy: string;
    signal: AbortSignal;
    /** of commits; undefined where weights are set in the open */
    stages: { readonly applied: readonly string[]; readonly failed: readonly string[] } | undefined;
    /** undefined where verification was not spread */
    workers: { readonly killed: boolean; readonly doubled: number; readonly restarts: number } | undefined;
  },
) {
  const hotkey = (uri: string): Hotkey => toHotkey(keypairFromUri(uri).address);
  const ledgers = await Promise.all(
    world.validators.map(async (validator) => ({
      hotkey: hotkey(validator.hotkeyUri),
      stakeRao: stakes.get(validator.name)!,
      ledger: await openLedgerReader({ dir: dataPaths.ledger(join(dir, validator.name)), log: silentLog }),
    })),
  );
  const { number: blocks } = await chain.head();
  const report = await buildReport(chain, {
    netuid,
    behaviours: new Map(world.miners.map((miner) => [hotkey(miner.hotkeyUri), miner.behaviour])),
    validators: ledgers,
    policy: DEMO_POLICY,
    lastEpoch: run.lastEpoch,
    epochs: run.epochs,
    blocks,
    seconds: run.seconds,
    peakPssMiB: run.peakPssMiB,
    burnedRao: run.burnedRao,
  });
  const { neurons } = await chain.subnet(netuid);
  const uidOf = new Map(neurons.map((neuron) => [neuron.hotkey, neuron.uid]));
  const { policy, signal } = run;
  const rowChecks = world.validators.map(async ({ name }, i) => {
    const replayed = await replayedElsewhere(join(dir, name), signal);
    const { ledger } = ledgers[i]!;
    return checkRows({ name, replayed, ledger, uidOf, policy, paidEpochs: DEMO_PLAN.paidEpochs });
  });
  const rows = (await Promise.all(rowChecks)).flat();
  const outcomes = ledgers.flatMap(({ ledger }) => ledger.outcomes({ fromEpoch: 0 }));
  const checks: Check[] = [
    {
      what: `weights counted in ${DEMO_PLAN.paidEpochs} epochs`,
      ok: run.epochs >= DEMO_PLAN.paidEpochs,
      timing: false,
      found: `${run.epochs} epochs`,
    },
    {
      what: 'each validator set its weights once per epoch',
      ok: run.once.length === 0,
      found: run.once.length === 0 ? 'never twice' : `twice: ${run.once.join(', ')}`,
      timing: false,
    },
    {
      what: "relays' forwarded Go was refused at honest-small's envelope check",
      ok: run.refusedForwards > 0,
      found: `${run.refusedForwards} times`,
      timing: false,
    },
    ...(run.stages ? [revealCheck(world, run.stages)] : []),
    ...(run.workers
      ? [
          workersCheck(
            ledgers[world.validators.findIndex(({ name }) => name === QUEUED)]!.ledger,
            run.workers,
          ),
        ]
      : []),
    ...checkReport(report, outcomes),
    ...rows,
  ];
  await Promise.all(ledgers.map(({ ledger }) => ledger.close()));
  return { report, checks };
}

/** Its newest event may have been under way when it was asked to end; one more for each time that it was killed itself. */
function workersCheck(
  ledger: LedgerReader,
  {
    killed,
    doubled,
    restarts,
  }: { readonly killed: boolean; readonly doubled: number; readonly restarts: number },
): Check {
  const done = ledger.completedEvents({ fromEpoch: 0 }).length;
  const cut = ledger.startedEvents({ fromEpoch: 0 }).length - done;
  const ours = ledger
    .outcomes({ fromEpoch: 0 })
    .filter(({ verdict }) => verdict.kind === 'inconclusive' && verdict.cause === 'validator-fault').length;
  return {
    what: `no outcome lost or doubled though ${KILLED} was killed`,
    ok: killed && doubled === 0 && ours === 0 && cut <= 1 + restarts,
    found: killed
      ? `${done} events whole, ${cut} cut short at the end, ${ours} outcomes by our own fault, ${doubled} doubled`
      : `${KILLED} never had a job in hand`,
    timing: false,
  };
}

function revealCheck(
  { validators }: World,
  { applied, failed }: { applied: readonly string[]; failed: readonly string[] },
): Check {
  const counts = validators.map(({ name }) => applied.filter((each) => each.startsWith(`${name} `)).length);
  return {
    what: "the chain revealed each validator's sealed weights",
    ok: failed.length === 0 && counts.every((count) => count >= DEMO_PLAN.paidEpochs),
    found: failed.length === 0 ? `${counts.join(' and ')} commits applied` : `lost: ${failed.join(', ')}`,
    timing: false,
  };
}

/** What hangs on content or the chain fails on any machine; only what hangs on timing is excused by a busy one. */
function exitCode(checks: readonly Check[], missed: number): number {
  const broken = checks.filter(({ ok }) => !ok);
  if (broken.some(({ timing }) => !timing)) return EXIT.failed;
  if (missed > TOO_BUSY) return EXIT.busy;
  return broken.length === 0 ? EXIT.ok : EXIT.failed;
}
