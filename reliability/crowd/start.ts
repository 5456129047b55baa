// Owns: starting the processes that miners of a crowd run in, and ending them. Does not own: what they do (miners.ts).
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ENVIRONMENT } from '../../src/cli/demo/processes.js';
import { systemClock } from '../../src/model/clock.js';
import { unitsMalloc } from '../malloc.js';
import type { MinersInput } from './miners.js';
import { HELD } from './plan.js';

export interface MinersAtWork {
  readonly pids: readonly number[];
  /** when all of them serve */
  readonly ready: Promise<void>;
  /** What all of them hold after a collection: without what V8 has not come to yet, which is as much again and more. */
  heldMiB(): Promise<number>;
  end(): Promise<void>;
}

const MINERS = fileURLToPath(new URL('miners.ts', import.meta.url));
const READY_MS = 180_000;
const END_MS = 5000;
/** A miner that does not come to it within this has another trouble. */
const HELD_MS = 60_000;

/** @param died told of a process that ended before it was told to */
export function startMiners(
  input: Omit<MinersInput, 'part'>,
  died: (how: string) => void,
  signal: AbortSignal,
): MinersAtWork {
  const children: ChildProcess[] = [];
  let ending = false;
  const readies = Array.from({ length: input.parts }, (_, part) => {
    const child = fork(MINERS, [JSON.stringify({ ...input, part } satisfies MinersInput)], {
      env: { ...ENVIRONMENT, ...unitsMalloc('miner') },
      execArgv: ['--import', import.meta.resolve('tsx')],
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    children.push(child);
    child.once('exit', (code, how) => {
      if (!ending && !signal.aborted) died(`miners ${part} ${how ?? `exit code ${code}`}`);
    });
    return Promise.race([
      once(child, 'message', { signal: AbortSignal.any([signal, AbortSignal.timeout(READY_MS)]) }),
      once(child, 'exit', { signal }).then(() => {
        throw new Error('a process of miners ended before it was ready');
      }),
    ]);
  });
  return {
    pids: children.map(({ pid }) => pid!), // a child that could not be started rejects `ready`
    ready: Promise.all(readies).then(() => {}),
    async heldMiB() {
      const said = await Promise.all(
        children.map(async (child) => {
          const answer = once(child, 'message', {
            signal: AbortSignal.any([signal, AbortSignal.timeout(HELD_MS)]),
          });
          child.send(HELD);
          const [{ heldMiB }] = (await answer) as [{ heldMiB: number }];
          return heldMiB;
        }),
      );
      return said.reduce((sum, each) => sum + each, 0);
    },
    async end() {
      ending = true;
      await Promise.all(children.map(endChild));
    },
  };
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = systemClock.sleep(END_MS).then(() => void child.kill('SIGKILL'));
  await Promise.race([gone, patience]);
  await gone;
}
