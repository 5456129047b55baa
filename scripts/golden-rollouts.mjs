#!/usr/bin/env node
// Writes tests/vectors/rollouts-stream.json: what src/inference/spec/ gives for the forced stream of rollouts.
// examples/rollouts-stream/vectors.py computes the same from docs/rollouts/stream.md alone.
// Usage: node scripts/golden-rollouts.mjs [--check]     --check writes nothing and exits 1 when the file is not what comes out
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { register } from 'tsx/esm/api';

register();
const spec = (name) => import(`../src/inference/spec/${name}.ts`);
const { ln, exp } = await spec('log');
const { philox } = await spec('philox');
const { streamRoot, streamKey, promptSeed, gumbelOf } = await spec('stream');
const { choose, judge, sentinel } = await spec('race');
const { likelihoodOf, raceZ, liftOf } = await spec('distribution');
const { scanTables, scanRollout, addScans, NO_SCAN, unforcedBits, sampledEntropy, scanFinding } =
  await spec('scan');
const { policyBytes, policyDigest, policyJson, parsePolicy, temperatureOf } = await spec('policy');
const { profileBytes, profileDigest } = await spec('profile');
const { windowBytes, windowDigest, windowJson, SIGNATURE_BYTES } = await spec('window');
const { createSeededRandom } = await import('../src/model/prng.ts');

const file = new URL('../tests/vectors/rollouts-stream.json', import.meta.url);
const random = createSeededRandom('golden vectors of the stream of rollouts');
const hex = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
const sha = (bytes) =>
  createHash('sha256')
    .update(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    .digest('hex');
const u32 = () => random.below(2 ** 32);
const many = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const pick = (...items) => items[random.below(items.length)];
const MAX = 0xffff_ffff;

/** A float64 by its bits, 16 digits: no decimal text is parsed the same everywhere. */
function bits(value) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}

/** A float32 by its bits, 8 digits. */
function bits32(value) {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0).toString(16).padStart(8, '0');
}

const roots = [];
const sections = {
  philox: philoxCases(),
  ln: lnCases(),
  exp: expCases(),
  gumbel: [0, 1, 2, 0x7fff_ffff, 0x8000_0000, MAX - 1, MAX, ...many(121, u32)].map((word) => [
    word,
    bits(gumbelOf(word)),
  ]),
  windows: windowCases(),
  keys: many(96, (i) => {
    const [root, group, rollout] = [pick(...roots), i === 0 ? MAX : u32(), i === 1 ? MAX : random.below(64)];
    const { k0, k1 } = streamKey(root, group, rollout);
    return { root: hex(root), group, rollout, k0, k1 };
  }),
  prompts: many(64, (i) => {
    const [root, group] = [pick(...roots), i < 2 ? i * MAX : u32()];
    return { root: hex(root), group, seed: hex(promptSeed(root, group)) };
  }),
  policies: policyCases(),
  profiles: profileCases(),
  races: many(256, raceCase),
  judgements: many(192, judgeCase),
  sentinels: many(96, sentinelCase),
  likelihoods: many(96, likelihoodCase),
  tables: tableCase(),
  scans: many(48, scanCase),
  sums: many(96, sumCase),
};

const count = Object.values(sections).reduce((sum, cases) => sum + cases.length, 0);
const head = {
  origin: 'src/inference/spec/ of this repository',
  command: 'node scripts/golden-rollouts.mjs',
  confirmedBy: 'python3 examples/rollouts-stream/vectors.py tests/vectors/rollouts-stream.json',
  floats: 'by their bits, hexadecimal: 16 digits of float64, 8 of float32',
  count,
};
const lines = Object.entries(sections).map(
  ([name, cases]) => `"${name}": [\n${cases.map((one) => ` ${JSON.stringify(one)}`).join(',\n')}\n]`,
);
const text = `${JSON.stringify(head, undefined, 1).slice(0, -2)},\n${lines.join(',\n')}\n}\n`;
const kept = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
if (kept !== text) {
  if (process.argv.includes('--check')) {
    console.log('tests/vectors/rollouts-stream.json: not what the stream gives');
    process.exitCode = 1;
  } else writeFileSync(file, text);
}

function philoxCases() {
  const known = [
    [
      [0, 0, 0, 0],
      [0, 0],
    ],
    [
      [MAX, MAX, MAX, MAX],
      [MAX, MAX],
    ],
    [
      [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
      [0xa409_3822, 0x299f_31d0],
    ],
    [
      [151_645, 0, 0, 0],
      [1, 0],
    ],
    [
      [42, 7, 0, 0],
      [0x0123_4567, 0x89ab_cdef],
    ],
  ];
  const drawn = many(59, (i) => [i % 2 === 0 ? [u32(), u32(), 0, 0] : many(4, u32), many(2, u32)]);
  return [...known, ...drawn].map(([counter, key]) => ({ counter, key, words: philox(counter, key) }));
}

function lnCases() {
  const edges = [1, 2, 0.5, Math.SQRT2, Math.SQRT1_2, 1 - 2 ** -53, 1 + 2 ** -52, 1 + 2 ** -20, 1 - 2 ** -21];
  edges.push(5e-324, 2 ** -1022, Number.MAX_VALUE, 2 ** -33, 65_536, 1e300);
  const drawn = many(113, (i) => {
    const word = u32() + 0.5;
    return [word * 2 ** -32, -ln(word * 2 ** -32), word, 1 + word * 2 ** -52][i % 4];
  });
  return [...edges, ...drawn].map((x) => [bits(x), bits(ln(x))]);
}

function expCases() {
  const edges = [0, -(2 ** -29), -(2 ** -27), -0.34, -0.35, -1, -1.03, -1.04, -708.5, -745, -745.2, -1e6];
  const drawn = many(52, (i) => -(u32() + 0.5) * 2 ** -32 * [1, 20, 800][i % 3]);
  return [...edges, ...drawn].map((x) => [bits(x), bits(exp(x))]);
}

function windowCases() {
  return many(48, (i) => {
    const kind = ['drand-quicknet', 'drand-pallet', 'dev-chain'][i % 3];
    const round = i === 0 ? 0n : i === 1 ? 2n ** 64n - 1n : BigInt(u32());
    const context = {
      beacon: { kind, round, signature: random.bytes(SIGNATURE_BYTES[kind]) },
      genesis: random.bytes(32),
      netuid: i === 1 ? 0xffff : random.below(256),
      window: i === 0 ? 0 : i === 1 ? MAX : u32(),
      checkpointDigest: random.bytes(32),
      policyDigest: random.bytes(32),
    };
    const hotkey = random.bytes(32);
    const root = streamRoot(context, hotkey);
    roots.push(root);
    return {
      window: windowJson(context),
      hotkey: hex(hotkey),
      bytes: hex(windowBytes(context)),
      digest: hex(windowDigest(context)),
      root: hex(root),
    };
  });
}

function policyCases() {
  return many(24, (i) => {
    const policy = parsePolicy({
      temperature: ['1', '0.7', '2', '0.0001', '1.25', '0.333'][i % 6],
      candidates: i === 0 ? 2 : 2 + random.below(1023),
      maxTokens: 1 + random.below(8192),
      stopIds: many(1 + (i % 3), (j) => 1000 * j + random.below(1000)),
      rolloutsPerGroup: 1 + random.below(16),
      environmentDigest: hex(random.bytes(32)),
    });
    return {
      policy: policyJson(policy),
      bytes: hex(policyBytes(policy)),
      digest: hex(policyDigest(policy)),
      temperature: bits(temperatureOf(policy)),
    };
  });
}

function profileCases() {
  return many(12, (i) => {
    const [graph, weights] = [random.bytes(32), random.bytes(32)];
    const names = {
      engine: pick('onnxruntime-node', 'plain'),
      engineVersion: `1.${i}`,
      provider: pick('cpu', 'cuda', 'webgpu'),
      dtype: ['fp32', 'fp16', 'bf16', 'int8', 'int4'][i % 5],
      kvDtype: ['fp32', 'fp16', 'bf16'][i % 3],
      isa: pick('x64', 'arm64', 'sm_90'),
    };
    const profile = { ...names, graphDigest: graph, weightsDigest: weights };
    return {
      profile: { ...names, graphDigest: hex(graph), weightsDigest: hex(weights) },
      bytes: hex(profileBytes(profile)),
      digest: hex(profileDigest(profile)),
    };
  });
}

/** Distinct ids, logits from the highest down; every third row has equal ones. */
function drawnRow(i, size, spread = 8) {
  const ids = new Set();
  while (ids.size < size) ids.add(random.below(32_000));
  const step = i % 3 === 0 ? 1 : 2 ** -20;
  // beside such logits a draw is nothing: all tie
  if (i % 32 === 5) return { ids: Int32Array.from(ids), logits: new Float32Array(size).fill(2 ** 80) };
  const logits = many(size, () => Math.floor(((u32() / 2 ** 32) * spread) / step) * step - 2);
  return { ids: Int32Array.from(ids), logits: Float32Array.from(logits.sort((a, b) => b - a)) };
}

function shownRow({ ids, logits }) {
  return { ids: [...ids], logits: [...logits].map(bits32) };
}

function drawnPlace() {
  return { key: { k0: u32(), k1: u32() }, position: random.below(8192) };
}

function shownPlace({ key, position }) {
  return { k0: key.k0, k1: key.k1, position };
}

function raceCase(i) {
  const row = drawnRow(i, 2 + random.below(20));
  const temperature = [1, 0.7, 2, 0.0001][i % 4];
  const place = drawnPlace();
  const { token } = choose(row, temperature, place);
  return { ...shownRow(row), temperature: bits(temperature), ...shownPlace(place), token };
}

function judgeCase(i) {
  const row = drawnRow(i, 4 + random.below(12), 3);
  const temperature = [1, 0.7, 2][i % 3];
  const rules = {
    temperature,
    vocabulary: i % 8 === 7 ? row.ids.length : 32_000,
    tolerance: [105, 52_428, 419_430][i % 3],
  };
  const place = drawnPlace();
  // the winner, another of the row, or one that it lacks near its cut
  const foreign = i % 4 === 3 && i % 8 !== 7;
  const token = foreign
    ? 32_000 + i
    : i % 2 === 0
      ? choose(row, temperature, place).token
      : row.ids[random.below(row.ids.length)];
  const near = foreign ? Math.fround(row.logits.at(-1) - u32() / 2 ** 33) : undefined;
  const logit = i % 64 === 3 ? Number.NEGATIVE_INFINITY : near; // masked
  const { admissible, margin, violation } = judge(rules, row, place, token, logit);
  return {
    ...shownRow(row),
    ...rules,
    temperature: bits(temperature),
    ...shownPlace(place),
    token,
    ...(logit === undefined ? {} : { logit: bits32(logit) }),
    admissible,
    margin,
    violation,
  };
}

function sentinelCase(i) {
  const row = drawnRow(1, 4, 5);
  const place = drawnPlace();
  const [token, ...others] = row.ids;
  const ids = i % 5 === 0 ? [token, ...others] : others;
  const logits = ids.map((id) => row.logits[row.ids.indexOf(id)]);
  const rules = { temperature: [1, 0.7][i % 2], vocabulary: 32_000, tolerance: [105, 52_428][i % 2] };
  const sighting = { ...place, token, logit: row.logits[0], ids, logits: Float32Array.from(logits) };
  const { margin, finding } = sentinel(rules, sighting);
  return {
    token,
    logit: bits32(row.logits[0]),
    ids,
    logits: logits.map(bits32),
    tolerance: rules.tolerance,
    temperature: bits(rules.temperature),
    ...shownPlace(place),
    margin,
    finding,
  };
}

function likelihoodCase(i) {
  const row = drawnRow(1, 2 + random.below(14), [1, 8, 40][i % 3]);
  const temperature = [1, 0.7, 2][i % 3];
  const place = drawnPlace();
  const foreign = i % 4 === 3;
  const token = foreign ? 40_000 : row.ids[random.below(row.ids.length)];
  const logit = foreign ? row.logits.at(-1) : undefined;
  const { probability, logProbability } = likelihoodOf(row, temperature, token, logit);
  return {
    ...shownRow(row),
    temperature: bits(temperature),
    ...shownPlace(place),
    token,
    ...(foreign ? { logit: bits32(logit) } : {}),
    probability: bits(probability),
    logProbability: bits(logProbability),
    z: raceZ(place, token, probability),
    lift: liftOf(row, temperature),
  };
}

function tableCase() {
  const { race, gumbel, gumbelSum } = scanTables();
  const sum = (table) => table.reduce((a, b) => a + b, 0);
  return [
    {
      table: 'race',
      sha256: sha(race),
      sum: sum(race),
      first: [...race.slice(0, 4)],
      last: [...race.slice(-4)],
    },
    {
      table: 'gumbel',
      sha256: sha(gumbel),
      sum: gumbelSum,
      first: [...gumbel.slice(0, 4)],
      last: [...gumbel.slice(-4)],
    },
  ];
}

function scanCase(i) {
  const key = { k0: u32(), k1: u32() };
  const tokens = Uint32Array.from({ length: i }, (_, j) => (j === 3 ? MAX : random.below(32_000)));
  const { race, gumbel } = scanRollout(key, tokens);
  return { ...key, tokens: [...tokens], race, gumbel };
}

/** Sums as a window gives them, from none to those of a year. */
function sumCase(i) {
  const tokens = i === 0 ? 0 : i === 1 ? 2 ** 32 : 1 + random.below([100, 10_000, 2 ** 30][i % 3]);
  const perToken =
    (1 + (u32() / 2 ** 32) * [0.01, 0.3, 1.2][(i >> 2) % 3]) * 65_536 - (i % 5 === 0 ? 2000 : 0);
  const sum = addScans(NO_SCAN, {
    tokens,
    race: Math.floor(tokens * perToken),
    gumbel: Math.floor(tokens * (perToken - 30_000)),
  });
  const rows = i % 7 === 0 ? 0 : 1 + random.below(1000);
  const lift = Math.floor(rows * [700, 6000, 30_000][i % 3]);
  const { kind, unforcedBits: found } = scanFinding(sum, { rows, lift });
  if (found !== unforcedBits(sum)) throw new Error('the finding has another bound than the sum');
  return { ...sum, rows, lift, unforcedBits: found, sampledEntropy: sampledEntropy(sum), finding: kind };
}
