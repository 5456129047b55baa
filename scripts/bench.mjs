#!/usr/bin/env node
// Runs benchmarks/<room>/*.bench.ts, each in a process of its own.
// Usage: npm run bench -- <room>... [--json]
//   --json   one object a line on stdout: {"bench", "metric", "value", "unit", "baseline"?}; progress on stderr
// A benchmark default-exports `async (emit) => void` and calls emit({ bench, metric, value, unit, baseline? }).
import { fork } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'benchmarks');

if (process.env.ASSAY_BENCH_FILE && process.send) {
  const bench = await import(pathToFileURL(process.env.ASSAY_BENCH_FILE).href);
  await bench.default((row) => process.send(checked(row)));
  process.disconnect();
} else {
  await main();
}

async function main() {
  const options = { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } };
  const { values: flags, positionals: rooms } = parseArgs({ options, allowPositionals: true });
  const known = existsSync(folder) ? readdirSync(folder).filter((room) => benchesOf(room).length > 0) : [];
  const unknown = rooms.filter((room) => !known.includes(room));
  if (flags.help || rooms.length === 0 || unknown.length > 0) {
    if (unknown.length > 0) console.error(`no benchmarks for: ${unknown.join(', ')}`);
    console.error('usage: npm run bench -- <room>... [--json]');
    console.error(`rooms: ${known.join(', ') || 'none yet'}`);
    process.exit(flags.help ? 0 : 2);
  }
  for (const room of rooms)
    for (const file of benchesOf(room)) {
      console.error(`bench ${room}/${file}`);
      const rows = [];
      const code = await runBench(join(folder, room, file), (row) => {
        if (flags.json) console.log(JSON.stringify(row));
        else rows.push(row);
      });
      if (rows.length > 0) console.log(table(rows));
      if (code !== 0) {
        console.error(`bench ${room}/${file} failed, exit ${code}`);
        process.exitCode = 1;
      }
    }
}

function benchesOf(room) {
  const path = join(folder, room);
  try {
    return readdirSync(path)
      .filter((file) => file.endsWith('.bench.ts'))
      .sort();
  } catch {
    return []; // a file beside the rooms
  }
}

/** The child's own stdout goes to stderr: stdout is for results. */
function runBench(file, onRow) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [], {
      cwd: root,
      env: { ...process.env, ASSAY_BENCH_FILE: file },
      execArgv: ['--expose-gc', '--import', import.meta.resolve('tsx')],
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    child.on('message', onRow);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
}

function checked(row) {
  const { bench, metric, value, unit, baseline } = row;
  const strings = [bench, metric, unit].every((text) => typeof text === 'string');
  if (!strings || !Number.isFinite(value) || (baseline !== undefined && !Number.isFinite(baseline)))
    throw new TypeError(
      `bench row: expected { bench, metric, value, unit, baseline? }, got ${JSON.stringify(row)}`,
    );
  return { bench, metric, value, unit, ...(baseline === undefined ? {} : { baseline }) };
}

function table(rows) {
  const number = (value) =>
    value === undefined ? '' : String(Number(value.toPrecision(4))).replace(/\B(?=(\d{3})+$)/g, ',');
  const ratio = ({ value, baseline }) => (baseline ? `${(value / baseline).toFixed(2)}x` : '');
  const lines = [
    ['bench', 'metric', 'value', 'unit', 'baseline', 'value/baseline'],
    ...rows.map((row) => [
      row.bench,
      row.metric,
      number(row.value),
      row.unit,
      number(row.baseline),
      ratio(row),
    ]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const numeric = [2, 4, 5];
  const cell = (text, column) =>
    numeric.includes(column) ? text.padStart(widths[column]) : text.padEnd(widths[column]);
  return lines.map((line) => line.map(cell).join('  ').trimEnd()).join('\n');
}
