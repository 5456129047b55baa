#!/usr/bin/env node
// Runs one soak of reliability/ against the built program, and prints whether each of its claims holds.
// Usage: npm run reliability -- <name> [--seed TEXT] [--minutes N] [--json] [--write] [--dist FOLDER] [--set KEY=VALUE]...
//   --write   puts what was found into its section of docs/reliability.md
//   --json    the findings as one object on stdout; progress goes to stderr either way
//   --dist    the built program that its processes are started from (dist, built first)
//   --set     what the soak takes besides; without a name every soak is listed with what it takes
// Exit 0 when every claim holds, 1 when one does not, 2 for wrong usage, 130 when interrupted.
import { execFileSync, fork, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'reliability');
const FLAGS = {
  seed: { type: 'string' },
  minutes: { type: 'string' },
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  dist: { type: 'string' },
  set: { type: 'string', multiple: true, default: [] },
  help: { type: 'boolean', short: 'h', default: false },
};

if (process.env.ASSAY_RELIABILITY) {
  const input = JSON.parse(process.env.ASSAY_RELIABILITY);
  const { runSoak } = await import(pathToFileURL(join(folder, 'run-soak.ts')).href);
  const { soak } = await import(pathToFileURL(join(folder, input.name, 'soak.ts')).href);
  process.exitCode = await runSoak(soak, input);
} else {
  process.exitCode = await main();
}

async function main() {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  let parsed;
  try {
    parsed = parseArgs({ options: FLAGS, allowPositionals: true });
  } catch (error) {
    return usage(error.message);
  }
  const { values: flags, positionals } = parsed;
  const [name] = positionals;
  if (flags.help) return usage();
  if (positionals.length !== 1) return usage('expected one name');
  if (!names.includes(name)) return usage(`no soak is called ${name}`);
  const settings = Object.fromEntries(flags.set.map((text) => text.split(/=(.*)/s, 2)));
  const minutes = flags.minutes === undefined ? undefined : Number(flags.minutes);
  if (minutes !== undefined && !(minutes > 0 && minutes <= 24 * 60))
    return usage('--minutes: expected more than 0, at most a day');
  if (flags.dist === undefined) {
    const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: ['ignore', 2, 2] });
    if (built.status !== 0) return 1;
  }
  const input = {
    name,
    seed: flags.seed ?? `${Date.now()}`,
    minutes,
    settings,
    dist: resolve(flags.dist ?? join(root, 'dist')),
    page: flags.write ? join(root, 'docs/reliability.md') : undefined,
    json: flags.json,
    commit: commit(),
  };
  const child = fork(fileURLToPath(import.meta.url), [], {
    cwd: root,
    env: { ...process.env, ASSAY_RELIABILITY: JSON.stringify(input) },
    execArgv: ['--expose-gc', '--import', import.meta.resolve('tsx')],
  });
  // the child has it too, from the same terminal, and ends what it started
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => {
      if (signal === 'SIGTERM') child.kill(signal);
    });
  return new Promise((done) => {
    child.on('exit', (code, signal) => done(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });

  function usage(problem) {
    if (problem) console.error(problem);
    console.error(
      'usage: npm run reliability -- <name> [--seed TEXT] [--minutes N] [--json] [--write] [--set KEY=VALUE]...',
    );
    console.error(`names: ${names.join(', ')}`);
    return problem ? 2 : 0;
  }
}

/** What was run, in words that tell whether somebody else can have the same. */
function commit() {
  try {
    const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'no repository';
  }
}
