// A validator's share of two cores: what a full round's evidence costs, through the queue of one process onto two threads; and what
// a process holds that has nothing to do.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectSubtensor } from '../../src/chain/subtensor/connect.js';
import { openCpu } from '../../src/compute/probe.js';
import { keypairFromUri } from '../../src/keys/index.js';
import { devKeypair, readyKeys } from '../../src/keys/keypair.js';
import { systemClock } from '../../src/model/clock.js';
import { toHotkey, toNetuid } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import { createSeededRandom } from '../../src/model/prng.js';
import type { PlayedProof } from '../../src/testing/transcripts.js';
import { openJobBook } from '../../src/validator/queue/job-book.js';
import { createJournalQueue } from '../../src/validator/queue/journal-queue.js';
import { createQueueVerifiers } from '../../src/validator/queue/queue-verifiers.js';
import { createVerifierPool } from '../../src/validator/verifiers.js';
import { paramsByClass } from '../../src/verification/kinds/compute/params.js';
import { type AnyProofKind, computeProof, kinds, memoryProof } from '../../src/verification/kinds/index.js';
import { MEMORY_PARAMS } from '../../src/verification/kinds/memory/params.js';
import { startLocalnet } from '../../tests/integration/chain/localnet-node.js';
import { QUEUE_KEY, STAMP } from '../../tests/support/jobs.js';
import { computeEvidence, memoryEvidence, sparse } from '../verification/class-evidence.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const MINERS = 256;
const THREADS = 2;
const random = createSeededRandom('round');

export default async function bench(emit: Emit): Promise<void> {
  const row = (metric: string, value: number, unit: string): void =>
    emit({ bench: 'validator/round', metric, value, unit });
  await readyKeys();
  row(
    'validator on a localnet, no miner, no model, 20 s after its start: resident (goal 200)',
    await idleMiB(),
    'MiB',
  );
  const compute = sparse(await openCpu({ log: silentLog }));
  const card = paramsByClass('gpu-4096')!;
  const memory = MEMORY_PARAMS.find(({ n, localnetOnly }) => n === 8192 && !localnetOnly)!;
  const slots = [
    {
      kind: computeProof as AnyProofKind,
      name: card.class,
      played: await computeEvidence(compute, card, random),
    },
    {
      kind: memoryProof as AnyProofKind,
      name: memory.class,
      played: await memoryEvidence(compute, memory, random),
    },
  ];
  let whole = 0;
  for (const { kind, name, played } of slots) {
    const { cpuS, wallS } = await round(kind, played);
    row(`${MINERS} slots of ${kind.kind} ${name}: CPU of the process`, cpuS, 's');
    row(`${MINERS} slots of ${kind.kind} ${name}: wall, two threads`, wallS, 's');
    whole += cpuS;
  }
  row(`a round of ${MINERS} miners with both: CPU (goal 30)`, whole, 's');
}

/** The same evidence of as many sessions: what is verified is all of it each time. */
async function round(
  kind: AnyProofKind,
  { challenge, evidence }: PlayedProof<unknown>,
): Promise<{ readonly cpuS: number; readonly wallS: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'assay-bench-round-'));
  const stop = new AbortController();
  const clock = systemClock;
  const log = silentLog;
  const pool = createVerifierPool({ clock, log, threads: THREADS }, stop.signal);
  const book = await openJobBook({ key: QUEUE_KEY, stamp: STAMP, clock, log }, dir);
  const queue = createJournalQueue({ book, log });
  const self = toHotkey(devKeypair('validator').address);
  const verifiers = createQueueVerifiers({ queue, verifiers: pool, kinds, random, self }, stop.signal);
  const event = verifiers.forEvent({ id: random.bytes(32), basis: challenge.basis, random });
  const paramsId = [...kind.table].find(([, params]) => params === challenge.params)?.[0];
  if (paramsId === undefined) throw new Error(`${kind.kind}: not a set of its table`);
  const verify = async (opening: Uint8Array): Promise<void> => {
    const { verdict } = await event.verify({ kind, paramsId, challenge, evidence: { ...evidence, opening } });
    if (verdict.kind !== 'accepted') throw new Error(JSON.stringify(verdict));
  };
  try {
    for (let warm = 0; warm < 2 * THREADS; warm++) await verify(evidence.opening.slice());
    const openings = Array.from({ length: MINERS }, () => evidence.opening.slice());
    const cpu = process.cpuUsage();
    const at = performance.now();
    await Promise.all(openings.map(verify));
    const wallS = (performance.now() - at) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return { cpuS: (user + system) / 1e6, wallS };
  } finally {
    event.close();
    await verifiers.close();
    await queue.close();
    stop.abort();
    await pool.close();
    await rm(dir, { recursive: true, force: true });
  }
}

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const SETTLED_MS = 20_000;
const NETUID = toNetuid(1);

/** As its operator starts it, on a subnet where nobody else is; from /proc, so on Linux alone. */
async function idleMiB(): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'assay-bench-idle-'));
  const node = await startLocalnet({ tempo: 60 });
  const chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
  const of = (name: string) => toHotkey(keypairFromUri(name).address);
  await node.land(chain.registerNetwork(node.root, of('//Owner')));
  await node.land(chain.startCall(node.root, NETUID));
  await node.land(chain.burnedRegister(node.root, NETUID, of('//Validator')));
  await chain.close();
  const beat = setInterval(() => node.localnet.produceBlock(), 1000);
  const subnet = ['--chain', node.url, '--netuid', '1', '--hotkey', '//Validator'];
  const own = ['--data', join(dir, 'validator'), '--metrics-port', '0', '--log-level', 'error'];
  const child = spawn(process.execPath, [MAIN, 'validator', 'start', ...subnet, ...own], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`the validator ended with ${code}`);
  });
  gone.catch(() => {}); // asked below, and expected at the end
  try {
    await Promise.race([whenReady(child), gone]);
    await Promise.race([systemClock.sleep(SETTLED_MS), gone]);
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
  } finally {
    child.kill('SIGTERM');
    await gone.catch(() => {});
    clearInterval(beat);
    await node.goDown();
    await rm(dir, { recursive: true, force: true });
  }
}

async function whenReady(child: ChildProcess): Promise<void> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [{ readonly ready?: unknown }];
    if (message.ready) return;
  }
}
