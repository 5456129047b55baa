#!/usr/bin/env node
// Writes tests/vectors/compute/plots.json: what the plain reference (src/compute/spec/) gives for every operation that a disk does, and
// orders in which sectors are read.
// scripts/golden_plots_check.py computes the same from docs/proofs/storage.md and RFC 9106 alone.
// Usage: node scripts/golden-plots.mjs [--check]   --check writes nothing and exits 1 when the file is not what comes out
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { register } from 'tsx/esm/api';

register();
const { argon2dMemory, argon2dTag } = await import('../src/compute/spec/argon2d.ts');
const plots = await import('../src/compute/spec/plot.ts');
const { drawOrder } = await import('../src/verification/kinds/storage/questions.ts');

const file = new URL('../tests/vectors/compute/plots.json', import.meta.url);
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
/** Anybody can make these: SHA-256 of a text. */
const named = (text) => new Uint8Array(createHash('sha256').update(text).digest());

const vectors = {
  origin: 'the plain reference of this repository, src/compute/spec/',
  command: 'node scripts/golden-plots.mjs',
  confirmedBy: 'python3 scripts/golden_plots_check.py',
  plots: [
    plotCase({ sectorBlocks: 8, passes: 2, leafBlocks: 1 }, 5, 2),
    plotCase({ sectorBlocks: 16, passes: 3, leafBlocks: 2 }, 3, 4),
    plotCase({ sectorBlocks: 64, passes: 1, leafBlocks: 4 }, 1, 16),
  ],
  orders: [orderCase(1, 1), orderCase(23, 23), orderCase(1000, 20), orderCase(2 ** 26 - 1, 20)],
};
const text = `${JSON.stringify(vectors, undefined, 1)}\n`;
if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  if (process.argv.includes('--check')) {
    console.log('tests/vectors/compute/plots.json: not what the plain reference gives');
    process.exitCode = 1;
  } else writeFileSync(file, text);
}

function orderCase(sectors, count) {
  const key = named(`order of ${sectors}`);
  return { sectors, key: hex(key), order: [...drawOrder(key, sectors, count)] };
}

function plotCase(shape, sectors, pieceBlocks) {
  const place = named(`place ${shape.sectorBlocks}`);
  const key = named('key');
  const name = { ...shape, place };
  const data = Array.from({ length: sectors }, (_, i) => argon2dMemory(plots.sectorInput(name, i)));
  const roots = data.map((sector) => plots.leafTree(shape, sector).root);
  const tree = plots.plotTree(new Uint8Array(Buffer.concat(roots))).root;
  const last = sectors - 1;
  const leaf = data[last].slice(0, plots.leafBytes(shape));
  const piece = data[last].slice(-pieceBlocks * 1024);
  const pieces = data.map((sector, i) => plots.pieceTree(key, i, sector, pieceBlocks * 1024).root);
  return {
    ...shape,
    pieceBlocks,
    place: hex(place),
    key: hex(key),
    sectors: data.map(sha),
    tags: data.map((sector) => hex(argon2dTag(sector))),
    roots: roots.map(hex),
    root: hex(plots.plotRoot(name, sectors, tree)),
    leafDigest: hex(plots.leafDigest(key, last, 0, leaf)),
    pieceDigest: hex(plots.pieceDigest(key, last, shape.sectorBlocks / pieceBlocks - 1, piece)),
    answers: hex(plots.answerTree(new Uint8Array(Buffer.concat(roots))).root),
    range: hex(plots.rangeTree(new Uint8Array(Buffer.concat(pieces))).root),
  };
}
