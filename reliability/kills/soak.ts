// Owns: the walk of the soak: a subnet of real processes, kills from a seed, and the end at which ledgers, chain and receipts are read.
// Does not own: the processes (cast.ts), the kills (plan.ts), what must hold (judge.ts).
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { connectSubtensor } from '../../src/chain/subtensor/connect.js';
import { setCommitment } from '../../src/chain/subtensor/operations/commitments.js';
import { dataPaths } from '../../src/cli/assemble.js';
import { createProcesses, type Managed } from '../../src/cli/demo/processes.js';
import { replayedElsewhere } from '../../src/cli/demo/replayed.js';
import { type Keypair, keypairFromUri, readyKeys } from '../../src/keys/index.js';
import { type ReceiptRow, readReceipts } from '../../src/miner/receipts.js';
import { systemClock } from '../../src/model/clock.js';
import { type Netuid, toHotkey } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import type { Outcome } from '../../src/model/outcome.js';
import { ownersFiles } from '../../src/testing/demo-policy.js';
import { setUp } from '../../src/testing/setup.js';
import { createWorld, FACTS } from '../../src/testing/world.js';
import type { EventEntry, ScoredEntry } from '../../src/validator/ledger/entries.js';
import { openLedgerReader } from '../../src/validator/ledger/ledger.js';
import { encodePublication, type Publication } from '../../src/verification/publication.js';
import { defineSoak, type Findings, type SoakInput } from '../soak.js';
import { handlesOf } from '../usage.js';
import {
  type CastParts,
  CHAIN,
  startChain,
  startDevices,
  startMiners,
  startValidators,
  startWorker,
} from './cast.js';
import { createDowns } from './downs.js';
import { type JobsSeen, watchJobs } from './jobs.js';
import { type JudgeSeen, judge, type MinerSeen } from './judge.js';
import { ownWords } from './own-words.js';
import { CAST, type Kill, planKills, timingOf, type Victims } from './plan.js';
import { freePort, hasRedis, type KilledRedis, startRedis } from './redis.js';
import { watchWeights } from './watch.js';

type Settings = 'redis' | 'kills' | 'blockTimeMs' | 'miners' | 'quietEvents' | 'epochsAfter';

export const soak = defineSoak<Settings>({
  title: 'Killed at random',
  about: [
    'Real processes on one machine: a chain with a folder, five miners with their devices, and two validators, one of',
    'which has its sessions verified by two workers over Redis. At random',
    'times one of them, or Redis, which then keeps what it had or not, is ended by `SIGKILL` and started again. Afterwards what is on disk and on the chain must be as if',
    'nobody had died: no outcome lost or doubled, weights once an epoch, nobody paid less for our own death.',
  ].join(' '),
  minutes: 30,
  settings: {
    kills: { is: 200, what: 'how many processes are killed, at times and in an order of the seed' },
    blockTimeMs: { is: 100, what: 'milliseconds from block to block: more on a machine that is busy' },
    redis: { is: 1, what: '0: no Redis and no workers, both validators verify alone' },
    miners: { is: 5, what: 'how many of its five kinds of miner take part' },
    quietEvents: { is: 2, what: 'events of each validator before the first process may be killed' },
    epochsAfter: { is: 2, what: 'epochs after all are back, so that every loss has had its chance to show' },
  },
  run,
});

const REDIS = 'redis';
const WORKERS = ['worker-1', 'worker-2'];
/** the validator whose sessions are verified by workers */
const ON_REDIS = 'validator-b';
/** An event is judged in a second or two; there is a pause between any two. */
const DRAINED_MS = 20_000;

async function run(input: SoakInput<Settings>, signal: AbortSignal): Promise<Findings> {
  const { seed, program, dir, say, settings } = input;
  const clock = systemClock;
  await readyKeys();
  const behaviours = CAST.slice(0, settings.miners);
  const world = createWorld(seed, behaviours);
  const timing = timingOf(settings.blockTimeMs, behaviours);
  const files = ownersFiles(timing.policy);
  const downs = createDowns();
  const managed = new Map<string, Managed>();
  const ownDeaths: string[] = [];
  const expected = new Map<string, number>();
  const eventsSeen = new Map<string, number>();
  const processes = createProcesses(
    { clock, dir, program, maxRestarts: Number.POSITIVE_INFINITY },
    {
      message(name, message) {
        if ('ready' in message) downs.back(name, clock.now());
        const { lastEvent } = (message.status ?? {}) as { lastEvent?: { block: number } };
        if (lastEvent) eventsSeen.set(name, lastEvent.block);
      },
      died(name, how) {
        const ours = expected.get(name) ?? 0;
        if (how === 'ended by SIGKILL' && ours > 0) return void expected.set(name, ours - 1);
        ownDeaths.push(`${name} ${how}`);
        say(`${name} died by itself: ${how}`);
        downs.killed(name, 'worker', clock.now());
      },
    },
  );
  const cast: CastParts = {
    processes: {
      ...processes,
      async start(spec) {
        const started = await processes.start(spec);
        managed.set(spec.name, started.process);
        return started;
      },
    },
    world,
    dir,
  };
  const watching = new AbortController();
  const jobs = new Map<string, JobsSeen>();
  let redis: KilledRedis | undefined;
  let closeChain: (() => Promise<void>) | undefined;
  try {
    const [url, devices] = await Promise.all([startChain(cast, settings.blockTimeMs), startDevices(cast)]);
    const chain = await connectSubtensor({ url, log: silentLog, clock, signal });
    closeChain = () => chain.close();
    const publish = (owner: Keypair, netuid: Netuid, publication: Publication) =>
      chain.submit(owner, setCommitment(netuid, [{ kind: 'raw', bytes: encodePublication(publication) }]));
    const root = keypairFromUri('//Alice');
    const { tempo } = timing;
    const { netuid, uids } = await setUp({ chain, root, say: () => {}, publish }, world, { tempo, files });
    await startMiners(cast, { url, netuid }, devices, files);
    for (const { name } of world.validators)
      jobs.set(name, await watchJobs(dataPaths.queue(join(dir, name))));
    const onRedis = settings.redis > 0 && hasRedis();
    if (settings.redis > 0 && !onRedis) say('SKIPPED: workers and Redis: no redis-server on the PATH');
    if (onRedis) {
      redis = await startRedis(join(dir, REDIS), {
        ready: () => downs.back(REDIS, clock.now()),
        died: (how) => void ownDeaths.push(`${REDIS} ${how}`),
      });
      const flags = queueFlags(redis.port, await freePort(), join(dir, 'queue-key'));
      await startValidators(cast, { url, netuid }, { [ON_REDIS]: flags.scheduler });
      await Promise.all(WORKERS.map((name) => startWorker(cast, name, flags.worker)));
    } else await startValidators(cast, { url, netuid }, {});
    say(`${managed.size} processes; an epoch is ${tempo} blocks of ${settings.blockTimeMs} ms`);

    const { number: from } = await chain.finalizedHead();
    const judges = world.validators.map(({ name }) => ({ name, uid: uids.get(name)! }));
    const { watched, done } = watchWeights(
      { chain, now: clock.now },
      { netuid, from, judges },
      watching.signal,
    );
    done.catch((error: unknown) => say(`the chain cannot be watched: ${error}`));
    const until = async (is: () => boolean) => {
      while (!is()) {
        signal.throwIfAborted();
        await clock.sleep(200, signal);
      }
    };
    const epochMs = tempo * settings.blockTimeMs;
    const quiet = new Set<string>();
    const bothJudged = () => {
      for (const [name, block] of eventsSeen) quiet.add(`${name} ${block}`);
      return world.validators.every(
        ({ name }) => [...quiet].filter((each) => each.startsWith(`${name} `)).length >= settings.quietEvents,
      );
    };
    await until(bothJudged);

    const victims: Victims = {
      validator: world.validators.map(({ name }) => name),
      worker: onRedis ? WORKERS : [],
      miner: world.miners.map(({ name }) => name),
      redis: onRedis ? [REDIS] : [],
      localnet: [CHAIN],
    };
    const ms = Math.max(1000, input.minutes * 60_000 - (settings.epochsAfter + 1) * epochMs);
    const kills = planKills(seed, { kills: settings.kills, ms, victims });
    const began = clock.monotonic();
    for (const [k, kill] of kills.entries()) {
      await clock.sleep(Math.max(0, began + kill.atMs - clock.monotonic()), signal);
      signal.throwIfAborted();
      strike(kill, k);
    }
    const last = watched.head;
    await until(() => watched.epochs().some(({ first }) => first > last) && everybodyIsBack());
    const back = watched.head;
    await until(() => watched.epochs().filter(({ first }) => first > back).length >= settings.epochsAfter);
    watching.abort();
    await done;
    await closeChain();
    closeChain = undefined;
    const undrained = await drained([...jobs.values()], signal);
    const looked = await Promise.all(
      [...managed.values(), ...(redis ? [{ name: REDIS, pid: redis.pid }] : [])].map(
        async ({ name, pid }) => ({ name, open: await handlesOf(pid) }),
      ),
    );
    // where there is no /proc nobody looked, and none is counted
    const handles = looked.flatMap(({ name, open }) => (open === undefined ? [] : [{ name, open }]));
    const pids = [...processes.pids(), ...(redis ? [redis.pid] : [])];
    await processes.stopAll();
    await redis?.close();
    say('all have ended; ledgers, receipts and logs are read');
    const seen = {
      judges: await Promise.all(
        world.validators.map((validator) =>
          readJudge(validator, { dir, program, jobs: jobs.get(validator.name)! }, signal),
        ),
      ),
      miners: await Promise.all(world.miners.map((miner) => readMiner(miner, dir))),
      watched,
      downs,
      eventMs: { before: timing.leadMs + 1000, after: timing.eventMs },
      ownDeaths,
      left: pids.filter(isAlive),
      handles,
      undrained,
    };
    const { claims, figures } = judge(seen);
    return { claims, figures: [...killFigures(kills), ...figures], notes: [] };

    function strike({ victim, process: name, forgets }: Kill, k: number): void {
      if (victim === 'redis') {
        say(
          `${k + 1}/${kills.length}: SIGKILL to ${name}, which ${forgets ? 'forgets' : 'keeps'} what it had`,
        );
        downs.killed(name, victim, clock.now());
        redis?.kill(forgets);
        return;
      }
      const process = managed.get(name)!;
      say(
        `${k + 1}/${kills.length}: SIGKILL to ${name}, head ${watched.head}${process.pid < 0 ? ': it is away already' : ''}`,
      );
      if (process.pid < 0) return;
      expected.set(name, (expected.get(name) ?? 0) + 1);
      downs.killed(name, victim, clock.now());
      process.kill('SIGKILL');
    }
    function everybodyIsBack(): boolean {
      return downs.all.every(({ to }) => to !== undefined);
    }
  } finally {
    watching.abort();
    for (const each of jobs.values()) each.close();
    await closeChain?.().catch(() => {});
    await processes.stopAll();
    await redis?.close();
  }
}

function queueFlags(port: number, evidencePort: number, key: string) {
  const common = ['--redis', `redis://127.0.0.1:${port}`, '--queue-key', key];
  const evidence = `http://127.0.0.1:${evidencePort}`;
  return {
    // a worker that died is found out after ten seconds unless told otherwise: epochs take twenty here
    scheduler: [...common, '--evidence-port', `${evidencePort}`, '--worker-patience-ms', '2000'],
    worker: [...common, '--evidence', evidence, '--verifier-threads', '1', '--admin-port', '-1'],
  };
}

/** What is left of the queues when nobody has been killed for a while, and between two events nothing should be. */
async function drained(queues: readonly JobsSeen[], signal: AbortSignal): Promise<readonly string[]> {
  const until = systemClock.monotonic() + DRAINED_MS;
  for (;;) {
    const left = (await Promise.all(queues.map((queue) => queue.left()))).flat();
    if (left.length === 0 || systemClock.monotonic() > until) return left;
    signal.throwIfAborted();
    await systemClock.sleep(100, signal);
  }
}

async function readJudge(
  { name, hotkeyUri }: { readonly name: string; readonly hotkeyUri: string },
  {
    dir,
    program,
    jobs,
  }: { readonly dir: string; readonly program: readonly string[]; readonly jobs: JobsSeen },
  signal: AbortSignal,
): Promise<JudgeSeen> {
  const data = join(dir, name);
  const replayed = await replayedElsewhere(data, signal, program);
  const ledger = await openLedgerReader({ dir: dataPaths.ledger(data), log: silentLog });
  const outcomes: Outcome[] = [];
  const started: EventEntry[] = [];
  const completed: EventEntry[] = [];
  const scored: ScoredEntry[] = [];
  try {
    await ledger.fold({
      outcome: (each) => void outcomes.push(each),
      started: (each) => void started.push(each),
      completed: (each) => void completed.push(each),
      scored: (each) => void scored.push(each),
    });
  } finally {
    await ledger.close();
  }
  return {
    name,
    hotkey: toHotkey(keypairFromUri(hotkeyUri).address),
    outcomes,
    started,
    completed,
    scored,
    replayed,
    words: await ownWords(join(dir, 'logs', `${name}.log`)),
    leansOn: ({ victim }) => name === ON_REDIS && (victim === 'redis' || victim === 'worker'),
    jobs: [...jobs.ids],
    setAside: await jobs.setAside(),
  };
}

async function readMiner(
  { name, behaviour, hotkeyUri }: ReturnType<typeof createWorld>['miners'][number],
  dir: string,
): Promise<MinerSeen> {
  const receipts: ReceiptRow[] = [];
  const path = dataPaths.receipts(join(dir, name));
  if (existsSync(path)) for await (const row of readReceipts(path)) receipts.push(row);
  const { honest, earnsNothing } = FACTS[behaviour];
  return { name, hotkey: toHotkey(keypairFromUri(hotkeyUri).address), honest, earnsNothing, receipts };
}

function killFigures(kills: readonly Kill[]) {
  const of = (victim: Kill['victim']) => kills.filter((kill) => kill.victim === victim).length;
  const kinds = [...new Set(kills.map(({ victim }) => victim))].sort();
  return kinds.map((victim) => ({ what: `kills of ${victim}`, value: of(victim), unit: '' }));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
