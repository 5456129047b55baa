// Owns: the walk of the soak: a crowd of miners, one validator, what it costs over time. Does not own: who is in the crowd (plan.ts), what must
// hold (judge.ts).
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { dataPaths } from '../../src/cli/assemble.js';
import { createProcesses } from '../../src/cli/demo/processes.js';
import { replayedElsewhere } from '../../src/cli/demo/replayed.js';
import { keypairFromUri } from '../../src/keys/index.js';
import { systemClock } from '../../src/model/clock.js';
import { toHotkey } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import type { Outcome } from '../../src/model/outcome.js';
import { ownersFiles } from '../../src/testing/demo-policy.js';
import type { EventEntry, ScoredEntry } from '../../src/validator/ledger/entries.js';
import { openLedgerReader } from '../../src/validator/ledger/ledger.js';
import { unitsMalloc } from '../malloc.js';
import { defineSoak, type Findings, type SoakInput } from '../soak.js';
import { usageOf } from '../usage.js';
import { VALIDATOR, writeGenesis } from './genesis.js';
import { LEFT_OUT } from './hostile.js';
import { type EventSeen, judgeCrowd, type Sample } from './judge.js';
import { crowdParams } from './params.js';
import { type CrowdPlan, crowdOf, crowdTiming, networkOf } from './plan.js';
import { type MinersAtWork, startMiners } from './start.js';

type Settings = 'miners' | 'processes' | 'blockTimeMs' | 'windowMs' | 'leadMs' | 'eventMs';

export const soak = defineSoak<Settings>({
  title: 'A crowd',
  about: [
    'One validator, held to two cores, and a crowd of miners on loopback with an address each: real gRPC, real proofs of',
    'compute (n = 64, 8 labels), one in twenty hostile, in every way that the kind of proof and its sessions know.',
    'Throughput must hold from the first third of the events to the last, memory must not grow, no hostile miner is paid, and no honest one loses its place to the crowd.',
  ].join(' '),
  minutes: 12,
  settings: {
    miners: { is: 1000, what: 'how many there are' },
    processes: { is: 4, what: 'processes that they run in' },
    blockTimeMs: { is: 1000, what: 'milliseconds from block to block' },
    windowMs: { is: 10_000, what: 'milliseconds in which a proof must arrive' },
    leadMs: { is: 20_000, what: 'milliseconds from the announcement of an event to its block' },
    eventMs: {
      is: 60_000,
      what: 'milliseconds kept for an event after its block: more than its last opening takes',
    },
  },
  run,
});

const HEAP = { chain: 2048, validator: 1024 } as const;
/** What Node takes by itself: an operator's validator has no flags. */
const NODES_OWN_SEMI_SPACE_MIB = 16;
const SAMPLE_MS = 2000;
const CORES = 2;

async function run(input: SoakInput<Settings>, signal: AbortSignal): Promise<Findings> {
  const { seed, program, dir, say, settings } = input;
  const clock = systemClock;
  const plan: CrowdPlan = { seed, network: networkOf(process.pid), ...settings };
  const crowd = crowdOf(plan);
  const { tempo, policy } = crowdTiming(plan);
  const files = ownersFiles(policy, [crowdParams(plan)]);
  const saved = join(dir, 'genesis.saved');
  const { netuid } = await writeGenesis(saved, { crowd, blockTimeMs: settings.blockTimeMs, tempo, files });
  say(`${crowd.length} miners are registered; an epoch is ${tempo} blocks of ${settings.blockTimeMs} ms`);

  const events: EventSeen[] = [];
  const samples: Sample[] = [];
  const deaths: string[] = [];
  const processes = createProcesses(
    { clock, dir, program, maxRestarts: 0 },
    {
      message(name, message) {
        const { lastEvent } = (message.status ?? {}) as { lastEvent?: Omit<EventSeen, 'at'> };
        if (!lastEvent || events.at(-1)?.block === lastEvent.block) return;
        events.push({ ...lastEvent, at: clock.now() });
        const { block, accepted, rejected, inconclusive, ownDelayMs } = lastEvent;
        say(
          `${name}: event at block ${block}: ${accepted} accepted, ${rejected} rejected, ${inconclusive} inconclusive; own delay ${ownDelayMs} ms`,
        );
      },
      died: (name, how) => void deaths.push(`${name} ${how}`),
    },
  );
  let miners: MinersAtWork | undefined;
  const heads = new Map<number, number>();
  const stop = new AbortController();
  const inner = AbortSignal.any([signal, stop.signal]);
  try {
    const { ready } = await processes.start({
      name: 'localnet',
      args: () => [
        ...['localnet', 'restore', saved, '--port', '0', '--block-time-ms', String(settings.blockTimeMs)],
        ...['--log-level', 'warn'],
      ],
      heapMiB: HEAP.chain,
    });
    const url = String(ready.url);
    miners = startMiners(
      { plan, url, netuid, parts: settings.processes },
      (how) => void deaths.push(how),
      inner,
    );
    await miners.ready;
    say(`${settings.processes} processes of miners serve`);
    const data = join(dir, 'validator');
    const { process: validator } = await processes.start({
      name: 'validator',
      args: () => [
        ...[
          'validator',
          'start',
          '--chain',
          url,
          '--netuid',
          String(netuid),
          '--hotkey',
          VALIDATOR.hotkeyUri,
        ],
        ...['--data', data, '--admin-port', '-1', '--verifier-threads', String(CORES - 1)],
      ],
      heapMiB: HEAP.validator,
      semiSpaceMiB: NODES_OWN_SEMI_SPACE_MIB,
      env: unitsMalloc('validator'),
    });
    const held = await holdToCores(validator.pid);
    const watching = watch();
    await clock.sleep(input.minutes * 60_000, signal);
    signal.throwIfAborted();
    stop.abort();
    await watching;
    await processes.stopAll();
    await miners.end();
    say('all have ended; the ledger is read');
    const seen = await readLedger(data);
    const replayed = await replayedElsewhere(data, signal, program);
    const { claims, figures } = judgeCrowd({
      crowd: crowd.map(({ name, hotkeyUri, hostile }) => ({
        name,
        hostile,
        hotkey: toHotkey(keypairFromUri(hotkeyUri).address),
      })),
      events: events.map((event) => ({ ...event, beganAt: heads.get(event.block) })),
      samples,
      deaths,
      replayed,
      ...seen,
    });
    return { claims, figures, notes: [held, WIDENED, LEFT_OUT] };

    async function watch(): Promise<void> {
      const { connectSubtensor } = await import('../../src/chain/subtensor/connect.js');
      const chain = await connectSubtensor({ url, log: silentLog, clock, signal: inner });
      const heading = chain.watchHeads(({ number }) => void heads.set(number, clock.now()), inner);
      while (!inner.aborted) {
        const sample = await usageOf(validator.pid, clock.now()).catch(() => undefined);
        if (sample) samples.push(sample);
        await clock.sleep(SAMPLE_MS, inner);
      }
      await heading;
      await chain.close();
    }
  } finally {
    stop.abort();
    await processes.stopAll();
    await miners?.end();
  }
}

const WIDENED =
  "No call of the chain's pallets allows a subnet more than 256 neurons: the soak's chain was widened in its storage, as a runtime with other defaults would be.";

/** @returns what is said about it */
async function holdToCores(pid: number): Promise<string> {
  const all = availableParallelism();
  if (all <= CORES)
    return `The machine has ${all} cores, for the validator, the chain and all miners together.`;
  const cores = `0-${CORES - 1}`;
  const error = await new Promise((resolve) => execFile('taskset', ['-acp', cores, String(pid)], resolve));
  if (error) return `The validator had all ${all} cores: there is no taskset here.`;
  return `The validator ran on ${CORES} of ${all} cores, which the others could use too.`;
}

async function readLedger(data: string) {
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
  return { outcomes, started, completed, scored };
}
