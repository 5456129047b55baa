// Owns: `assay demo --rollouts`: windows of rollouts on a whole subnet on this machine, with real parts. Does not own: what any part
// does, the demo of proofs (demo.ts).
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setCommitment } from '../../chain/subtensor/operations/commitments.js';
import { nodeDisk } from '../../inference/checkpoint/disk.js';
import { publishCheckpoint } from '../../inference/checkpoint/publish.js';
import { openStore } from '../../inference/checkpoint/store.js';
import { memorySource } from '../../inference/safetensors.js';
import { keypairFromUri, readyKeys } from '../../keys/index.js';
import { raceAbort } from '../../model/abort.js';
import { toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { toHotkey } from '../../model/ids.js';
import { silentLog } from '../../model/log.js';
import { importOnnxruntime } from '../../model/onnxruntime.js';
import { deadlineBlock, nextWindow, startBlock } from '../../rollouts/windows.js';
import { WHAT_IT_DOES } from '../../testing/rollouts/miners.js';
import {
  createRolloutWorld,
  firstMaster,
  nextMaster,
  ROLLOUT_PLAN,
  rolloutSubnet,
  validatorHost,
} from '../../testing/rollouts/world.js';
import { funds, setUp } from '../../testing/setup.js';
import { DEMO_PLAN } from '../../testing/world.js';
import { systemParts } from '../assemble.js';
import { flagOf } from '../config-keys.js';
import { demoFolder } from '../demo/folder.js';
import { createProcesses } from '../demo/processes.js';
import { rolloutChecks } from '../demo/rollout-checks.js';
import { checkLines } from '../demo/table.js';
import { invalid } from '../invalid-input.js';
import { EXIT, print, printJson } from '../output.js';
import { type RolloutRow, rolloutTable } from '../rollout-rows.js';
import { SUBNET_FILE } from '../rollout-subnet.js';
import { replayFolder } from './rollouts/replay.js';

/** Heaps, MiB; models lie outside of them. */
const HEAP = { chain: 256, role: 384 } as const;
/** Blocks before D at which work ends: a busy machine of two cores takes some to get a commitment into one. */
const MARGIN_BLOCKS = 8;
const PUBLISH_LEAD_BLOCKS = DEMO_PLAN.events.publishLeadBlocks;
/** Windows that do not come by then do not come: so many times their blocks' time. */
const STUCK = 4;
/** Epochs after the last window in which weights are set and count. */
const LAST_EPOCHS = 2;

export interface RolloutDemoOptions {
  readonly seed: string;
  readonly json: boolean;
  readonly dir: string | undefined;
}

/** @throws AssayError `invalid-input` for a flag that this demo does not take */
export function rolloutsOptions(flags: Record<string, unknown>): RolloutDemoOptions {
  const { seed, json, dir } = flags;
  if (typeof seed !== 'string' || !/^[\x20-\x7e]{1,64}$/.test(seed))
    throw invalid('--seed', '1 to 64 printable characters', String(seed));
  for (const [flag, name] of [
    ['kill', '--kill'],
    ['keep', '--keep'],
    ['commitReveal', '--commit-reveal'],
  ] as const)
    if (flags[flag] !== undefined) throw invalid(name, 'none beside --rollouts', 'it');
  return { seed, json: json === true, dir: typeof dir === 'string' ? dir : undefined };
}

export async function demoRollouts(options: RolloutDemoOptions, signal: AbortSignal): Promise<number> {
  const { clock } = systemParts;
  const began = clock.monotonic();
  const stamp = () => `${((clock.monotonic() - began) / 1000).toFixed(1).padStart(6)} s  `;
  const say = (line: string) =>
    options.json ? process.stderr.write(`${stamp()}${line}\n`) : print(`${stamp()}${line}`);
  await readyKeys();
  const dir = await demoFolder(options.dir, 'assay-rollouts-');
  const { world, kinds } = createRolloutWorld(options.seed);
  const engine = await engineHere();
  const stop = new AbortController();
  const inner = AbortSignal.any([signal, stop.signal]);
  const rows = new Map<string, RolloutRow[]>();
  const weightsAt = new Map<string, number>();
  const lapsed = new Set<number>();
  let changed = () => {};
  const processes = createProcesses(
    { clock, dir },
    {
      message(name, message) {
        const judged = message.judged as { window: number; is: string; rows: RolloutRow[] } | undefined;
        const done = message.window as { window: number; is: string; rollouts?: number } | undefined;
        const { lastWeights: weights } = (message.status ?? {}) as { lastWeights?: { block: number } };
        if (done)
          say(
            `${name} (${kinds.get(name)}): window ${done.window} ${done.is}, ${done.rollouts ?? 0} rollouts`,
          );
        if (judged) say(`${name}: window ${judged.window} ${judged.is}`);
        if (judged?.is === 'lapsed') lapsed.add(judged.window);
        if (judged?.is === 'judged') rows.set(name, [...(rows.get(name) ?? []), ...judged.rows]);
        if (weights) weightsAt.set(name, weights.block);
        changed();
      },
      died(name, how, restarting) {
        say(`${name} died (${how})${restarting ? ': restarted' : ': given up'}`);
        const log = join(dir, 'logs', `${name}.log`);
        if (!restarting)
          stop.abort(
            new AssayError('unreachable', `${name} died (${how}); its log is ${log}`, { address: name }),
          );
      },
    },
  );
  let failed = true;
  try {
    say(
      `seed ${world.seed}: one chain, ${world.validators.length} validators, ${world.miners.length} miners, a model of random weights on ${engine}; logs in ${join(dir, 'logs')}`,
    );
    const { connectSubtensor } = await import('../../chain/subtensor/connect.js');
    const start = ['localnet', 'start', '--port', '0', '--block-time-ms', String(DEMO_PLAN.blockTimeMs)];
    const node = await processes.start({
      name: 'chain',
      args: () => [...start, '--log-level', 'warn', '--fund', ...funds(world)],
      heapMiB: HEAP.chain,
      restart: false,
    });
    const url = String(node.ready.url);
    const chain = await connectSubtensor({ url, log: silentLog, clock, signal: inner });
    const registered = await raceAbort(inner, setUp({ chain, root: keypairFromUri('//Alice'), say }, world));
    const { netuid, uids } = registered;

    const trainer = keypairFromUri(world.owner.hotkeyUri);
    const published = join(dir, 'trainer');
    const store = openStore(nodeDisk, published);
    let master = firstMaster(engine, world.seed);
    const publish = async (window: number) => {
      const input = { master: memorySource(master), modelId: 'demo', step: window + 1, window };
      const { checkpoint } = await publishCheckpoint({ store, keypair: trainer }, input, inner);
      return checkpoint;
    };
    const update = async (window: number) => {
      master = nextMaster(engine, master, `${world.seed}/${window}`);
      const { digest } = await publish(window);
      await chain.submit(trainer, setCommitment(netuid, [{ kind: 'sha2-256', hash: digest }]));
      say(
        `trainer: checkpoint ${toHex(digest).slice(0, 16)} for window ${window - 1}, a synthetic update of the one before`,
      );
    };
    await raceAbort(inner, publish(0));
    await raceAbort(inner, update(1));

    const { windows, leadBlocks, ...lengths } = ROLLOUT_PLAN;
    const plan = { ...lengths, firstBlock: (await chain.head()).number + leadBlocks };
    const subnetFile = join(dir, SUBNET_FILE);
    await writeFile(
      subnetFile,
      `${JSON.stringify({ ...rolloutSubnet(engine), trainer: trainer.address, plan })}\n`,
    );
    const common = (name: string, hotkey: string, host: string) => ({
      ...{ chain: url, netuid, hotkey, host, port: 0, data: join(dir, name), adminPort: -1 },
      ...{ subnet: subnetFile, checkpoints: [published] },
    });
    const mining = { batch: 32, marginBlocks: MARGIN_BLOCKS };
    const victim = world.miners.find(({ name }) => kinds.get(name) === 'honest')!;
    const role = (name: string, ...args: readonly string[]) =>
      processes.start({ name, args: () => args, heapMiB: HEAP.role });
    await raceAbort(
      inner,
      Promise.all([
        ...world.miners.map(({ name, hotkeyUri, host }) => {
          const kind = kinds.get(name)!;
          const config = { ...common(name, hotkeyUri, host), ...mining };
          if (kind === 'honest') return role(name, 'rollouts', 'mine', ...toFlags(config));
          const copied = kind === 'copies' ? { victim: keypairFromUri(victim.hotkeyUri).address } : {};
          return role(name, 'simulated', 'rollout-liar', JSON.stringify({ ...config, kind, ...copied }));
        }),
        ...world.validators.map(({ name, hotkeyUri }) => {
          const config = {
            ...common(name, hotkeyUri, validatorHost(name)),
            publishLeadBlocks: PUBLISH_LEAD_BLOCKS,
          };
          return role(name, 'rollouts', 'validate', ...toFlags(config));
        }),
      ]),
    );
    say(`up; miners: ${world.miners.map(({ name }) => `${name} ${kinds.get(name)}`).join(', ')}`);
    const first = nextWindow(plan, (await chain.head()).number + 1);
    if (first > 0) say(`this machine took longer than the first window waits: begun with window ${first}`);
    const shown = Array.from({ length: windows }, (_, i) => first + i);

    const blockMs = DEMO_PLAN.blockTimeMs;
    const isJudged = (window: number) =>
      world.validators.every(({ name }) => rows.get(name)?.some((row) => row.window === window));
    const limitMs = STUCK * (windows + 1) * plan.everyBlocks * blockMs;
    const until = async (what: string, holds: () => boolean) => {
      const last = clock.monotonic() + limitMs;
      while (!holds()) {
        if (clock.monotonic() > last)
          throw new AssayError('timeout', `${what} did not come within ${limitMs / 1000} s`, {
            what,
            afterMs: limitMs,
          });
        const waiting = new AbortController();
        changed = () => waiting.abort();
        await clock.sleep(1000, AbortSignal.any([inner, waiting.signal]));
        inner.throwIfAborted();
      }
    };
    const updating = (async () => {
      for (const window of shown.slice(1)) {
        while ((await chain.head()).number <= startBlock(plan, window - 1) && !inner.aborted)
          await clock.sleep(blockMs, inner);
        if (!inner.aborted) await update(window + 1);
      }
    })();
    updating.catch((error: unknown) => stop.abort(error));
    for (const window of shown) {
      await until(`window ${window}`, () => isJudged(window) || lapsed.has(window));
      if (lapsed.has(window)) {
        say(`window ${window} lapsed: this machine is too busy, which says nothing about miners`);
        return EXIT.busy;
      }
      say(
        `window ${window}, blocks ${startBlock(plan, window)} to ${deadlineBlock(plan, window)}, at validator-a:`,
      );
      if (!options.json) print(rolloutTable(rowsAt('validator-a', window), nameOf));
    }
    const lastJudged = (await chain.head()).number;
    await until('weights after the last window', () =>
      world.validators.every(({ name }) => (weightsAt.get(name) ?? 0) > lastJudged),
    );
    const epoch = (await chain.subnet(netuid)).epochIndex + LAST_EPOCHS - 1;
    while ((await chain.subnet(netuid)).epochIndex < epoch) {
      inner.throwIfAborted();
      await clock.sleep(blockMs, inner);
    }
    const subnet = await chain.subnet(netuid);
    const { verdicts: replayed } = await raceAbort(inner, replayFolder(join(dir, 'validator-a'), inner));
    const incentives = new Map(subnet.neurons.map(({ hotkey, incentive }) => [hotkey as string, incentive]));
    const checks = rolloutChecks({
      kinds: new Map(world.miners.map(({ name }) => [hotkeyOf(name), kinds.get(name)!])),
      windows: shown,
      rows: [...rows.values()].flat(),
      last: rowsAt('validator-a', shown.at(-1)!),
      incentives,
      replayed,
    });
    await chain.close();
    if (options.json)
      printJson({
        seed: world.seed,
        engine,
        windows: Object.fromEntries(rows),
        incentives: Object.fromEntries(incentives),
        replayed,
        checks,
      });
    else {
      say('what the chain pays, of 65535, and what it pays for:');
      for (const { name } of world.miners) {
        const hotkey = hotkeyOf(name);
        const kind = kinds.get(name)!;
        print(
          `  uid ${uids.get(name)}  ${name}  ${kind.padEnd(9)}  ${String(incentives.get(hotkey) ?? 0).padStart(5)}  ${WHAT_IT_DOES[kind]}`,
        );
      }
      print(checkLines(checks));
      print(int8Line());
      print(
        'weights are random and updates synthetic: nothing here says how soon such a miner is found out on a trained model',
      );
    }
    failed = checks.some(({ ok }) => !ok);
    return failed ? EXIT.failed : EXIT.ok;

    function hotkeyOf(name: string): string {
      return keypairFromUri(world.miners.find((each) => each.name === name)!.hotkeyUri).address;
    }
    function nameOf(hotkey: string): string {
      const found = world.miners.find(({ hotkeyUri }) => keypairFromUri(hotkeyUri).address === hotkey);
      return found ? `${found.name} ${kinds.get(found.name)}` : toHotkey(hotkey).slice(0, 12);
    }
    function rowsAt(validator: string, window: number): RolloutRow[] {
      return (rows.get(validator) ?? []).filter((row) => row.window === window);
    }
    /** Few of its tokens differ: three windows may find it, or not. */
    function int8Line(): string {
      const own = [...rows.values()].flat().filter((row) => nameOf(row.miner).endsWith(' int8'));
      const [wrong, audited] = [
        own.reduce((sum, row) => sum + row.wrong, 0),
        own.reduce((sum, row) => sum + row.audited, 0),
      ];
      const convicted = own.some((row) => row.convicted !== undefined);
      return `int8: ${wrong} of ${audited} audited rollouts wrong at both validators, ${convicted ? 'convicted' : 'not convicted yet'}`;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    say('interrupted');
    return EXIT.interrupted;
  } finally {
    stop.abort();
    await processes.stopAll();
    const keep = options.dir !== undefined || (failed && !signal.aborted);
    if (keep) say(`ledgers and logs are in ${dir}`);
    else await rm(dir, { recursive: true, force: true });
  }
}

/** As the command line takes them: the roles are those of anybody's subnet. */
const toFlags = (config: Readonly<Record<string, string | number | readonly string[]>>): string[] =>
  Object.entries(config).flatMap(([key, value]) => [flagOf(key), ...[value].flat().map(String)]);

/** onnxruntime-node is optional; the plain decoder is for machines without it, and for smaller models. */
async function engineHere(): Promise<'onnx' | 'plain'> {
  try {
    await importOnnxruntime();
    return 'onnx';
  } catch {
    return 'plain';
  }
}
