// Owns: the run on a borrowed machine: a process for each step, its time, its lines. Does not own: what a step does (steps.ts), how
// it gets there (scripts/field-kit.mjs).
// Usage: node field.js --out FOLDER [--minutes 8] [--only STEP,STEP] [--vectors FILE] [--small]
// Exit: 0 all steps passed; 1 one failed; 2 wrong arguments; 3 none failed, but some were skipped (no card, or no time).
import { fork } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { isAssayError } from '../../../src/model/errors.js';
import { chooseCard } from './measure-card.js';
import { STEPS, type Step } from './steps.js';

type Outcome = 'passed' | 'failed' | 'skipped';
interface Ended {
  readonly status: Outcome;
  readonly why?: string;
}

/** What a step started has so long to end by itself. */
const LINGER_MS = 5000;
/** A step is not begun with less. */
const LEAST_S = 5;

const { values: flags } = parseArgs({
  options: {
    out: { type: 'string' },
    minutes: { type: 'string', default: '8' },
    only: { type: 'string' },
    vectors: { type: 'string' },
    small: { type: 'boolean', default: false },
    step: { type: 'string' },
  },
});
const vectors = flags.vectors
  ? pathToFileURL(resolve(flags.vectors))
  : new URL('../../../tests/vectors/compute/labels.json', import.meta.url);

if (flags.step === undefined) process.exitCode = await main();
else await child(flags.step);

async function main(): Promise<number> {
  const minutes = Number(flags.minutes);
  const wanted = flags.only?.split(',');
  const unknown = wanted?.filter((name) => STEPS.every((step) => step.name !== name)) ?? [];
  if (!flags.out || !(minutes > 0) || unknown.length > 0) {
    if (unknown.length > 0) console.error(`no such step: ${unknown.join(', ')}`);
    console.error('usage: --out FOLDER [--minutes 8] [--only STEP,STEP] [--small]');
    console.error(`steps: ${STEPS.map(({ name }) => name).join(' ')}`);
    return 2;
  }
  mkdirSync(flags.out, { recursive: true });
  const results = join(flags.out, 'results.jsonl');
  const log = join(flags.out, 'log.txt');
  writeFileSync(results, '');
  writeFileSync(log, '');
  const write = (line: Record<string, unknown>): void => appendFileSync(results, `${JSON.stringify(line)}\n`);
  const untilMs = performance.now() + minutes * 60_000;
  write({ begun: new Date().toISOString(), minutes, small: flags.small, arguments: process.argv.slice(2) });
  const count: Record<Outcome, number> = { passed: 0, failed: 0, skipped: 0 };
  const steps = STEPS.filter(({ name }) => wanted?.includes(name) ?? true);
  for (const [at, step] of steps.entries()) {
    const leftS = (untilMs - performance.now()) / 1000;
    console.log(`[${at + 1}/${steps.length}] ${step.name} (${Math.max(0, Math.round(leftS))} s left)`);
    const from = performance.now();
    const ended: Ended =
      leftS < LEAST_S
        ? { status: 'skipped', why: 'no time left: run it again with --only, or more --minutes' }
        : await run(step, { limitS: Math.min(step.limitS, leftS), log, write });
    const tookMs = Math.round(performance.now() - from);
    count[ended.status]++;
    write({ step: step.name, ...ended, tookMs });
    console.log(`      ${ended.status}, ${(tookMs / 1000).toFixed(1)} s${ended.why ? `: ${ended.why}` : ''}`);
  }
  write({ ended: new Date().toISOString(), ...count });
  console.log(
    `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped; lines in ${results}`,
  );
  if (count.failed > 0) return 1;
  return count.skipped > 0 ? 3 : 0;
}

interface Around {
  readonly limitS: number;
  readonly log: string;
  readonly write: (line: Record<string, unknown>) => void;
}

/** A step may take its card, or itself, with it: it has a process, and that a group of its own. */
function run(step: Step, { limitS, log, write }: Around): Promise<Ended> {
  const self = fileURLToPath(import.meta.url);
  return new Promise((settle) => {
    const child = fork(self, [...process.argv.slice(2), '--step', step.name], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    appendFileSync(log, `== ${step.name}\n`);
    let last = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => {
        appendFileSync(log, data);
        last = data.toString().trim().split('\n').at(-1) ?? last;
      });
    let ended: Ended | undefined;
    const endGroup = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // nobody is left of it
      }
    };
    const timer = setTimeout(() => {
      ended = { status: 'failed', why: `it was not done after ${Math.round(limitS)} s, and was ended` };
      endGroup();
    }, limitS * 1000);
    child.on('message', (message: { figure: Record<string, unknown> } | { ended: Ended }) => {
      if ('ended' in message) ended ??= message.ended;
      else {
        write({ step: step.name, ...message.figure });
        const { metric, value, unit } = message.figure;
        if (typeof value === 'number')
          console.log(`      ${metric}: ${Number(value.toPrecision(4))} ${unit}`);
        const { proof, verdict, share, busyS } = message.figure;
        if (proof) console.log(`      ${proof}: ${JSON.stringify(verdict)}, share ${share}, busy ${busyS} s`);
      }
    });
    const over = (how: string): void => {
      clearTimeout(timer);
      endGroup();
      settle(ended ?? { status: 'failed', why: `its process ${how}; its last words: ${last}` });
    };
    child.on('error', (error) => over(error.message));
    // what it started holds its outputs open: a device that hangs would outlive it
    child.on('exit', () => setTimeout(endGroup, LINGER_MS).unref());
    child.on('close', (code, signal) => over(signal ? `was ended by ${signal}` : `ended with code ${code}`));
  });
}

async function child(name: string): Promise<void> {
  const step = STEPS.find((each) => each.name === name);
  if (!step) throw new RangeError(`step: expected one of ${STEPS.map((each) => each.name)}, got ${name}`);
  const send = (message: unknown): Promise<void> =>
    new Promise((settle) => process.send?.(message, undefined, undefined, () => settle()));
  const end = async (ended: Ended): Promise<never> => {
    await send({ ended });
    return process.exit(0);
  };
  if (step.card)
    try {
      await chooseCard();
    } catch (error) {
      if (isAssayError(error, 'unsupported')) await end({ status: 'skipped', why: error.message });
      throw error;
    }
  try {
    await step.run({ emit: (figure) => void send({ figure }), small: flags.small, vectors });
  } catch (error) {
    if (error instanceof Error) console.error(error.stack);
    await end({ status: 'failed', why: error instanceof Error ? error.message : String(error) });
  }
  await end({ status: 'passed' });
}
