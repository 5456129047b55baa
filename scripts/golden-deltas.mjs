#!/usr/bin/env node
// Writes tests/vectors/rollouts-delta.json: deltas of bfloat16 tensors, byte by byte, for other implementations.
// Usage: node --import tsx scripts/golden-deltas.mjs. A signature differs each time: manifest and head are kept where there are some.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { toOrdered } from '../src/inference/checkpoint/bf16-order.ts';
import { createChangeWriter } from '../src/inference/checkpoint/changes.ts';
import { encodeDelta } from '../src/inference/checkpoint/delta.ts';
import { signHead } from '../src/inference/checkpoint/head.ts';
import { signCheckpoint } from '../src/inference/checkpoint/manifest.ts';
import { openMasterFile, tensorDigest } from '../src/inference/checkpoint/master-file.ts';
import { changeOf } from '../src/inference/checkpoint/publish.ts';
import { encodeSafetensors, memorySource } from '../src/inference/safetensors.ts';
import { devKeypair, readyKeys } from '../src/keys/keypair.ts';
import { toHex } from '../src/model/bytes.ts';
import { sha256 } from '../src/model/hash.ts';

const path = new URL('../tests/vectors/rollouts-delta.json', import.meta.url);
const kept = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
const baseRoot = new Uint8Array(32).fill(1);
const resultRoot = new Uint8Array(32).fill(2);
const bytes = (words) => new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

/** [base, next] of each tensor, as words. */
const CASES = {
  'no change': [
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  ],
  'empty tensor': [[[], []]],
  'one element': [[[0x3f80], [0x3f81]]],
  'zeros of both signs': [
    [
      [0x0000, 0x8000, 0x0000],
      [0x8000, 0x0000, 0x0000],
    ],
  ],
  'across zero': [
    [
      [0x0001, 0x8001, 0x0002],
      [0x8001, 0x0001, 0x8003],
    ],
  ],
  'subnormal to normal': [
    [
      [0x007f, 0x0080, 0x807f],
      [0x0080, 0x007f, 0x8080],
    ],
  ],
  infinities: [
    [
      [0x7f7f, 0xff7f, 0x7f80],
      [0x7f80, 0xff80, 0xff80],
    ],
  ],
  'payloads of NaN': [
    [
      [0x7fc0, 0x7f81, 0xffff, 0x7fff],
      [0x7fc1, 0xff81, 0x0000, 0xffff],
    ],
  ],
  'largest step without escape': [
    [
      [0x3f80, 0x3f80],
      [0x4000, 0x3f01],
    ],
  ],
  escapes: [
    [
      [0x3f80, 0x3f80, 0x0000, 0xffff],
      [0x4001, 0x3f00, 0x7fff, 0x7fff],
    ],
  ],
  'all changed': [[Array(300).fill(0x3c00), Array.from({ length: 300 }, (_, i) => 0x3bff + 2 * (i & 1))]],
  'gaps of two bytes': [
    [Array(1000).fill(0x3c00), Array.from({ length: 1000 }, (_, i) => 0x3c00 + (i % 333 === 200))],
  ],
  'two tensors, one unchanged between, one sent whole': [
    [Array(40).fill(0x3c00), Array.from({ length: 40 }, (_, i) => 0x3c00 + (i % 7 === 0))],
    [[5], [5]],
    [
      [0x3c00, 0x3c00],
      [0x1234, 0xbeef],
    ],
  ],
};

const tensors = Object.entries(CASES).map(([name, pairs]) => {
  const words = pairs.map((pair) => pair.map((list) => Uint16Array.from(list)));
  const changes = words.flatMap(([base, next], i) =>
    Buffer.compare(bytes(base), bytes(next)) === 0 ? [] : [changeOf(i, true, bytes(base), bytes(next))],
  );
  const delta = encodeDelta({ baseRoot, resultRoot, changes });
  const hex = (at) => words.map((pair) => toHex(bytes(pair[at])));
  return { name, base: hex(0), next: hex(1), delta: toHex(delta) };
});

/** Places in tensors that no test could hold. */
const places = [0, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 32, 2 ** 45, 2 ** 53 - 2];
const writer = createChangeWriter();
for (const [i, place] of places.entries()) writer.add(place, i % 2 === 0 ? i + 1 : -i);
const elements = 2 ** 53 - 1;
const changes = [{ tensor: 0, elements, steps: writer.finish() }];
const far = {
  elements,
  positions: places,
  steps: places.map((_, i) => (i % 2 === 0 ? i + 1 : -i)),
  delta: toHex(encodeDelta({ baseRoot, resultRoot, changes })),
};

const order = new Uint16Array(65_536).map((_, bits) => toOrdered(bits));

await readyKeys();
const keypair = devKeypair('trainer');
const file = encodeSafetensors([{ name: 'w', dtype: 'BF16', shape: [2], data: Uint8Array.of(1, 2, 3, 4) }]);
const { file: opened, header } = await openMasterFile(memorySource(file), 'master');
const listed = [
  { name: 'w', dtype: 'BF16', shape: [2], sha256: await tensorDigest(opened, opened.tensors[0]) },
];
const signed = signCheckpoint(
  {
    modelId: 'golden',
    step: 3,
    trainer: keypair.publicKey,
    parent: undefined,
    master: { bytes: file.length, sha256: sha256(file) },
    header,
    tensors: listed,
    isAnchor: true,
    deltas: [],
  },
  keypair,
);
const checkpoint = kept.checkpoint ?? {
  master: toHex(file),
  bytes: toHex(signed.bytes),
  root: toHex(signed.root),
  digest: toHex(signed.digest),
  head: toHex(signHead({ modelId: 'golden', window: 7, digest: signed.digest }, keypair).bytes),
};

const origin =
  'Made by `node --import tsx scripts/golden-deltas.mjs`; `python3 scripts/golden_deltas_check.py` reads it with a decoder of its own. Words are little-endian.';
const document = { origin, orderSha256: toHex(sha256(bytes(order))), tensors, far, checkpoint };
writeFileSync(path, `${JSON.stringify(document, null, 1)}\n`);
