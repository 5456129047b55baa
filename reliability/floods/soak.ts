// Owns: the walk of the soak: one miner whose validator has an event every few seconds, and one flood after the other at its port. Does not
// own: floods (attacks.ts), what must hold (judge.ts).
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProcesses, ENVIRONMENT } from '../../src/cli/demo/processes.js';
import { keypairFromUri } from '../../src/keys/index.js';
import { toHex } from '../../src/model/bytes.js';
import { systemClock } from '../../src/model/clock.js';
import { ownersFiles } from '../../src/testing/demo-policy.js';
import { VALIDATOR, writeGenesis } from '../crowd/genesis.js';
import { crowdParams } from '../crowd/params.js';
import { type CrowdPlan, crowdOf, crowdTiming, networkOf, PORT } from '../crowd/plan.js';
import { type MinersAtWork, startMiners } from '../crowd/start.js';
import { unitsMalloc } from '../malloc.js';
import { defineSoak, type Findings, type SoakInput } from '../soak.js';
import { usageOf } from '../usage.js';
import type { AttackerInput, AttackerSays } from './attacker.js';
import { ATTACKS } from './attacks.js';
import { type FloodSeen, judgeFloods } from './judge.js';

type Settings = 'blockTimeMs' | 'windowMs' | 'leadMs' | 'eventMs' | 'events' | 'addresses' | 'floods';

export const soak = defineSoak<Settings>({
  title: 'Floods',
  about: [
    'One miner that serves as it ships, in a process of its own, and a validator that plays an event with it every few seconds (real gRPC, a real',
    'proof). Meanwhile a process from several addresses does one thing after the other to its port that no honest caller does. Every event must',
    'be accepted, nothing may die or grow; what each flood costs its attacker and the miner is measured.',
  ].join(' '),
  minutes: 15,
  settings: {
    blockTimeMs: { is: 500, what: 'milliseconds from block to block' },
    windowMs: { is: 4000, what: 'milliseconds in which a proof must arrive' },
    leadMs: { is: 2000, what: 'milliseconds from the announcement of an event to its block' },
    eventMs: { is: 6000, what: 'milliseconds kept for an event after its block' },
    events: { is: 3, what: 'events under each flood' },
    addresses: { is: 8, what: 'addresses that each flood comes from' },
    floods: { is: ATTACKS.length, what: 'how many of the floods' },
  },
  run,
});

const ATTACKER = fileURLToPath(new URL('attacker.ts', import.meta.url));
const LOOK_MS = 200;
/** An event that does not come by then never does: longer than the pause between two epochs. */
const EVENT_MS = 90_000;

async function run(input: SoakInput<Settings>, signal: AbortSignal): Promise<Findings> {
  const { seed, program, dir, say, settings } = input;
  const clock = systemClock;
  const network = networkOf(process.pid);
  const plan: CrowdPlan = { seed, miners: 1, network, ...settings };
  const crowd = crowdOf(plan);
  const [miner] = crowd;
  const { tempo, policy } = crowdTiming(plan);
  const files = ownersFiles(policy, [crowdParams(plan)]);
  const saved = join(dir, 'genesis.saved');
  const { netuid } = await writeGenesis(saved, { crowd, blockTimeMs: settings.blockTimeMs, tempo, files });
  const deaths: string[] = [];
  const events: { readonly accepted: boolean }[] = [];
  let lastBlock: number | undefined;
  const processes = createProcesses(
    { clock, dir, program, maxRestarts: 0 },
    {
      message(_name, message) {
        const { lastEvent } = (message.status ?? {}) as {
          lastEvent?: { block: number; accepted: number; rejected: number; inconclusive: number };
        };
        if (!lastEvent || lastEvent.block === lastBlock) return; // it stays in what is said at each block
        const { block, accepted, rejected, inconclusive } = lastEvent;
        lastBlock = block;
        events.push({ accepted: accepted === 1 && rejected + inconclusive === 0 });
        if (accepted !== 1) say(`event at block ${block}: ${JSON.stringify(lastEvent)}`);
      },
      died: (name, how) => void deaths.push(`${name} ${how}`),
    },
  );
  const stop = new AbortController();
  const inner = AbortSignal.any([signal, stop.signal]);
  let miners: MinersAtWork | undefined;
  try {
    const { ready } = await processes.start({
      name: 'localnet',
      args: () => [
        ...['localnet', 'restore', saved, '--port', '0', '--block-time-ms', String(settings.blockTimeMs)],
        ...['--log-level', 'warn'],
      ],
      heapMiB: 512,
    });
    const url = String(ready.url);
    miners = startMiners({ plan, url, netuid, parts: 1 }, (how) => void deaths.push(how), inner);
    await miners.ready;
    const [pid] = miners.pids;
    await processes.start({
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
        ...['--data', join(dir, 'validator'), '--admin-port', '-1', '--verifier-threads', '1'],
      ],
      heapMiB: 512,
      env: unitsMalloc('validator'),
    });
    const until = async (more: number) => {
      const from = events.length;
      const late = clock.monotonic() + EVENT_MS * more;
      while (events.length < from + more && clock.monotonic() < late && deaths.length === 0)
        await clock.sleep(LOOK_MS, inner).then(() => signal.throwIfAborted());
    };
    /** @returns the most that the miner held meanwhile: what it holds at one moment hangs on when it last collected */
    const mostUntil = async (more: number): Promise<number> => {
      let most = 0;
      let over = false;
      const watching = until(more).finally(() => {
        over = true;
      });
      watching.catch(() => {}); // awaited below, unless the miner is gone
      while (!over) {
        most = Math.max(most, (await usageOf(pid!, clock.now())).rssMiB);
        await clock.sleep(LOOK_MS, inner);
      }
      await watching;
      return most;
    };
    await until(1); // the first is found on the way
    events.length = 0;
    const quietFrom = await usageOf(pid!, clock.now());
    const quietMiB = await mostUntil(settings.events);
    const quiet = await usageOf(pid!, clock.now());
    const heldMiB = await miners.heldMiB();
    const before = { rssMiB: quietMiB, heldMiB, events: events.length, accepted: acceptedOf(events) };
    const idleShare = (quiet.cpuS - quietFrom.cpuS) / (quiet.at - quietFrom.at);
    say(
      `before: ${before.accepted} of ${before.events} accepted, ${quietMiB.toFixed(0)} MiB, ${(idleShare * 1e5).toFixed(1)} % of a core`,
    );

    const floods: FloodSeen[] = [];
    const target: AttackerInput['target'] = {
      host: miner!.host,
      port: PORT,
      netuid,
      miner: toHex(keypairFromUri(miner!.hotkeyUri).publicKey),
      validator: toHex(keypairFromUri(VALIDATOR.hotkeyUri).publicKey),
      addresses: Array.from({ length: settings.addresses }, (_, k) => `127.${network + 1}.0.${k + 1}`),
    };
    const deadline = clock.monotonic() + input.minutes * 60_000;
    const notReached: string[] = [];
    for (const [attack, { name, unit }] of ATTACKS.slice(0, settings.floods).entries()) {
      if (clock.monotonic() > deadline) {
        say(`not reached: ${name}`);
        notReached.push(name);
        continue;
      }
      const from = await usageOf(pid!, clock.now());
      const attacker = await startAttacker({ attack, target }, inner);
      const mark = events.length;
      try {
        // the one that was under way when it began counts, too
        const rssMiB = await mostUntil(settings.events);
        const { done, cpuMs, failed } = await endAttacker(attacker);
        if (failed !== undefined) say(`${name}: ${failed}`);
        const to = await usageOf(pid!, clock.now());
        const under = events.slice(mark);
        const heldMiB = await miners.heldMiB();
        const ms = to.at - from.at;
        floods.push({
          name,
          unit,
          done,
          seconds: ms / 1000,
          attackerCpuMs: cpuMs,
          minerCpuMs: (to.cpuS - from.cpuS - idleShare * ms) * 1000,
          rssMiB,
          heldMiB,
          events: under.length,
          accepted: acceptedOf(under),
        });
        say(
          `${name}: ${done} times, ${acceptedOf(under)} of ${under.length} accepted, ${rssMiB.toFixed(0)} MiB, of which it holds ${heldMiB.toFixed(0)}`,
        );
      } finally {
        attacker.kill('SIGKILL');
      }
      if (deaths.length > 0) break;
    }
    stop.abort();
    return judgeFloods(floods, before, deaths, notReached);
  } finally {
    stop.abort();
    await processes.stopAll();
    await miners?.end();
  }
}

const acceptedOf = (events: readonly { readonly accepted: boolean }[]): number =>
  events.filter(({ accepted }) => accepted).length;

async function startAttacker(input: AttackerInput, signal: AbortSignal): Promise<ChildProcess> {
  const child = fork(ATTACKER, [JSON.stringify(input)], {
    env: ENVIRONMENT,
    execArgv: ['--import', import.meta.resolve('tsx')],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  await once(child, 'message', { signal: AbortSignal.any([signal, AbortSignal.timeout(60_000)]) });
  return child;
}

async function endAttacker(child: ChildProcess): Promise<AttackerSays> {
  const said = once(child, 'message', { signal: AbortSignal.timeout(60_000) });
  child.send('end');
  const [says] = (await said) as [AttackerSays];
  return says;
}
