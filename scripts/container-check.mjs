#!/usr/bin/env node
// Carries out ops/container/Containerfile in a chroot, starts the validator that it makes against a localnet, as the image's user and
// with a root file system that cannot be written, and asks the image's own health check.
// Usage: node scripts/container-check.mjs [--fresh]     after `npm run build`; --fresh: no step from the cache
// Exits 0 with a line that says so where it cannot: not root, no mmdebstrap, no Debian packages to be had.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { carryOut, configOf, debianMirror, inside, parseContainerfile } from './container-steps.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'assay-container');
const HEALTHY_MS = 120_000;
const STOP_MS = 10_000;
const say = (line) => console.log(`container: ${line}`);

const missing = await whyNot();
if (missing !== undefined) {
  say(`skipped, the steps were not carried out: ${missing}`);
  process.exit(0);
}
if (process.argv.includes('--fresh')) rmSync(cache, { recursive: true, force: true });
const scratch = mkdtempSync(join(tmpdir(), 'assay-container-'));
const running = [];
try {
  const stages = parseContainerfile(readFileSync(join(root, 'ops/container/Containerfile'), 'utf8'));
  const config = configOf(stages);
  if (/^(0|root)(:|$)/.test(config.user)) throw new Error('the image would run as root');
  const started = Date.now();
  const image = carryOut(stages, { into: scratch, context: root, cache, say });
  say(`the steps took ${seconds(started)} s`);
  await check(image, config);
} finally {
  for (const child of running) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
}
process.exit(0);

async function check(image, config) {
  const localnet = start(process.execPath, [
    'dist/cli/main.js',
    'localnet',
    'start',
    '--port',
    '0',
    '--json',
    '--block-time-ms',
    '250',
  ]);
  const { url } = JSON.parse(await firstLine(localnet));
  const env = { ...config.env, ASSAY_HOTKEY: '//Alice', ASSAY_CHAIN: url, ASSAY_METRICS_PORT: '9464' };
  const as = { ...config, env };
  mkdirSync(join(image, 'run/secrets'), { recursive: true });
  const begun = Date.now();
  const validator = start(...inside(image, [...config.entrypoint, ...config.cmd], as, config.volumes));
  let ended;
  let said = '';
  validator.stderr.setEncoding('utf8').on('data', (text) => {
    said = `${said}${text}`.slice(-4000);
  });
  const end = new Promise((resolve) => validator.on('close', resolve)).then((code) => {
    ended = code ?? 'a signal';
  });
  for (;;) {
    if (ended !== undefined) throw new Error(`the validator ended with ${ended}: ${said}`);
    const [command, args] = inside(image, config.health, as, config.volumes);
    if (spawnSync(command, args, { timeout: 10_000 }).status === 0) break;
    if (Date.now() - begun > HEALTHY_MS) throw new Error(`not healthy after ${seconds(begun)} s: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  say(
    `healthy ${seconds(begun)} s after its start, as user ${config.user}, on a root file system that cannot be written`,
  );
  const [probe, args] = inside(
    image,
    ['/bin/sh', '-c', 'id -u; touch /opt/assay/x 2>/dev/null && echo written'],
    as,
    config.volumes,
  );
  const seen = spawnSync(probe, args, { encoding: 'utf8' }).stdout.trim();
  if (seen !== config.user.split(':')[0])
    throw new Error(`inside: expected its user and nothing written, got ${seen}`);
  const asked = Date.now();
  // the one below `unshare`: an engine signals process 1, which is that
  const children = readFileSync(`/proc/${validator.pid}/task/${validator.pid}/children`, 'utf8')
    .trim()
    .split(' ');
  process.kill(Number(children[0]), 'SIGTERM');
  const late = setTimeout(() => validator.kill('SIGKILL'), STOP_MS);
  await end;
  clearTimeout(late);
  if (Date.now() - asked >= STOP_MS) throw new Error('did not end within 10 s of SIGTERM');
  if (ended !== 143 && ended !== 0) throw new Error(`ended with ${ended} by SIGTERM: ${said}`);
  say(`ended ${seconds(asked)} s after SIGTERM, with ${ended}`);
}

function start(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  return child;
}

async function firstLine(child) {
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'));
  }
  throw new Error('the localnet ended before it served');
}

async function whyNot() {
  if (process.getuid?.() !== 0) return 'chroot takes root';
  for (const program of ['mmdebstrap', 'unshare', 'chroot'])
    if (spawnSync('which', [program]).status !== 0) return `no ${program}`;
  if (!existsSync(join(root, 'dist/cli/main.js'))) return 'nothing is built: npm run build';
  const mirror = debianMirror();
  if (mirror === undefined) return 'this machine has no Debian packages';
  const reached = await fetch(`${mirror}/dists/trixie/Release`, {
    method: 'HEAD',
    signal: AbortSignal.timeout(10_000),
  })
    .then(({ ok }) => ok)
    .catch(() => false);
  if (!reached) return 'no Debian packages are to be had';
  if (spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status !== 0) return 'no namespaces here';
  return undefined;
}

function seconds(since) {
  return ((Date.now() - since) / 1000).toFixed(1);
}
