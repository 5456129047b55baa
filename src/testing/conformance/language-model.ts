// Owns: what every language model must do, whoever wrote it. Does not own: how near two engines are (docs/rollouts/model.md).
import assert from 'node:assert/strict';
import type { DecoderConfig } from '../../inference/decoder.js';
import type { Candidates, LanguageModel } from '../../inference/language-model.js';
import { encodeMaster, type Master, openMaster, seededWeights } from '../../inference/master.js';
import { createPlainModel } from '../../inference/plain/model.js';
import { MINIATURE } from '../../inference/tiny.js';
import { createSeededRandom } from '../../model/prng.js';
import type { ConformanceCase } from './proof.js';

export interface LanguageModelSubject {
  /** the case closes it */
  create(master: Master): Promise<LanguageModel>;
  /** between logits of this model, by whatever way, and of the plain one. @default 1e-4 */
  readonly tolerance?: number;
}

/** Two rows of the output matrix that are the same, in an order that only ids can settle. */
const TWINS = [77, 11] as const;

/**
 * The cases, for any test runner:
 *
 *     for (const { name, run } of languageModelConformance(subject)) test(name, run);
 */
export function languageModelConformance(subject: LanguageModelSubject): readonly ConformanceCase[] {
  const { create, tolerance = 1e-4 } = subject;
  const { signal } = new AbortController();
  const random = createSeededRandom('language-model');
  const { vocabulary, maxPositions } = MINIATURE;
  const text = (length: number): Uint32Array =>
    Uint32Array.from({ length }, (_, i) => (i === 0 ? 257 : random.below(256)));
  const near = (a: number, b: number, what: string): void =>
    assert.ok(Math.abs(a - b) <= tolerance, `${what}: ${a} and ${b} differ by more than ${tolerance}`);

  async function withModel(
    use: (model: LanguageModel, plain: LanguageModel) => Promise<void>,
    config: DecoderConfig = MINIATURE,
  ): Promise<void> {
    const master = masterOf(config);
    const plain = createPlainModel(master);
    const model = await create(master);
    try {
      await use(model, plain);
    } finally {
      await model.close();
      await plain.close();
    }
  }

  return [
    {
      name: 'says what it is: sizes of its config, digests of 32 bytes, those of its weights',
      run: () =>
        withModel(async (model, plain) => {
          assert.equal(model.vocabulary, vocabulary);
          assert.equal(model.maxPositions, maxPositions);
          assert.equal(model.profile.graphDigest.length, 32);
          assert.deepEqual(
            new Uint8Array(model.profile.weightsDigest),
            new Uint8Array(plain.profile.weightsDigest),
          );
          for (const field of ['engine', 'engineVersion', 'provider', 'isa'] as const)
            assert.notEqual(model.profile[field], '');
        }),
    },
    {
      name: 'orders candidates by logit, equal ones by id, and gives no more than the vocabulary',
      run: () =>
        withModel(async (model) => {
          const decoding = await model.open([text(3), text(9)], vocabulary + 5, signal);
          const { rows, perRow, ids, logits } = decoding.candidates();
          assert.deepEqual([rows, perRow, ids.length, logits.length], [2, vocabulary, 516, 516]);
          for (let row = 0; row < rows; row++) {
            const own = ids.subarray(row * perRow, (row + 1) * perRow);
            assert.equal(new Set(own).size, vocabulary);
            for (let i = 1; i < perRow; i++) {
              const [higher, lower] = logits.subarray(row * perRow + i - 1, row * perRow + i + 1);
              assert.ok(higher > lower || (higher === lower && own[i - 1] < own[i]), `${higher}, ${lower}`);
            }
            assert.equal(own.indexOf(TWINS[0]) - own.indexOf(TWINS[1]), 1);
          }
          decoding.release();
        }),
    },
    ...[MINIATURE, { ...MINIATURE, tied: true }, { ...MINIATURE, heads: 4, kvHeads: 4, layers: 1 }].map(
      (config, i): ConformanceCase => ({
        name: `decodes as the plain decoder does: ${['groups of heads', 'a tied output', 'a key for each head'][i]}`,
        run: () =>
          withModel(async (model, plain) => {
            const prompts = [text(5), text(1), text(17)];
            const mine = await model.open(prompts, 16, signal);
            const theirs = await plain.open(prompts, 16, signal);
            for (let step = 0; step < 12; step++) {
              const candidates = mine.candidates();
              assertNear(candidates, theirs.candidates());
              const tokens = prompts.map((_, row) => candidates.ids[row * 16 + (step % 3)]);
              await mine.advance(tokens, signal);
              await theirs.advance(tokens, signal);
            }
          }, config),
      }),
    ),
    {
      name: 'predicts over whole sequences what it predicted token by token, by either way to a logit',
      run: () =>
        withModel(async (model) => {
          const sequences = [text(40), text(3), text(70), text(64), text(1)];
          const hidden = await model.prefill(sequences, signal);
          for (const [sequence, ids] of sequences.entries()) {
            const decoding = await model.open([ids.subarray(0, 1)], 8, signal);
            const at = [...ids.keys()].map((position) => ({ sequence, position }));
            const whole = await hidden.head(at, 8, signal);
            const single = await hidden.logitsOf(at, whole.ids, signal);
            for (const position of ids.keys()) {
              if (position > 0) await decoding.advance([ids[position]], signal);
              const step = decoding.candidates();
              for (let i = 0; i < 8; i++) {
                near(whole.logits[8 * position + i], step.logits[i], `candidate ${i} at ${position}`);
                near(
                  whole.logits[8 * position + i],
                  single[8 * position + i],
                  `logit of ${i} at ${position}`,
                );
              }
            }
            decoding.release();
          }
          hidden.release();
        }),
    },
    {
      name: 'gives logits of any ids at any positions, in the order asked',
      run: () =>
        withModel(async (model, plain) => {
          const sequences = [text(4), text(20)];
          const at = [
            { sequence: 1, position: 19 },
            { sequence: 0, position: 0 },
            { sequence: 1, position: 19 },
          ];
          const ids = Int32Array.of(0, 257, 256, 256, 3, 3);
          const mine = await (await model.prefill(sequences, signal)).logitsOf(at, ids, signal);
          const theirs = await (await plain.prefill(sequences, signal)).logitsOf(at, ids, signal);
          assert.equal(mine.length, 6);
          for (const [i, logit] of mine.entries()) near(logit, theirs[i], `logit ${i}`);
        }),
    },
    {
      name: 'lets rows leave: those that stay move up and go on as if alone, past every growth of their cache',
      run: () =>
        withModel(async (model) => {
          const prompts = [text(2), text(6), text(3), text(30)];
          const together = await model.open(prompts, 4, signal);
          await together.advance([1, 2, 3, 4], signal);
          await together.advance([5, 6, undefined, 8], signal);
          await together.advance([undefined, 9, 10], signal);
          const alone = [prompts[1], prompts[3]].map((prompt, i) =>
            Uint32Array.of(
              ...prompt,
              ...[2, 6, 9],
              ...Array.from({ length: 150 }, (_, k) => (k * (i + 3)) % 256),
            ),
          );
          alone[1].set([4, 8, 10], prompts[3].length);
          for (let step = 0; step < 150; step++)
            await together.advance(
              [prompts[1], prompts[3]].map((prompt, i) => alone[i][prompt.length + 3 + step]),
              signal,
            );
          const hidden = await model.prefill(alone, signal);
          const ends = alone.map(({ length }, sequence) => ({ sequence, position: length - 1 }));
          assertNear(together.candidates(), await hidden.head(ends, 4, signal));
          await together.advance([undefined, undefined], signal);
          assert.equal(together.candidates().rows, 0);
        }),
    },
    {
      name: 'lets prompts join where rows have left: new ones, those of rows that are there, and of one that leaves',
      run: () =>
        withModel(async (model) => {
          const [first, second, long] = [text(6), text(3), text(140)];
          const rows = [first, second, first].map((prompt) => [...prompt]);
          const together = await model.open([first, second, first], 4, signal);
          const step = async (tokens: (number | undefined)[], joining: Uint32Array[]): Promise<void> => {
            await together.advance(tokens, signal, joining);
            for (const [i, token] of tokens.entries()) if (token !== undefined) rows[i].push(token);
            const staying = rows.filter((_, i) => tokens[i] !== undefined);
            rows.splice(0, rows.length, ...staying, ...joining.map((prompt) => [...prompt]));
            const hidden = await model.prefill(
              rows.map((row) => Uint32Array.from(row)),
              signal,
            );
            const ends = rows.map(({ length }, sequence) => ({ sequence, position: length - 1 }));
            assertNear(together.candidates(), await hidden.head(ends, 4, signal));
            hidden.release();
          };
          await step([1, 2, 3], []);
          // the first row leaves, and its place is its prompt's again; that of a row which has gone on is there to be had too
          await step([undefined, 4, 5], [first]);
          await step([undefined, 6, 7], [second]);
          await step([8, undefined, undefined], [second, second]);
          // longer than all before it: the cache grows under those that stay
          await step([undefined, 9, 10], [long]);
          await step([undefined, undefined, undefined], [long, first, long]);
          await step([undefined, 11, undefined], []);
          await step([12], [second, first]);
          const before = together.candidates();
          for (const [tokens, joining] of [
            [[1, 2, 3], [first]],
            [
              [1, undefined, undefined],
              [first, first, first],
            ],
            [[undefined, 2, 3], [new Uint32Array()]],
            [[undefined, 2, 3], [Uint32Array.of(vocabulary)]],
            [[undefined, 2, 3], [text(maxPositions + 1)]],
          ] as [(number | undefined)[], Uint32Array[]][])
            await assert.rejects(together.advance(tokens, signal, joining), RangeError);
          const gone = AbortSignal.abort(new Error('enough'));
          await assert.rejects(together.advance([undefined, 2, 3], gone, [first]), /enough/);
          assert.deepEqual(together.candidates(), before);
          await step([1, undefined, 3], [second]);
        }),
    },
    {
      name: 'keeps several decodings apart',
      run: () =>
        withModel(async (model) => {
          const first = await model.open([text(8)], 4, signal);
          const before = first.candidates();
          const second = await model.open([text(9), text(10)], 4, signal);
          await second.advance([7, 8], signal);
          assert.deepEqual(first.candidates(), before);
          second.release();
          await first.advance([before.ids[0]], signal);
          assert.equal(first.candidates().rows, 1);
        }),
    },
    {
      name: 'refuses what it cannot be asked, and works on',
      run: () =>
        withModel(async (model) => {
          const open = (prompts: Uint32Array[], candidates = 4) => model.open(prompts, candidates, signal);
          await assert.rejects(open([]), RangeError);
          await assert.rejects(open([text(2), new Uint32Array()]), RangeError);
          await assert.rejects(open([Uint32Array.of(vocabulary)]), RangeError);
          await assert.rejects(open([text(maxPositions + 1)]), RangeError);
          for (const candidates of [0, 1.5, Number.NaN])
            await assert.rejects(open([text(2)], candidates), RangeError);
          await assert.rejects(model.prefill([], signal), RangeError);
          await assert.rejects(model.prefill([text(maxPositions + 1)], signal), RangeError);
          const decoding = await open([text(2), text(maxPositions)]);
          const before = decoding.candidates();
          for (const tokens of [[1], [1, undefined, 2], [vocabulary, undefined], [-1, undefined], [1, 1]])
            await assert.rejects(decoding.advance(tokens, signal), RangeError);
          assert.deepEqual(decoding.candidates(), before);
          await decoding.advance([1, undefined], signal);
          assert.equal(decoding.candidates().rows, 1);
          const hidden = await model.prefill([text(2)], signal);
          for (const at of [
            { sequence: 0, position: 2 },
            { sequence: 1, position: 0 },
            { sequence: 0, position: -1 },
          ])
            await assert.rejects(hidden.head([at], 4, signal), RangeError);
          const place = [{ sequence: 0, position: 1 }];
          await assert.rejects(hidden.logitsOf(place, Int32Array.of(vocabulary), signal), RangeError);
          await assert.rejects(hidden.logitsOf([...place, ...place], Int32Array.of(1), signal), RangeError);
          assert.equal((await hidden.head([], 4, signal)).rows, 0);
          assert.equal((await hidden.logitsOf(place, Int32Array.of(1, 2), signal)).length, 2);
        }),
    },
    {
      name: 'ends with its signal, and works on',
      run: () =>
        withModel(async (model) => {
          const gone = AbortSignal.abort(new Error('enough'));
          await assert.rejects(model.open([text(2)], 4, gone), /enough/);
          await assert.rejects(model.prefill([text(2)], gone), /enough/);
          const decoding = await model.open([text(2)], 4, signal);
          const before = decoding.candidates();
          await assert.rejects(decoding.advance([1], gone), /enough/);
          assert.deepEqual(decoding.candidates(), before);
          await decoding.advance([1], signal);
          const soon = new AbortController();
          const many = model.prefill(
            Array.from({ length: 40 }, () => text(maxPositions)),
            soon.signal,
          );
          soon.abort(new Error('no more'));
          await assert.rejects(many, /no more/);
          assert.equal((await model.open([text(2)], 4, signal)).candidates().rows, 1);
        }),
    },
    {
      name: 'answers nothing after release and close',
      run: () =>
        withModel(async (model) => {
          const released = await model.open([text(2)], 4, signal);
          released.release();
          released.release();
          assert.throws(() => released.candidates());
          await assert.rejects(released.advance([1], signal));
          const hidden = await model.prefill([text(2)], signal);
          hidden.release();
          await assert.rejects(hidden.head([{ sequence: 0, position: 0 }], 4, signal));
          const open = await model.open([text(2)], 4, signal);
          await model.close();
          await model.close();
          await assert.rejects(open.advance([1], signal));
          await assert.rejects(model.open([text(2)], 4, signal));
          await assert.rejects(model.prefill([text(2)], signal));
        }),
    },
  ];

  /** The same ids where logits are further apart than the tolerance; logits within it. */
  function assertNear(a: Candidates, b: Candidates): void {
    assert.deepEqual([a.rows, a.perRow], [b.rows, b.perRow]);
    for (let i = 0; i < a.logits.length; i++) {
      near(a.logits[i], b.logits[i], `candidate ${i}`);
      const gaps = [i - 1, i + 1].filter((j) => Math.floor(j / a.perRow) === Math.floor(i / a.perRow));
      const alone = gaps.every((j) => Math.abs(b.logits[j] - b.logits[i]) > 2 * tolerance);
      // the last may be a neighbour of one outside
      if (alone && i % a.perRow < a.perRow - 1) assert.equal(a.ids[i], b.ids[i]);
    }
  }
}

/** Seeded, with the two equal rows. */
function masterOf(config: DecoderConfig): Master {
  const weights = new Map(seededWeights(config, 'conformance'));
  const name = config.tied ? 'model.embed_tokens.weight' : 'lm_head.weight';
  const output = weights.get(name)!.slice(); // tensorsOf names it
  const [one, other] = TWINS;
  output.copyWithin(other * config.width, one * config.width, (one + 1) * config.width);
  weights.set(name, output);
  return openMaster(config, encodeMaster(config, weights));
}
