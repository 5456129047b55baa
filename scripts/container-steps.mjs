// The steps of a Containerfile, and carrying them out without an engine: each stage in a folder, by chroot. What it does not know it
// refuses, so that what ran is the file.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { basename, join, posix } from 'node:path';

const KNOWN = [
  'RUN',
  'COPY',
  'WORKDIR',
  'ENV',
  'USER',
  'VOLUME',
  'STOPSIGNAL',
  'HEALTHCHECK',
  'ENTRYPOINT',
  'CMD',
];

const HOST_CAS = '/etc/ssl/certs/ca-certificates.crt';
const CAS_INSIDE = '/run/host-cas.crt';

/** @returns its stages: `{ from, name, steps: [{ op, text, line }] }` */
export function parseContainerfile(text) {
  const stages = [];
  let pending = '';
  for (const [at, raw] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(raw)) continue; // also between the lines of one step
    pending += raw;
    if (pending.endsWith('\\')) {
      pending = `${pending.slice(0, -1).trimEnd()} `;
      continue;
    }
    const [, op, rest] = /^\s*([A-Z]+)\s+(.*)$/.exec(pending) ?? [];
    pending = '';
    if (op === 'FROM') {
      const [, from, name] = /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(rest) ?? [];
      if (from === undefined) throw new Error(`line ${at + 1}: FROM ${rest}`);
      stages.push({ from, name, steps: [] });
    } else if (KNOWN.includes(op) && stages.length > 0)
      stages.at(-1).steps.push({ op, text: rest, line: at + 1 });
    else throw new Error(`line ${at + 1}: ${raw.trim()}: not a step that this knows`);
  }
  if (pending !== '') throw new Error('the last step has no end');
  return stages;
}

/** What the image would be started with: of the last stage, and those that it is made from. */
export function configOf(stages) {
  const config = {
    env: {},
    user: '0:0',
    workdir: '/',
    volumes: [],
    entrypoint: [],
    cmd: [],
    health: undefined,
  };
  const walk = (stage) => {
    const before = stages.find(({ name }) => name === stage.from);
    if (before) walk(before);
    for (const step of stage.steps) note(config, step);
  };
  walk(stages.at(-1));
  return config;
}

function note(config, { op, text }) {
  if (op === 'ENV') for (const [, name, value] of text.matchAll(/([A-Z_]+)=(\S+)/g)) config.env[name] = value;
  if (op === 'USER') config.user = text;
  if (op === 'WORKDIR') config.workdir = posix.resolve(config.workdir, text);
  if (op === 'VOLUME') config.volumes.push(text);
  if (op === 'ENTRYPOINT') config.entrypoint = JSON.parse(text);
  if (op === 'CMD') config.cmd = JSON.parse(text);
  if (op === 'HEALTHCHECK') config.health = JSON.parse(text.slice(text.indexOf('CMD ') + 4));
}

/**
 * Makes the last stage's root file system in `into`.
 * @param context folder that COPY takes from
 * @param cache folder for what the first steps of a stage made: those before it takes anything from the context
 * @param say one line a step
 */
export function carryOut(stages, { into, context, cache, say }) {
  const roots = new Map();
  const made = new Map();
  for (const [i, stage] of stages.entries()) {
    const root = join(into, stage.name ?? `stage-${i}`);
    const config = { env: {}, user: '0:0', workdir: '/', volumes: [] };
    const own = stage.steps.findIndex(({ op }) => op === 'COPY');
    const first = own < 0 ? stage.steps : stage.steps.slice(0, own);
    const key = [made.get(stage.from) ?? stage.from, ...first.map(({ op, text }) => `${op} ${text}`)].join(
      '\n',
    );
    made.set(stage.name, key);
    const kept = join(cache, `${createHash('sha256').update(key).digest('hex').slice(0, 16)}.tar`);
    mkdirSync(root, { recursive: true });
    if (first.length > 0 && existsSync(kept)) {
      say(`${stage.name ?? 'image'}: the first ${first.length} steps, from the cache`);
      ran('tar', ['-C', root, '--numeric-owner', '-xpf', kept]);
      for (const step of first) note(config, step);
    } else {
      begin(root, stage.from, roots, say);
      for (const step of first) carry(root, step, config, { roots, context, say });
      if (first.length > 0) {
        mkdirSync(cache, { recursive: true });
        ran('tar', ['-C', root, '--numeric-owner', '-cpf', `${kept}.part`, '.']);
        renameSync(`${kept}.part`, kept);
      }
    }
    for (const step of stage.steps.slice(first.length)) carry(root, step, config, { roots, context, say });
    if (stage.name !== undefined) roots.set(stage.name, root);
    if (stage === stages.at(-1)) return root;
  }
  throw new Error('no stages');
}

function begin(root, from, roots, say) {
  say(`FROM ${from}`);
  const before = roots.get(from);
  if (before !== undefined) return ran('cp', ['-a', `${before}/.`, root]);
  const suite = /^(?:.*\/)?debian:([a-z]+)-slim$/.exec(from)?.[1];
  if (suite === undefined) throw new Error(`FROM ${from}: only Debian can be made without an engine`);
  const excluded = ['doc/*', 'man/*', 'locale/*'].map((path) => `--dpkgopt=path-exclude=/usr/share/${path}`);
  const mirror = debianMirror();
  ran('mmdebstrap', [
    '--quiet',
    '--mode=root',
    '--variant=minbase',
    '--format=directory',
    ...excluded,
    suite,
    root,
    ...(mirror === undefined ? [] : [mirror]),
  ]);
}

/** Where this machine has its own Debian packages from; undefined where it has none. */
export function debianMirror() {
  const { stdout = '' } = spawnSync('apt-get', ['indextargets', '--format', '$(SITE)'], { encoding: 'utf8' });
  return stdout?.split('\n').find((site) => /^https?:.*\/debian\/?$/.test(site));
}

function carry(root, step, config, { roots, context, say }) {
  say(`${step.op} ${step.text}`);
  note(config, step);
  if (step.op === 'WORKDIR') mkdirSync(join(root, config.workdir), { recursive: true });
  if (step.op === 'VOLUME') mkdirSync(join(root, step.text), { recursive: true });
  if (step.op === 'COPY') copy(root, step, config, { roots, context });
  if (step.op === 'RUN') {
    // as engines have it: names are looked up as this machine does, and whom it trusts beyond the usual (a proxy) is trusted here
    copyFileSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
    const env = existsSync(HOST_CAS) ? { ...config.env, NODE_EXTRA_CA_CERTS: CAS_INSIDE } : config.env;
    const [command, args] = inside(root, ['/bin/sh', '-c', step.text], { ...config, env });
    ran(command, args);
  }
}

function copy(root, { text, line }, config, { roots, context }) {
  const words = text.split(/\s+/);
  const [, stage] = /^--from=(\S+)$/.exec(words[0]) ?? [];
  if (stage !== undefined) words.shift();
  const source = stage === undefined ? context : roots.get(stage);
  if (source === undefined || words.some((word) => word.startsWith('--')))
    throw new Error(`line ${line}: COPY ${text}`);
  const target = words.pop();
  const to = join(root, posix.resolve(config.workdir, target));
  for (const word of words) {
    const from = join(source, word);
    const isFolder = statSync(from).isDirectory();
    // of a folder its contents, as engines have it
    const place = isFolder || !target.endsWith('/') ? to : join(to, basename(word));
    cpSync(from, place, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  }
  ran('chown', ['-R', '-h', '0:0', to]);
}

/**
 * The command line that runs `command` with this root file system, as the step's user.
 * @param readOnly folders that may be written all the same: then nothing else may
 */
export function inside(root, command, { env, user, workdir }, readOnly) {
  const [uid, gid = uid] = user.split(':');
  const mounts = [
    'mount --rbind "$0" "$0"',
    'mount -t proc proc "$0/proc"',
    'mount -t tmpfs -o mode=1777 tmpfs "$0/tmp"',
    ...['null', 'zero', 'urandom', 'random'].map(
      (name) => `touch "$0/dev/${name}" && mount --bind /dev/${name} "$0/dev/${name}"`,
    ),
    ...(env.NODE_EXTRA_CA_CERTS === CAS_INSIDE
      ? [`touch "$0${CAS_INSIDE}" && mount --bind -o ro ${HOST_CAS} "$0${CAS_INSIDE}"`]
      : []),
    ...(readOnly ?? []).map((folder) => `mount --bind "$0${folder}" "$0${folder}"`),
    ...(readOnly === undefined ? [] : ['mount -o remount,bind,ro "$0"']),
  ];
  const set = Object.entries({
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...env,
  });
  const enter = `exec chroot --userspec=${uid}:${gid} "$0" /usr/bin/env -i -C ${workdir} "$@"`;
  const script = [...mounts, enter].join(' && ');
  const assignments = set.map(([name, value]) => `${name}=${value}`);
  return [
    'unshare',
    ['--mount', '--pid', '--fork', '--kill-child', '/bin/sh', '-c', script, root, ...assignments, ...command],
  ];
}

function ran(command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    timeout: 600_000,
  });
  if (status === 0) return;
  throw new Error(`${command} ended with ${status ?? error}: ${`${stdout}${stderr}`.slice(-4000)}`);
}
