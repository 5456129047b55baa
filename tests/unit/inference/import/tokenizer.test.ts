import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importModel } from '../../../../src/inference/import/import-model.js';
import { openTokenizer } from '../../../../src/inference/import/tokenizer.js';
import { seededMaster } from '../../../../src/inference/master.js';
import { createModelFolder, openModelFolder } from '../../../../src/inference/model-folder.js';
import { openModelTokenizer } from '../../../../src/inference/open-model.js';
import { MINIATURE } from '../../../../src/inference/tiny.js';
import { toHex, utf8 } from '../../../../src/model/bytes.js';
import type { Tokenizer } from '../../../../src/verification/environments/tokenizer.js';

const installed = await import('@huggingface/tokenizers').then(
  () => true,
  () => false,
);
if (!installed) console.warn('skipped: tokenizers of exports need @huggingface/tokenizers');

/** Bytes as GPT-2 writes them: printable ones as they are, the others from U+0100 on. */
const BYTES = (() => {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
})();
const SPACE = BYTES[32]!;
/** A byte-level BPE with two merges and one special token. */
const JSON_OF = (changes: object = {}) => ({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [
    {
      id: 258,
      content: '<end>',
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    },
  ],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    vocab: {
      ...Object.fromEntries(BYTES.map((text, byte) => [text, byte])),
      th: 256,
      [`${SPACE}th`]: 257,
      '<end>': 258,
    },
    merges: ['t h', `${SPACE} th`],
  },
  ...changes,
});
const open = (json: unknown, options: Partial<Parameters<typeof openTokenizer>[1]> = {}) =>
  openTokenizer(json, { vocabulary: 259, ...options });

describe.skipIf(!installed)('a tokenizer of an export', () => {
  test('gives ids of prompts behind the id that they begin with, and text of completions without special ones', async () => {
    const tokenizer = await open(JSON_OF(), { beginId: 258 });
    expect([...tokenizer.encode('at the')]).toEqual([258, 97, 116, 257, 101]);
    expect(tokenizer.decode(Uint32Array.of(97, 257, 101, 258))).toBe('a the');
    expect([...(await open(JSON_OF())).encode('é')]).toEqual([0xc3, 0xa9]);
    expect(() => tokenizer.decode(Uint32Array.of(259))).toThrow(RangeError);
    expect(() => tokenizer.encode('x'.repeat((1 << 20) + 1))).toThrow(RangeError);
  });

  test('has a digest of its ids: another merge is another digest', async () => {
    const { golden } = await open(JSON_OF());
    expect(toHex(golden)).toBe('10acffc8283ecab0ecf7cfce83220c1a95db3c3e0e03139ac9e8e814e9bf0a47');
    const { model } = JSON_OF();
    const other = await open(JSON_OF({ model: { ...model, merges: ['t h'] } }));
    expect(toHex(other.golden)).not.toBe(toHex(golden));
  });

  test('comes out of a model folder with its model, and does for environments', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'assay-tokenizer-'));
    try {
      const out = join(parent, 'model');
      const write = (json: string) =>
        createModelFolder(out, async (create) => {
          const put = async (name: string, bytes: Uint8Array) => {
            const file = await create(name);
            await file.write(bytes);
            return file.end();
          };
          const config = { ...MINIATURE, vocabulary: 259 };
          const weights = await put('master.safetensors', seededMaster(config, 'words'));
          const tokenizer = { kind: 'file', file: await put('tokenizer.json', utf8(json)) } as const;
          const common = { format: 'assay-model/1', family: 'seeded', stopIds: [258], beginId: 258 } as const;
          return { ...common, stopIds: [...common.stopIds], kind: 'decoder', config, weights, tokenizer };
        });
      await write(JSON.stringify(JSON_OF()));
      const { signal } = new AbortController();
      const tokenizer: Tokenizer | undefined = await openModelTokenizer(await openModelFolder(out), signal);
      expect([...tokenizer!.encode('the')]).toEqual([258, 256, 101]);
      await rm(out, { recursive: true });
      const lost = createModelFolder(join(parent, 'lost'), async (create) => {
        await create('no-folder/file');
        throw new Error('not reached');
      });
      await expect(lost).rejects.toMatchObject({ code: 'invalid-input' });
      await expect(lost).rejects.toThrow(/no-folder\/file in .*lost: expected a place that can be written/);
      await write('{');
      await expect(openModelTokenizer(await openModelFolder(out), signal)).rejects.toThrow(
        /tokenizer.json: expected JSON/,
      );
    } finally {
      await rm(parent, { recursive: true });
    }
  });

  /** Splits texts by a pattern of the export's own. */
  const split = (pattern: string) =>
    JSON_OF({
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
          { ...JSON_OF().pre_tokenizer, use_regex: false },
        ],
      },
    });

  test('has no more time than its texts take: a pattern that looks back for ever is stopped', async () => {
    await expect(open(split('(a+)+b'), { deadlineMs: 500 })).rejects.toThrow(
      /tokenizer.json: it fails for "a{80}": .* take longer than 541 ms/,
    );
    // slow for texts alone that nobody tried
    const tokenizer = await open(split('(z+)+b'), { deadlineMs: 500 });
    expect(() => tokenizer.encode('z'.repeat(40))).toThrow(/40 characters or ids take longer than 501 ms/);
    expect([...tokenizer.encode('the')]).toEqual([256, 101]);
  });

  test('is tried when its export is imported, before anything is written', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'assay-tokenizer-'));
    try {
      const { normEpsilon, ...sizes } = MINIATURE;
      const config = {
        model_type: 'llama',
        hidden_act: 'silu',
        vocab_size: 259,
        hidden_size: sizes.width,
        num_hidden_layers: sizes.layers,
        num_attention_heads: sizes.heads,
        num_key_value_heads: sizes.kvHeads,
        head_dim: sizes.headWidth,
        intermediate_size: sizes.hidden,
        max_position_embeddings: sizes.maxPositions,
        rms_norm_eps: normEpsilon,
        tie_word_embeddings: sizes.tied,
        eos_token_id: 258,
      };
      const write = (name: string, content: string | Uint8Array) => writeFile(join(dir, name), content);
      await write('config.json', JSON.stringify(config));
      await write('model.safetensors', seededMaster({ ...MINIATURE, vocabulary: 259 }, 'words'));
      const { signal } = new AbortController();
      for (const [json, message] of [
        [split('(a+)+b'), /take longer than \d+ ms; an export without it imports/],
        [JSON_OF({ decoder: null }), /comes back as .* an export without it imports/],
        [{}, /expected a tokenizer/],
      ] as const) {
        await write('tokenizer.json', JSON.stringify(json));
        await expect(importModel(dir, join(dir, 'out'), signal)).rejects.toThrow(message);
        expect(await readdir(dir)).not.toContain('out');
      }
      await write('tokenizer.json', JSON.stringify(JSON_OF()));
      const { notes } = await importModel(dir, join(dir, 'out'), signal);
      expect(notes).toEqual([]);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  test.each<[string, unknown, RegExp]>([
    [
      'a normalizer that changes texts',
      JSON_OF({ normalizer: { type: 'Lowercase' } }),
      /comes back as "q: 17\+25=\? a:"/,
    ],
    ['a decoder that is missing', JSON_OF({ decoder: null }), /comes back as/],
    [
      'ids beyond the vocabulary',
      JSON_OF({ model: { ...JSON_OF().model, vocab: { ...JSON_OF().model.vocab, Q: 300 } } }),
      /it fails for "Q": id of a text: expected one below 259, got 300/,
    ],
    [
      'a normalizer that makes much of little',
      JSON_OF({
        normalizer: {
          type: 'Sequence',
          normalizers: [1, 2, 4].map((count, n) => ({
            type: 'Replace',
            pattern: { String: '='.repeat(count) },
            content: '='.repeat(16 * (n + 1)),
          })),
        },
      }),
      /it fails for "=": ids of a text of 1 characters: expected at most 64 for each, got \d+/,
    ],
    ['no model', { version: '1.0' }, /a tokenizer|it fails/],
    ['no object', [], /a JSON object/],
    [
      'a pattern that is none',
      JSON_OF({
        pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated', invert: false },
      }),
      /a tokenizer/,
    ],
  ])('is refused with %s', async (_, json, message) => {
    await expect(open(json)).rejects.toThrow(message);
  });
});
