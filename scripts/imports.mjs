#!/usr/bin/env node
// The floor plan, checked: who may import whom (ARCHITECTURE.md, Floors), and no import cycles.
// Usage: node scripts/imports.mjs [--map] [--src FOLDER]
//   without --map   prints one line per forbidden import or cycle, with file and line; exit 1 when there are any
//   --map           prints which room leans on which, with the number of import statements
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import ts from 'typescript';

const PORCH = 'cli';
const BELOW_CLI = [
  'model',
  'keys',
  'chain',
  'compute',
  'protocol',
  'inference',
  'sandbox',
  'scoring',
  'verification',
];
BELOW_CLI.push('emissions', 'localnet', 'parameters', 'rollouts', 'validator', 'miner', 'dashboard');
const ROLE = [
  'model',
  'keys',
  'protocol',
  'chain',
  'compute',
  'inference',
  'verification',
  'parameters',
  'rollouts',
];

/**
 * Room -> what it may lean on: a room, or a folder or file of one ('chain/codec': chain/codec.ts or chain/codec/**).
 * `types` are rooms, folders or files of which only types may be imported.
 */
const FLOORS = {
  model: { values: [] },
  keys: { values: ['model'] },
  chain: { values: ['model', 'keys'] },
  compute: { values: ['model', 'keys'] },
  protocol: { values: ['model', 'keys'] },
  inference: { values: ['model', 'keys', 'protocol/gen'] },
  sandbox: { values: [] },
  scoring: { values: ['model'] },
  emissions: { values: ['model'] },
  verification: {
    values: ['model', 'protocol/gen', 'compute/spec', 'compute/wasm', 'inference/spec'],
    types: ['compute', 'inference', 'sandbox'],
  },
  localnet: { values: ['model', 'keys', 'emissions', 'chain/codec', 'chain/snapshot-file'] },
  parameters: { values: ['model', 'keys', 'protocol', 'chain', 'verification'] },
  rollouts: {
    values: ['model', 'keys', 'protocol', 'chain', 'verification', 'parameters', 'inference/spec'],
    types: ['inference'],
  },
  miner: { values: ROLE },
  validator: { values: [...ROLE, 'sandbox', 'scoring'] },
  dashboard: {
    values: ['model', 'emissions'],
    types: ['chain', 'validator/status', 'validator/ledger', 'miner/status', 'miner/hosts/hosts'],
  },
  testing: { values: BELOW_CLI },
  // testing: only where liars are run, see mayImportTesting
  [PORCH]: { values: [...BELOW_CLI, 'testing', '.'] },
  // src/index.ts, the front door
  '.': { values: BELOW_CLI },
};

/** What must not be loaded, however indirectly, when a file of this room is loaded. */
const NEVER_LOADED = [
  { from: 'emissions', what: 'node:*', test: (name) => isBuiltin(name), why: 'it bundles for a browser' },
  ...['gpu', 'adapter', 'fastest-product', 'peak'].map((file) => ({
    from: `compute/webgpu/${file}`,
    what: 'node:*',
    test: (name) => isBuiltin(name),
    why: 'it runs in a browser too',
  })),
  {
    from: 'chain/codec',
    what: '@polkadot/api',
    test: (name) => name === '@polkadot/api',
    why: 'codecs are pure',
  },
];

const { values: flags } = parseArgs({
  options: { map: { type: 'boolean', default: false }, src: { type: 'string' } },
});
const src = resolve(flags.src ?? fileURLToPath(new URL('../src', import.meta.url)));
const files = new Map(sourceFiles().map((file) => [file, importsOf(file)]));

if (flags.map) printMap();
else check();

/** @typedef {{ specifier: string, line: number, how: 'static' | 'types' | 'dynamic', target: string | undefined }} Import */

function check() {
  const problems = [...floorProblems(), ...testingProblems(), ...loadProblems(), ...cycles()];
  for (const problem of problems) console.log(problem);
  if (problems.length > 0) console.log(`${problems.length} imports against the floor plan`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

function* floorProblems() {
  for (const [file, imports] of files) {
    const room = roomOf(file);
    const floor = FLOORS[room];
    if (!floor) {
      yield `${show(file)}: room '${room}' is not on the floor plan (scripts/imports.mjs, ARCHITECTURE.md)`;
      continue;
    }
    for (const { specifier, line, how, target } of imports) {
      const at = `${show(file)}:${line}`;
      if (specifier === 'assay' || specifier.startsWith('assay/'))
        yield `${at}: imports '${specifier}': inside the house import the file itself`;
      if (!target) continue;
      if (target.startsWith('..')) {
        yield `${at}: '${specifier}' leaves src/`;
        continue;
      }
      if (roomOf(target) === room) continue;
      const into = withoutExtension(target);
      if (leansOn(floor.values, into)) continue;
      if (leansOn(floor.types ?? [], into)) {
        if (how === 'types') continue;
        yield `${at}: ${room} may import only types from ${roomOf(target)}, here it loads ${show(target)}`;
      } else yield `${at}: ${room} must not lean on ${roomOf(target)}: ${show(target)}`;
    }
  }
}

/** Only the demo, the processes it starts (simulated) and the attacks need liars; no other command should pay for loading them. */
function* testingProblems() {
  const mayImportTesting = (file) =>
    roomOf(file) === 'testing' || /^cli\/(.*\/)?(demo|attack|simulated|rollouts\/calibrate)/.test(file);
  for (const [file, imports] of files)
    for (const { line, target } of imports)
      if (target && roomOf(target) === 'testing' && roomOf(file) === PORCH && !mayImportTesting(file))
        yield `${show(file)}:${line}: only the demo and attack commands import testing`;
  const path = loadPath('cli/main.ts', ({ target }) => target !== undefined && roomOf(target) === 'testing');
  if (path) yield `${path}: testing is loaded with every command, import the command lazily`;
}

function* loadProblems() {
  for (const { from, what, test, why } of NEVER_LOADED)
    for (const file of files.keys()) {
      if (!leansOn([from], withoutExtension(file))) continue;
      const path = loadPath(file, ({ specifier }) => test(specifier));
      if (path) yield `${path}: ${from} must not load ${what}: ${why}`;
    }
}

/** The chain of static imports from `start` to the first import that matches, as text; undefined when there is none. */
function loadPath(start, matches) {
  const from = new Map([[start, undefined]]);
  for (const file of from.keys())
    for (const edge of files.get(file) ?? []) {
      if (edge.how !== 'static') continue;
      if (matches(edge)) {
        const steps = [`${show(file)}:${edge.line} → ${edge.specifier}`];
        for (let at = from.get(file); at; at = from.get(at.file))
          steps.unshift(`${show(at.file)}:${at.line}`);
        return steps.join(' → ');
      }
      if (edge.target && !from.has(edge.target)) from.set(edge.target, { file, line: edge.line });
    }
  return undefined;
}

/** One shortest cycle through the first file of each knot (strongly connected component). */
function* cycles() {
  const done = new Set();
  for (const start of files.keys()) {
    if (done.has(start)) continue;
    const from = new Map();
    const queue = [start];
    search: for (const file of queue)
      for (const { target, line } of files.get(file) ?? []) {
        if (!target || !files.has(target)) continue;
        if (target === start) {
          const steps = [`${show(file)}:${line}`];
          for (let at = from.get(file); at; at = from.get(at.file))
            steps.unshift(`${show(at.file)}:${at.line}`);
          for (const step of [start, ...from.keys()]) if (reaches(step, start)) done.add(step);
          yield `cycle: ${steps.join(' → ')} → ${show(start)}`;
          break search;
        }
        if (!from.has(target)) {
          from.set(target, { file, line });
          queue.push(target);
        }
      }
  }
}

function reaches(file, goal) {
  const seen = new Set([file]);
  for (const at of seen)
    for (const { target } of files.get(at) ?? []) {
      if (target === goal) return true;
      if (target) seen.add(target);
    }
  return false;
}

function printMap() {
  const counts = new Map();
  for (const [file, imports] of files)
    for (const { target, how } of imports) {
      if (!target || target.startsWith('..') || roomOf(target) === roomOf(file)) continue;
      const row = counts.get(roomOf(file)) ?? counts.set(roomOf(file), new Map()).get(roomOf(file));
      const cell =
        row.get(roomOf(target)) ?? row.set(roomOf(target), { all: 0, types: 0 }).get(roomOf(target));
      cell.all++;
      if (how === 'types') cell.types++;
    }
  const rooms = new Set([...files.keys()].map(roomOf));
  const order = [...Object.keys(FLOORS), ...rooms].filter((room, i, all) => all.indexOf(room) === i);
  console.log('room (files) → rooms it leans on (imports; t: of which types only)');
  for (const room of order.filter((name) => rooms.has(name)).reverse()) {
    const size = [...files.keys()].filter((file) => roomOf(file) === room).length;
    const row = [...(counts.get(room) ?? [])].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
    const leans = row.map(([to, { all, types }]) => `${to} ${all}${types > 0 ? ` (${types}t)` : ''}`);
    console.log(`${`${nameOf(room)} (${size})`.padEnd(20)} → ${leans.join(', ') || 'nothing'}`);
  }
}

function sourceFiles() {
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) =>
      relative(src, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join('/'),
    )
    .sort();
}

/** @returns {Import[]} */
function importsOf(file) {
  const text = readFileSync(join(src, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, false);
  const found = [];
  const add = (node, specifier, how) => {
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    found.push({ specifier, line, how, target: targetOf(file, specifier) });
  };
  const visit = (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier)
      add(node, node.moduleSpecifier.text, isTypeOnly(node) ? 'types' : 'static');
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node, node.argument.literal.text, 'types');
    else if (
      ts.isCallExpression(node) &&
      node.expression.kind === ts.SyntaxKind.ImportKeyword &&
      ts.isStringLiteralLike(node.arguments[0])
    )
      add(node, node.arguments[0].text, 'dynamic');
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** `import { type A }` stays a load at run time (verbatimModuleSyntax), so only a whole `import type` counts. */
function isTypeOnly(node) {
  return ts.isExportDeclaration(node)
    ? node.isTypeOnly
    : node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

function targetOf(file, specifier) {
  if (!specifier.startsWith('.')) return undefined;
  const path = posix.join(dirname(file), specifier);
  const source = path.replace(/\.js$/, '.ts');
  return existsSync(join(src, source)) ? source : path;
}

function leansOn(allowed, path) {
  return allowed.some((entry) =>
    entry === '.' ? !path.includes('/') : path === entry || path.startsWith(`${entry}/`),
  );
}

function withoutExtension(file) {
  return file.replace(/\.ts$/, '');
}

function roomOf(file) {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : '.';
}

function nameOf(room) {
  return room === '.' ? 'index.ts' : room;
}

function show(file) {
  return `src/${file}`;
}
