#!/usr/bin/env node
// Everything about the sources that needs no run: types, lint and format, generated code, WebAssembly, kernels of cards, pages,
// unused code, floor plan, packages.
// Usage: node scripts/check.mjs [STEP]...     without steps: all. Every step runs; exit 1 when any failed.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const env = {
  ...process.env,
  // buf looks for its plugin on the path
  PATH: [join(modules, '.bin'), dirname(process.execPath), process.env.PATH].join(delimiter),
  NO_COLOR: '1',
  FORCE_COLOR: undefined,
};

const STEPS = {
  types: () =>
    node(
      'typescript/bin/tsc',
      '-p',
      'tsconfig.json',
      '--pretty',
      'false',
      ...incremental('check.tsbuildinfo'),
    ),
  lint: () => node('@biomejs/biome/bin/biome', 'ci', '--colors=off', '--max-diagnostics=50'),
  generated: isGeneratedCodeCurrent,
  wasm: () => run(process.execPath, [join(root, 'scripts/wasm.mjs'), '--check']),
  cuda: async () => {
    const result = await run(process.execPath, [join(root, 'scripts/cuda.mjs'), '--check']);
    return { ...result, said: result.output }; // what this machine lacks, registers
  },
  config: () => run(process.execPath, [join(root, 'scripts/config-docs.mjs'), '--check']),
  json: () => run(process.execPath, [join(root, 'scripts/json-docs.mjs'), '--check']),
  errors: () => run(process.execPath, [join(root, 'scripts/error-docs.mjs'), '--check']),
  docs: () => run(process.execPath, [join(root, 'scripts/docs-check.mjs')]),
  unused: () => node('knip/bin/knip.js', '--no-progress', '--no-config-hints'),
  imports: () => run(process.execPath, [join(root, 'scripts/imports.mjs')]),
  packages: () => run(process.execPath, [join(root, 'scripts/dependencies.mjs'), '--check']),
};

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in STEPS));
if (unknown.length > 0) {
  console.error(`unknown step ${unknown.join(', ')}: there are ${Object.keys(STEPS).join(', ')}`);
  process.exit(2);
}
const waiting = Object.entries(STEPS).filter(([name]) => chosen.length === 0 || chosen.includes(name));
const failed = [];
const workers = Array.from({ length: Math.min(availableParallelism(), waiting.length) }, async () => {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [name, step] = next;
    const started = performance.now();
    const { ok, output, said } = await step().catch((error) => ({ ok: false, output: String(error) }));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`check ${name.padEnd(9)} ${ok ? 'ok    ' : 'FAILED'} ${seconds.padStart(5)} s`);
    if (!ok) failed.push(name);
    const shown = ok ? said : output;
    if (shown) console.log(shown.trimEnd().replace(/^/gm, '  '));
  }
});
await Promise.all(workers);
if (failed.length > 0) console.log(`check failed: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;

/** Generates beside the sources, never over them, and compares. */
async function isGeneratedCodeCurrent() {
  const fresh = mkdtempSync(join(tmpdir(), 'assay-gen-'));
  try {
    const { ok, output } = await node('@bufbuild/buf/bin/buf', 'generate', '--output', fresh);
    if (!ok) return { ok, output };
    const folder = 'src/protocol/gen';
    const made = contents(join(fresh, folder));
    const kept = contents(join(root, folder));
    const different = [...new Set([...made.keys(), ...kept.keys()])].filter(
      (file) => made.get(file) !== kept.get(file),
    );
    const lines = different.map((file) => `${folder}/${file}: not what buf makes of proto/`);
    return { ok: different.length === 0, output: [...lines, 'run: npm run generate'].join('\n') };
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function contents(folder) {
  if (!existsSync(folder)) return new Map();
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return new Map(paths.map((path) => [relative(folder, path), readFileSync(path, 'utf8')]));
}

function incremental(file) {
  return ['--incremental', '--tsBuildInfoFile', join(root, '.build', file)];
}

function node(script, ...args) {
  return run(process.execPath, [join(modules, script), ...args]);
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.on('error', reject);
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}
