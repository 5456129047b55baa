#!/usr/bin/env node
// Compiles src/compute/cuda/kernels/*.cu to the PTX beside them, which is committed and shipped: a miner needs the driver alone.
// Usage: node scripts/cuda.mjs [--check]
//   without --check: writes what clang-16 makes. No CUDA SDK is looked at, so that the bytes are the same on every machine.
//   --check: writes nothing; exits 1 when a committed file is not what comes out, or when ptxas, where there is one, refuses it
//            or makes products wait for each other.
//            Prints registers and spilled bytes. What this machine lacks is skipped, and said.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMPILER = 'clang-16';
/** Of Debian 12, the last of its line; another may write other text that does the same. */
const RELEASE = '16.0.6';
/** First architecture that has the instructions; the driver compiles for its own. */
const TARGETS = { 'product.cu': 'sm_80', 'product-f16.cu': 'sm_80', 'product-hopper.cu': 'sm_90' };
/**
 * Hopper's own instructions are assembly to clang-16, which passes them on unread; what says so it does not know how to write.
 * Blocks come in pairs, which a launch need then not say. Read by drivers from CUDA 12.0 on.
 */
const HOPPER_ONLY = [
  [/^\.version 7\.8$/gm, '.version 8.0'],
  [/^\.target sm_90$/gm, '.target sm_90a'],
  [/^\.maxntid /gm, '.explicitcluster\n.reqnctapercluster 2, 1, 1\n.maxntid '],
];
const REWRITTEN = { 'product-hopper.cu': HOPPER_ONLY };
const OLDEST = 'sm_75';
/** PTX 7.8 is what drivers of CUDA 11.8 read; newer text is refused by all older drivers. */
const FLAGS = [
  ...[
    '-x',
    'cuda',
    '--cuda-device-only',
    '-nocudainc',
    '-nocudalib',
    '--cuda-path=/nonexistent',
    '-nostdinc',
  ],
  ...['-Xclang', '-target-feature', '-Xclang', '+ptx78'],
  ...['-S', '-O3', '-std=c++17', '-Wall', '-Wextra', '-Werror'],
];
/** Turing, Ampere, Ada, Hopper, Blackwell; those that this ptxas does not know are left out. */
const ASSEMBLED = ['sm_75', 'sm_80', 'sm_86', 'sm_89', 'sm_90', 'sm_100', 'sm_103', 'sm_120'];
const HOPPER = 'sm_90a';

const folder = fileURLToPath(new URL('../src/compute/cuda/kernels/', import.meta.url));
const onlyCheck = process.argv.includes('--check');
const scratch = mkdtempSync(join(tmpdir(), 'assay-cuda-'));
try {
  await compareOrWrite();
  if (onlyCheck) await assemble();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function compareOrWrite() {
  const files = readdirSync(folder);
  const sources = files.filter((name) => name.endsWith('.cu'));
  const kept = files.filter((name) => name.endsWith('.ptx'));
  const version = (await run(COMPILER, ['--version']))?.output.split('\n')[0];
  if (version === undefined) {
    if (!onlyCheck) throw new Error(`${COMPILER} is needed and not on the PATH`);
    console.log(`skipped: ${COMPILER} is not installed, so that kernels were not compiled and compared`);
    return;
  }
  if (onlyCheck && !version.includes(` ${RELEASE} `)) {
    console.log(
      `skipped: kernels are compared with what ${COMPILER} ${RELEASE} makes of them, and this is ${version}`,
    );
    return;
  }
  const made = new Map();
  await each(sources, async (name) => made.set(name.replace(/\.cu$/, '.ptx'), await ptxOf(name)));
  for (const name of new Set([...made.keys(), ...kept])) {
    const file = join(folder, name);
    const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    if (before === made.get(name)) continue;
    if (onlyCheck || !made.has(name)) {
      console.log(
        `src/compute/cuda/kernels/${name}: not what scripts/cuda.mjs makes of its source by ${version}`,
      );
      process.exitCode = 1;
    } else writeFileSync(file, made.get(name));
  }
}

/** Behind the digests of what it was made of and of itself, which the loader checks (src/compute/cuda/modules.ts). */
async function ptxOf(name) {
  const out = join(scratch, `${name}.ptx`);
  const target = `--cuda-gpu-arch=${TARGETS[name] ?? OLDEST}`;
  const { ok, output } = await run(COMPILER, [...FLAGS, target, join(folder, name), '-o', out]);
  if (!ok) throw new Error(`${name}: ${COMPILER} failed\n${output}`);
  let code = readFileSync(out, 'utf8');
  for (const [pattern, line] of REWRITTEN[name] ?? []) {
    if (!pattern.test(code)) throw new Error(`${name}: ${pattern} is not in what ${COMPILER} wrote`);
    code = code.replace(pattern, line);
  }
  const headers = readdirSync(folder).filter((file) => file.endsWith('.h'));
  const source = [name, ...headers.sort()].map((file) => readFileSync(join(folder, file), 'utf8')).join('');
  return `// Made of ${name} by scripts/cuda.mjs; not to be edited.\n// source ${sha256(source)}\n// code ${sha256(code)}\n${code}`;
}

async function assemble() {
  const version = (await run('ptxas', ['--version']))?.output.match(/release ([\d.]+)/)?.[1];
  if (version === undefined) {
    console.log('skipped: ptxas is not installed, so that kernels were not assembled');
    return;
  }
  const help = (await run('ptxas', ['--help']))?.output ?? '';
  const known = ASSEMBLED.filter((arch) => new RegExp(`\\b${arch}\\b`).test(help));
  const names = readdirSync(folder).filter((name) => name.endsWith('.ptx'));
  const targetOf = (name) => readFileSync(join(folder, name), 'utf8').match(/^\.target (sm_\d+a?)/m)[1];
  const jobs = names.flatMap((name) =>
    targetOf(name) === HOPPER
      ? [{ name, arch: HOPPER }]
      : known.filter((arch) => number(arch) >= number(targetOf(name))).map((arch) => ({ name, arch })),
  );
  const lines = new Map();
  await each(jobs, async ({ name, arch }) => {
    const { ok, output } = await run('ptxas', [
      '-v',
      `-arch=${arch}`,
      join(folder, name),
      '-o',
      join(scratch, `${name}.${arch}`),
    ]);
    if (!ok) {
      console.log(`${name}: ptxas ${version} refuses it for ${arch}\n${output}`);
      process.exitCode = 1;
      return;
    }
    // products of warpgroups one by one, with a wait after each, where ptxas cannot keep their sums in registers of their own
    const slow = output.match(/.*wgmma.*serialized.*/)?.[0];
    if (slow !== undefined) {
      console.log(`${name}: ptxas ${version}: ${slow}`);
      process.exitCode = 1;
    }
    const parts = output.split(/Compiling entry function '/).slice(1);
    for (const part of parts) {
      const spilled =
        Number(part.match(/(\d+) bytes spill stores/)?.[1]) +
        Number(part.match(/(\d+) bytes spill loads/)?.[1]);
      const key = `${name} ${part.slice(0, part.indexOf("'"))}`;
      const entry = `${arch} ${part.match(/Used (\d+) registers/)?.[1]}${spilled > 0 ? ` (${spilled} bytes spilled)` : ''}`;
      lines.set(key, [...(lines.get(key) ?? []), entry]);
    }
  });
  console.log(`registers by ptxas ${version}:`);
  for (const [key, entries] of [...lines].sort())
    console.log(`  ${key}: ${entries.sort((a, b) => number(a) - number(b)).join(', ')}`);
}

function number(arch) {
  return Number(arch.match(/\d+/)[0]);
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

async function each(items, work) {
  const waiting = [...items];
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
}

/** undefined when there is no such command */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.on('error', (error) => (error.code === 'ENOENT' ? resolve(undefined) : reject(error)));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}
