#!/usr/bin/env node
// Compiles src/ to dist/: incremental, nothing at all when nothing changed, and no output of a deleted source stays. dist/build.json
// says of which commit (`assay --version`).
// Usage: node scripts/build.mjs [--force]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const src = join(root, 'src');
const dist = join(root, 'dist');
const stampFile = join(root, '.build', 'build.stamp');
const factsFile = 'build.json';
const buildInfo = join(root, '.build', 'tsc.tsbuildinfo');

const started = performance.now();
const sources = filesUnder(src);
const outputs = new Map(sources.flatMap((file) => outputsOf(file).map((output) => [output, file])));
const complete = [...outputs.keys()].every((output) => existsSync(join(dist, output)));
const stale = filesUnder(dist).filter((file) => !outputs.has(file) && file !== factsFile);
const stamp = fingerprint();

if (!process.argv.includes('--force') && complete && stale.length === 0 && readStamp() === stamp) {
  writeFacts(); // a commit may have come without a source that changed
  process.exit(0);
}

rmSync(stampFile, { force: true });
for (const file of stale) rmSync(join(dist, file));
// tsc trusts its build info: with an output missing it would still write only what changed
if (!complete || process.argv.includes('--force')) rmSync(buildInfo, { force: true });

const tsc = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(root, 'tsconfig.build.json'),
    '--pretty',
    'false',
  ],
  { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', maxBuffer: 64 * 2 ** 20 },
);
process.stderr.write(tsc.stdout);
for (const [output, file] of outputs) {
  if (output !== file) continue; // not TypeScript: shaders, data files
  mkdirSync(dirname(join(dist, output)), { recursive: true });
  copyFileSync(join(src, file), join(dist, output));
}
const bin = join(dist, 'cli', 'main.js');
if (existsSync(bin)) chmodSync(bin, 0o755);
if (tsc.status !== 0) {
  console.error('build failed: the errors are above');
  process.exit(1);
}
mkdirSync(dirname(stampFile), { recursive: true });
writeFileSync(stampFile, stamp);
writeFacts();
console.error(`built ${sources.length} sources, ${((performance.now() - started) / 1000).toFixed(1)} s`);

/** No time: two builds of a commit are the same bytes. Outside a repository nothing is said, and what was said stays. */
function writeFacts() {
  const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const top = git('rev-parse', '--show-toplevel', 'HEAD');
  const [folder, commit] = top.status === 0 ? top.stdout.trim().split('\n') : [];
  // a package inside another repository is not of its commit
  if (commit === undefined || realpathSync(folder) !== realpathSync(root)) return;
  const isChanged = git('status', '--porcelain', '--', 'src', 'package.json').stdout.trim() !== '';
  const text = `${JSON.stringify({ commit, isChanged })}\n`;
  const file = join(dist, factsFile);
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

function outputsOf(file) {
  if (file.endsWith('.d.ts')) return [];
  if (!file.endsWith('.ts')) return [file];
  const stem = file.slice(0, -'.ts'.length);
  return [`${stem}.js`, `${stem}.d.ts`];
}

/** Names, sizes and times of all that the output hangs on; contents would cost a read of everything on each start. */
function fingerprint() {
  const hash = createHash('sha256');
  const settings = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
  for (const file of [...settings, ...sources.map((source) => join('src', source))]) {
    const { size, mtimeMs } = statSync(join(root, file));
    hash.update(`${file}\0${size}\0${mtimeMs}\0`);
  }
  return hash.digest('hex');
}

function readStamp() {
  return existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : undefined;
}
