import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generate, streamChoice, type Wanted } from '../../../src/inference/generate.js';
import type { LanguageModel } from '../../../src/inference/language-model.js';
import { openMaster, seededMaster } from '../../../src/inference/master.js';
import { batchesOf } from '../../../src/inference/onnx/batches.js';
import { OnnxEngine } from '../../../src/inference/onnx/engine.js';
import { BODY, decoderData, decoderGraphs, graphDigest } from '../../../src/inference/onnx/graphs.js';
import { createOnnxModel } from '../../../src/inference/onnx/model.js';
import { loadRuntime, openSession } from '../../../src/inference/onnx/runtime.js';
import { createPlainModel } from '../../../src/inference/plain/model.js';
import { BEGIN_OF_TEXT, END_OF_TEXT } from '../../../src/inference/spec/byte-ids.js';
import type { Policy } from '../../../src/inference/spec/policy.js';
import { judge, rowOf, sentinel, toleranceUnits } from '../../../src/inference/spec/race.js';
import { streamKey } from '../../../src/inference/spec/stream.js';
import { MINIATURE, TINY } from '../../../src/inference/tiny.js';
import { toHex } from '../../../src/model/bytes.js';
import { isAssayError } from '../../../src/model/errors.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { noOnnx } from '../../support/onnx.js';

const { signal } = new AbortController();
const random = createSeededRandom('onnx');
const text = (length: number): Uint32Array =>
  Uint32Array.from({ length }, (_, i) => (i === 0 ? BEGIN_OF_TEXT : random.below(256)));
const master = openMaster(TINY, seededMaster(TINY, 'onnx'));

test('graphs are a function of the config alone, each config with a digest of its own', () => {
  expect(toHex(graphDigest(decoderGraphs(TINY)))).toBe(
    '1093704b17649c9b8461cfbf4e747296fb41dd7b03408ae4459a7cd06f22d2a0',
  );
  const others = [
    MINIATURE,
    { ...TINY, ropeTheta: 500_000 },
    { ...TINY, normEpsilon: 1e-6 },
    { ...TINY, kvHeads: 3 },
    { ...TINY, maxPositions: 2048 },
  ];
  const digests = [TINY, ...others].map((config) => toHex(graphDigest(decoderGraphs(config))));
  expect(new Set(digests).size).toBe(digests.length);
});

describe.skipIf(noOnnx)('a model on onnxruntime-node', () => {
  let model: LanguageModel;
  beforeAll(async () => {
    model = await createOnnxModel(master, { threads: 1 });
  });
  afterAll(() => model.close());

  test('says which package it runs on', () => {
    const { engine, engineVersion, provider, graphDigest: digest } = model.profile;
    expect([engine, provider]).toEqual(['onnxruntime-node', 'cpu']);
    expect(engineVersion).toMatch(/^\d+\.\d+\.\d+/);
    expect(toHex(digest)).toBe(toHex(graphDigest(decoderGraphs(TINY))));
  });

  test('gives the same logits to the bit whatever stands beside a sequence, and however far it is padded', async () => {
    const sequence = text(37);
    const at = [...sequence.keys()].map((position) => ({ sequence: 0, position }));
    const all = async (sequences: Uint32Array[]) => {
      const hidden = await model.prefill(sequences, signal);
      const candidates = await hidden.head(at, TINY.vocabulary, signal);
      hidden.release();
      return candidates;
    };
    const alone = await all([sequence]);
    // padded to 200; in one batch with others
    const beside = await all([sequence, text(193), text(38), text(1)]);
    const most = (a: Float32Array, b: Float32Array) =>
      Math.max(...a.map((logit, i) => Math.abs(logit - b[i])));
    expect(most(beside.logits, alone.logits)).toBeLessThan(1e-5);
    // other kernels than those of x64 were not looked at
    if (process.arch === 'x64') expect(beside).toEqual(alone);
  });

  test('refuses caches and hidden states beyond its memory, and works on', async () => {
    const bytes = 4 * TINY.width * 300;
    const small = await createOnnxModel(master, { threads: 1, memoryBytes: bytes });
    try {
      await expect(small.prefill([text(200), text(101)], signal)).rejects.toSatisfy((error: unknown) =>
        isAssayError(error, 'limit-exceeded'),
      );
      const hidden = await small.prefill([text(200), text(100)], signal);
      await expect(small.prefill([text(1)], signal)).rejects.toThrow(/1 tokens needs 768 bytes, 0 of 230400/);
      hidden.release();
      (await small.prefill([text(200), text(100)], signal)).release();
      await expect(small.open([text(3)], 8, signal)).rejects.toThrow(/cache of 1 rows of 128 tokens/);
    } finally {
      await small.close();
    }
  });

  test('refuses to grow a cache beyond its memory, and the decoding stands where it stood', async () => {
    const row = 2 * 4 * TINY.layers * TINY.kvHeads * TINY.headWidth * 128;
    const small = await createOnnxModel(master, { threads: 1, memoryBytes: 3 * row });
    try {
      const decoding = await small.open([text(127), text(5)], 8, signal);
      await decoding.advance([1, 1], signal);
      const before = decoding.candidates();
      await expect(decoding.advance([1, 1], signal)).rejects.toThrow(/cache of 2 rows of 256 tokens/);
      expect(decoding.candidates()).toEqual(before);
      await decoding.advance([undefined, 2], signal);
      expect(decoding.candidates().rows).toBe(1);
    } finally {
      await small.close();
    }
  });

  test('reads in pieces what is too long for its workspace: the same tokens, and the same logits within a hair', async () => {
    const workspaceBytes = 2 ** 20;
    const lengths = [150, 400, 17];
    expect(batchesOf(lengths, TINY, workspaceBytes).map(({ piece }) => piece)).toEqual([16, 32, undefined]);
    const narrow = await createOnnxModel(master, { threads: 1, workspaceBytes });
    try {
      const ids = createSeededRandom('pieces');
      const sequences = lengths.map((length) => Uint32Array.from({ length }, () => ids.below(256)));
      const at = sequences.flatMap(({ length }, sequence) =>
        [...Array(length).keys()].map((position) => ({ sequence, position })),
      );
      const seen = async (each: LanguageModel) => {
        const hidden = await each.prefill(sequences, signal);
        const prefilled = await hidden.head(at, 8, signal);
        hidden.release();
        const decoding = await each.open(sequences, 8, signal);
        const opened = decoding.candidates();
        await decoding.advance([1, 2, 3], signal);
        const rows = [prefilled, opened, decoding.candidates()];
        decoding.release();
        return rows;
      };
      const [pieces, whole] = [await seen(narrow), await seen(model)];
      for (const [i, { logits, ids }] of pieces.entries()) {
        const largest = Math.max(...logits.map((logit, k) => Math.abs(logit - whole[i].logits[k])));
        expect(largest).toBeLessThan(1e-5);
        expect(ids.filter((_, k) => k % 8 === 0)).toEqual(whole[i].ids.filter((_, k) => k % 8 === 0));
      }
      // what was taken for reading is given back
      const rows = 4 * TINY.width * 567;
      const kept = await createOnnxModel(master, { threads: 1, workspaceBytes, memoryBytes: 2 ** 21 + rows });
      for (let i = 0; i < 3; i++) (await kept.prefill(sequences, signal)).release();
      await kept.close();
    } finally {
      await narrow.close();
    }
  });

  test('says what the workspace would need where not even a few tokens fit', async () => {
    const narrow = await createOnnxModel(master, { threads: 1, workspaceBytes: 2 ** 14 });
    try {
      await expect(narrow.prefill([new Uint32Array(400)], signal)).rejects.toThrow(
        /16 tokens of a sequence of 400 need \d+ bytes, workspaceBytes allows 16384; give it more/,
      );
    } finally {
      await narrow.close();
    }
  });

  test('needs the buffers of its weights no more once its sessions are open', async () => {
    const open = async (overwrite: boolean) => {
      const config = { ...MINIATURE, tied: true };
      const { weights } = openMaster(config, seededMaster(config, 'onnx'));
      const data = decoderData(config, weights);
      const parts = { config, graphs: decoderGraphs(config), data, provider: 'cpu', threads: 1 } as const;
      const limits = { memoryBytes: 2 ** 24, workspaceBytes: 2 ** 24 };
      const engine = await OnnxEngine.create(await loadRuntime(), { ...parts, ...limits });
      if (overwrite) for (const values of data.values()) values.fill(0);
      const first = await engine.open(1, [Uint32Array.of(257, 9)], 8, () => false);
      await engine.prefill(2, [Uint32Array.of(257, 9)], () => false);
      const at = [{ sequence: 0, position: 1 }];
      const logits = await engine.logitsOf(2, at, Int32Array.of(1, 2, 3), () => false);
      await engine.close();
      return { first, logits };
    };
    expect(await open(true)).toEqual(await open(false));
  });

  test('has no provider that the package does not have', async () => {
    const runtime = await loadRuntime();
    const parts = { provider: 'cuda', threads: 1, data: new Map() } as const;
    const poor = { ...runtime, listSupportedBackends: () => [{ name: 'cpu' }] };
    await expect(openSession(poor, new Uint8Array(1), parts)).rejects.toThrow(/provider cuda: .* has cpu$/);
    const { InferenceSession } = {
      InferenceSession: { create: () => Promise.reject(new Error('no libcudart')) },
    };
    await expect(openSession({ ...runtime, InferenceSession }, new Uint8Array(1), parts)).rejects.toSatisfy(
      (error: unknown) => isAssayError(error, 'unsupported') && /no libcudart/.test(error.message),
    );
  });

  test('honest rollouts of 2,000 tokens: decoding, prefilling and the plain decoder agree on every one', async () => {
    const policy: Policy = {
      temperature: '1',
      candidates: 64,
      maxTokens: 150,
      stopIds: [END_OF_TEXT],
      rolloutsPerGroup: 4,
      environmentDigest: new Uint8Array(32),
    };
    const root = random.bytes(32);
    const wanted: Wanted[] = [...Array(20).keys()].map((i) => ({
      group: Math.floor(i / 4),
      index: i % 4,
      prompt: text(2 + 3 * i),
    }));
    const parts = { model, policy, choose: streamChoice(policy, root) };
    const rollouts = await generate(parts, wanted, { batch: 20 }, signal);
    const tokens = rollouts.reduce((sum, rollout) => sum + rollout.tokens.length, 0);
    expect(tokens).toBeGreaterThan(2000);

    const sequences = wanted.map(({ prompt }, i) => Uint32Array.of(...prompt, ...rollouts[i].tokens));
    const delta = 1e-4;
    const rules = { temperature: 1, vocabulary: TINY.vocabulary, tolerance: toleranceUnits(delta) };
    const hidden = await model.prefill(sequences, signal);
    let [judged, raced] = [0, 0];
    let largest = 0;
    for (const [sequence, { prompt, group, index }] of wanted.entries()) {
      const { tokens: own } = rollouts[sequence];
      const at = [...own.keys()].map((i) => ({ sequence, position: prompt.length - 1 + i }));
      const rows = await hidden.head(at, policy.candidates, signal);
      const asked = Int32Array.from([...own].flatMap((id) => [id, END_OF_TEXT]));
      const logits = await hidden.logitsOf(at, asked, signal);
      for (const [position, token] of own.entries()) {
        const place = { key: streamKey(root, group, index), position };
        const row = rowOf(rows, position);
        const judgement = judge(rules, row, place, token, logits[2 * position]);
        expect(judgement).toMatchObject({ kind: 'judged', margin: 0, violation: false });
        const stops = { ids: [END_OF_TEXT], logits: logits.subarray(2 * position + 1, 2 * position + 2) };
        const sighted = sentinel(rules, { ...place, token, logit: logits[2 * position], ...stops });
        // where it was no candidate it may seem to win
        if (row.ids.includes(END_OF_TEXT)) {
          expect(sighted).toMatchObject({ finding: 'clear' });
          raced++;
        }
        judged++;
      }
    }
    expect(judged).toBe(tokens);
    expect(raced).toBeGreaterThan(50);

    // the plain decoder is slow: one sequence of them
    const plain = createPlainModel(master);
    const at = [...sequences[7].keys()].map((position) => ({ sequence: 0, position }));
    const theirs = await (await plain.prefill([sequences[7]], signal)).head(at, 64, signal);
    const mine = await hidden.head(
      at.map(({ position }) => ({ sequence: 7, position })),
      64,
      signal,
    );
    const decoding = await model.open([sequences[7].subarray(0, 1)], 64, signal);
    for (const position of sequences[7].keys()) {
      if (position > 0) await decoding.advance([sequences[7][position]], signal);
      const step = decoding.candidates();
      for (let i = 0; i < 64; i++) {
        const [a, b] = [mine.logits[64 * position + i], theirs.logits[64 * position + i]];
        largest = Math.max(largest, Math.abs(a - b), Math.abs(a - step.logits[i]));
      }
    }
    expect(largest).toBeLessThan(delta);
    expect(largest).toBeLessThan(2e-5);
  });

  test('prefills a prompt once, however many rows begin with it and whenever they join', async () => {
    const runtime = await loadRuntime();
    const read: number[] = [];
    const counting = {
      ...runtime,
      InferenceSession: {
        create: async (...args: Parameters<typeof runtime.InferenceSession.create>) => {
          const session = await runtime.InferenceSession.create(...args);
          return {
            release: () => session.release(),
            run: (...[feeds, wanted]: Parameters<typeof session.run>) => {
              // as the runtime's tensors are
              const fed = feeds[BODY.ids] as unknown as { readonly dims: readonly number[] } | undefined;
              const [rows, length] = fed?.dims ?? [0, 1];
              if (length! > 1) read.push(rows!);
              return session.run(feeds, wanted);
            },
          };
        },
      },
    } as unknown as typeof runtime; // the two that are used
    const engine = await OnnxEngine.create(counting, {
      config: TINY,
      graphs: decoderGraphs(TINY),
      data: decoderData(TINY, master.weights),
      provider: 'cpu',
      threads: 1,
      memoryBytes: 2 ** 28,
      workspaceBytes: 2 ** 26,
    });
    try {
      const [one, other, third] = [text(9), text(12), text(9)];
      await engine.open(1, [one, other, one, one.slice()], 8, () => false);
      expect(read).toEqual([2]);
      await engine.advance(1, [undefined, 3, undefined, undefined], [one, third, third], () => false);
      expect(read).toEqual([2, 1]);
      const { logits, ids } = await engine.advance(
        1,
        [undefined, 4, undefined, undefined],
        [one, third],
        () => false,
      );
      expect(read).toEqual([2, 1]);
      const alone = await engine.open(2, [third], 8, () => false);
      expect(ids.slice(16)).toEqual(alone.ids);
      expect(Math.max(...logits.slice(16).map((logit, i) => Math.abs(logit - alone.logits[i])))).toBeLessThan(
        1e-5,
      );
    } finally {
      await engine.close();
    }
  });

  test('batches of any size make the same rollouts', async () => {
    const policy: Policy = {
      temperature: '0.7',
      candidates: 32,
      maxTokens: 60,
      stopIds: [10, 20, 30, END_OF_TEXT],
      rolloutsPerGroup: 12,
      environmentDigest: new Uint8Array(32),
    };
    const wanted = [...Array(12).keys()].map((index) => ({ group: 0, index, prompt: text(1 + index) }));
    const parts = { model, policy, choose: streamChoice(policy, random.bytes(32)) };
    const together = await generate(parts, wanted, { batch: 12 }, signal);
    expect(new Set(together.map(({ stop }) => stop)).size).toBe(2);
    const shared = wanted.map((of, i) => ({ ...of, prompt: wanted[Math.floor(i / 4)].prompt }));
    const once = await generate(parts, shared, { batch: 12 }, signal);
    for (const batch of [1, 5]) {
      expect(await generate(parts, wanted, { batch }, signal)).toEqual(together);
      expect(await generate(parts, shared, { batch }, signal)).toEqual(once);
    }
  });
});
