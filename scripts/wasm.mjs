#!/usr/bin/env node
// Assembles src/compute/wasm/*.wat; the bytes are committed beside each source, so that nobody needs an assembler to run.
// Usage: node scripts/wasm.mjs [--check]     --check writes nothing and exits 1 when a committed file is not what comes out
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const folder = new URL('../src/compute/wasm/', import.meta.url);
const FEATURES = { simd: true, relaxed_simd: true, threads: true, bulk_memory: true, multi_value: true };
const { parseWat } = await wabt();
const onlyCheck = process.argv.includes('--check');

const names = readdirSync(folder).filter((name) => name.endsWith('.wat'));
const made = new Map(names.map((name) => [name.replace(/\.wat$/, '.wasm.ts'), moduleOf(name)]));
const kept = readdirSync(folder).filter((name) => name.endsWith('.wasm.ts'));
for (const name of new Set([...made.keys(), ...kept])) {
  const file = new URL(name, folder);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  if (before === made.get(name)) continue;
  if (onlyCheck || !made.has(name)) {
    console.log(`src/compute/wasm/${name}: not what scripts/wasm.mjs makes of its .wat`);
    process.exitCode = 1;
  } else writeFileSync(fileURLToPath(file), made.get(name));
}

/** @param {string} name */
function moduleOf(name) {
  const wat = parseWat(name, readFileSync(new URL(name, folder), 'utf8'), FEATURES);
  wat.resolveNames();
  wat.validate(FEATURES);
  const { buffer } = wat.toBinary({ write_debug_names: false });
  wat.destroy();
  const base64 = Buffer.from(buffer).toString('base64');
  return [
    `// Owns: the bytes of ${name}, assembled by scripts/wasm.mjs. Does not own: anything to edit.`,
    `export const WASM =\n  '${base64}';\n`,
  ].join('\n');
}
