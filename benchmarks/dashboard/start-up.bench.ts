// How long a shell waits for the command line: help, and commands that load no chain client; a bare Node that does nothing beside them.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const RUNS = 15;
const HELP_GOAL_MS = 150;
const COMMAND_GOAL_MS = 300;

const COMMANDS = [
  { args: ['--help'], goalMs: HELP_GOAL_MS },
  { args: ['--version'], goalMs: HELP_GOAL_MS },
  { args: ['validator', 'start', '--help'], goalMs: COMMAND_GOAL_MS },
  { args: ['config', 'explain', '--role', 'validator'], goalMs: COMMAND_GOAL_MS },
  { args: ['scoring', 'init'], goalMs: COMMAND_GOAL_MS },
  { args: ['emissions', 'scenarios'], goalMs: COMMAND_GOAL_MS },
  { args: ['verification', 'params', 'list', '--json'], goalMs: COMMAND_GOAL_MS },
] as const;

export default async function bench(emit: Emit): Promise<void> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: npm run build`);
  const baseline = median(() => ['-e', '0']);
  for (const { args, goalMs } of COMMANDS)
    emit({
      bench: 'dashboard/start-up',
      metric: `assay ${args.join(' ')}, median of ${RUNS} (goal ${goalMs})`,
      value: median(() => [MAIN, ...args]),
      unit: 'ms',
      baseline,
    });
}

/** From the start of the process to its end, as a shell sees it. */
function median(argsOf: () => readonly string[]): number {
  const each: number[] = [];
  for (let i = -1; i < RUNS; i++) {
    const at = performance.now();
    const { status, stderr } = spawnSync(process.execPath, argsOf(), { encoding: 'utf8' });
    const ms = performance.now() - at;
    if (status !== 0)
      throw new Error(`${argsOf().slice(1).join(' ')}: exit ${status}: ${stderr.slice(0, 400)}`);
    if (i >= 0) each.push(ms); // the first one reads from disk what the others have in memory
  }
  return Math.round(each.sort((a, b) => a - b)[each.length >> 1]! * 10) / 10;
}
