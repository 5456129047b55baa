#!/usr/bin/env node
// Packs one folder for a borrowed machine with a card, with no Node and no network: this host's Node, the steps of
// benchmarks/compute/card as one bundle, kernels with their sources, golden vectors, koffi and onnxruntime-node.
// Usage: scripts/field-kit [--out FOLDER] [--gzip] [--lean] [--tar]
//   --out    where to; must not be there. Default: .build/field-kit
//   --gzip   the payload as .gz and not .xz: larger, for a machine without xz and without Python
//   --lean   without Node and onnxruntime-node, a megabyte: for a machine that has Node 20.12 or later
//   --tar    also FOLDER.tar, to carry as one file
// There: sh run (--help; what it exits with is said in benchmarks/compute/card/field.ts).
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const SYSTEM = `${process.platform}-${process.arch}`;
const MOST_BYTES = 60 * 2 ** 20;
/** What each leans on, loaded by name: the rest is bundled. */
const PACKAGES = {
  koffi: ['package.json', 'LICENSE.txt', 'index.js', 'index.cjs', 'src/koffi'],
  [`@koromix/koffi-${SYSTEM}`]: undefined,
};
const RUNTIME = {
  'onnxruntime-common': ['package.json', 'dist/cjs', 'dist/esm'],
  'onnxruntime-node': [
    'package.json',
    'README.md',
    'dist',
    `bin/napi-v6/${process.platform}/${process.arch}`,
  ],
};
/** Files that find one another by their place: all of them lie in one folder. */
const ENTRIES = {
  field: 'benchmarks/compute/card/field.ts',
  'faulty-card': 'benchmarks/compute/card/faulty-card.ts',
  'device-process': 'src/compute/process/device-process.ts',
  'lane-worker': 'src/compute/cpu/lane-worker.ts',
};

const { values: flags } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, '.build', 'field-kit') },
    gzip: { type: 'boolean', default: false },
    lean: { type: 'boolean', default: false },
    tar: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});
if (flags.help) {
  console.log('usage: scripts/field-kit [--out FOLDER] [--gzip] [--lean] [--tar]');
  console.log('packs what a borrowed machine with a card runs; there: sh run --help');
  process.exit(0);
}
const out = resolve(flags.out);
if (process.platform !== 'linux')
  fail('kits are made on Linux, for Linux: Node and native files are those of this host');
if (existsSync(out)) fail(`${out}: it is there already; name another --out, or remove it`);

const scratch = mkdtempSync(join(tmpdir(), 'assay-field-kit-'));
try {
  const payload = join(scratch, 'payload');
  await bundle(join(payload, 'app'));
  cpSync(join(root, 'src/compute/cuda/kernels'), join(payload, 'app/kernels'), { recursive: true });
  cpSync(join(root, 'tests/vectors/compute/labels.json'), join(payload, 'app/labels.json'));
  carry(join(payload, 'app/node_modules'), flags.lean ? PACKAGES : { ...PACKAGES, ...RUNTIME });
  loads(join(payload, 'app'), flags.lean ? ['koffi'] : ['koffi', 'onnxruntime-node']);
  if (!flags.lean) {
    cpSync(process.execPath, join(payload, 'node'), { dereference: true });
    chmodSync(join(payload, 'node'), 0o755);
  }
  mkdirSync(out, { recursive: true });
  const archive = join(out, flags.gzip ? 'payload.tar.gz' : 'payload.tar.xz');
  const packer = flags.gzip ? 'gzip -9' : 'xz -6 -T0';
  run('sh', ['-c', `tar -C "$1" -c . | ${packer} > "$2"`, 'sh', payload, archive]);
  writeFileSync(join(out, 'run'), launcher(basename(archive)), { mode: 0o755 });
  if (flags.tar) run('tar', ['-C', dirname(out), '-cf', `${out}.tar`, basename(out)]);
  const bytes = readdirSync(out).reduce((sum, name) => sum + statSync(join(out, name)).size, 0);
  console.log(
    `${out}: ${(bytes / 2 ** 20).toFixed(1)} MiB (${readdirSync(out).join(', ')}), Node ${flags.lean ? 'not carried' : process.version}`,
  );
  if (bytes > MOST_BYTES) fail(`that is above ${MOST_BYTES / 2 ** 20} MiB: take xz, or --lean`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function bundle(folder) {
  await build({
    entryPoints: Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, join(root, file)])),
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['koffi', 'onnxruntime-node', 'webgpu'],
    logLevel: 'error',
    // what some dependencies ask for in the other module system
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
}

/** Without `files`, the whole package. */
function carry(folder, packages) {
  for (const [name, files] of Object.entries(packages)) {
    const from = join(root, 'node_modules', name);
    if (!existsSync(from)) {
      if (name in RUNTIME) continue; // optional: the steps say which product the CPUs had
      fail(`${name} is not installed: npm ci`);
    }
    for (const file of files ?? ['.'])
      cpSync(join(from, file), join(folder, name, file), {
        recursive: true,
        filter: (path) => !/\.(map|d\.ts|cc|hh|inc|def|S|asm)$|CMakeLists|musl_/.test(path),
      });
  }
}

/** What is loaded by name is missed far away only, where nobody can add it. */
function loads(folder, names) {
  for (const name of names) {
    if (!existsSync(join(folder, 'node_modules', name))) continue;
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', `import '${name}'`],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    );
    if (status !== 0) fail(`${name} does not load from the kit:\n${stderr}`);
  }
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) fail(`${command} failed${error ? `: ${error.message}` : ''}`);
}

function fail(why) {
  console.error(`field-kit: ${why}`);
  rmSync(scratch ?? '', { recursive: true, force: true });
  process.exit(1);
}

/** POSIX sh and the tools of any system; nothing is installed, and what is unpacked is removed. */
function launcher(archive) {
  const kernel = spawnSync('uname', ['-sm'], { encoding: 'utf8' }).stdout.trim();
  return `#!/bin/sh
# Runs the steps of this kit. Nothing is installed: it is unpacked to a folder of its own in \${TMPDIR:-/tmp} and removed again.
# Usage: sh run [--minutes 8] [--out FOLDER] [--only STEP,STEP] [--small] [--node FILE]
#   --out    results.jsonl (one JSON object a line) and log.txt. Default: ./field-results
#   --only   some steps; a wrong name lists them
#   --small  sizes for a test without a real card
#   --node   a Node of this machine, 20.12 or later, in place of the one that is carried
# Exit: 0 all steps passed; 1 one failed; 2 wrong arguments; 3 none failed, some were skipped (no card, no time); 4 the kit does
# not run on this machine.
set -u
kit=$(CDPATH= cd -P -- "$(dirname -- "$0")" && pwd)
out=$(pwd)/field-results
node=
minutes=8
only=
small=
while [ $# -gt 0 ]; do
  case $1 in
    --small) small=--small; shift; continue ;;
    --help|-h) sed -n '2,/^set /{/^set /!s/^# \\{0,1\\}//p;}' "$0"; exit 0 ;;
  esac
  if [ $# -lt 2 ]; then echo "run: $1: expected a value, or it is not known; --help lists the options" >&2; exit 2; fi
  case $1 in
    --minutes) minutes=$2 ;;
    --out) case $2 in /*) out=$2 ;; *) out=$(pwd)/$2 ;; esac ;;
    --only) only=$2 ;;
    --node) node=$2 ;;
    *) echo "run: $1 is not known; --help lists the options" >&2; exit 2 ;;
  esac
  shift 2
done
if [ "$(uname -sm)" != "${kernel}" ]; then
  echo "run: this kit is for ${kernel}, and this machine is $(uname -sm): make one on such a machine" >&2
  exit 4
fi
temporary=$(mktemp -d "\${TMPDIR:-/tmp}/assay-field.XXXXXX") || exit 4
trap 'rm -rf "$temporary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
unpack() {
  case ${archive} in
    *.gz) gzip -dc "$kit/${archive}" | tar -C "$temporary" -xf - ;;
    *)
      if command -v xz >/dev/null 2>&1; then xz -dc "$kit/${archive}" | tar -C "$temporary" -xf -
      elif command -v python3 >/dev/null 2>&1; then
        python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1], "r:xz").extractall(sys.argv[2])' "$kit/${archive}" "$temporary"
      else
        echo 'run: neither xz nor python3 is here to unpack with: make the kit with --gzip' >&2
        return 1
      fi ;;
  esac
}
unpack || exit 4
[ -n "$node" ] || node=$temporary/node
if ! version=$("$node" --version); then
  echo "run: $node does not start: no Node is carried (--lean), the folder may not hold programs (set TMPDIR), or this system's C library is older than that of the kit's host; --node names one of this machine" >&2
  exit 4
fi
echo "Node $version, results in $out"
# what the driver compiles for this card is kept from step to step, and in no home
export CUDA_CACHE_PATH="$temporary/cuda-cache"
set -- --out "$out" --minutes "$minutes" --vectors "$temporary/app/labels.json"
[ -z "$only" ] || set -- "$@" --only "$only"
[ -z "$small" ] || set -- "$@" "$small"
"$node" "$temporary/app/field.js" "$@"
`;
}
