import { describe, expect, test } from 'vitest';
import { type Choose, decode, generate, streamChoice, type Wanted } from '../../../src/inference/generate.js';
import { openMaster, seededMaster } from '../../../src/inference/master.js';
import { createPlainModel } from '../../../src/inference/plain/model.js';
import { BEGIN_OF_TEXT, END_OF_TEXT } from '../../../src/inference/spec/byte-ids.js';
import type { Policy } from '../../../src/inference/spec/policy.js';
import { choose, rowOf } from '../../../src/inference/spec/race.js';
import { streamKey } from '../../../src/inference/spec/stream.js';
import { MINIATURE } from '../../../src/inference/tiny.js';

const { signal } = new AbortController();
const model = createPlainModel(openMaster(MINIATURE, seededMaster(MINIATURE, 'generate')));
const policy: Policy = {
  temperature: '1',
  candidates: 64,
  maxTokens: 40,
  // three, or none of so few rollouts would end before the cap
  stopIds: [12, 65, 130, END_OF_TEXT],
  rolloutsPerGroup: 3,
  environmentDigest: new Uint8Array(32),
};
const root = new Uint8Array(32).fill(7);
const wanted: Wanted[] = [0, 1, 2, 3].flatMap((group) =>
  [0, 1, 2].map((index) => ({
    group,
    index,
    prompt: Uint32Array.of(BEGIN_OF_TEXT, ...Array(group).fill(66)),
  })),
);
const parts = { model, policy, choose: streamChoice(policy, root) };

describe('generated completions', () => {
  test('end with a stop id or at the cap, and with nothing else', async () => {
    const rollouts = await generate(parts, wanted, {}, signal);
    expect(rollouts.map(({ group, index }) => [group, index])).toEqual(wanted.map((w) => [w.group, w.index]));
    for (const { stop, tokens } of rollouts) {
      const stops = [...tokens].map((id) => policy.stopIds.includes(id));
      expect(stops.slice(0, -1)).not.toContain(true);
      expect(stops.at(-1)).toBe(stop === 'eos');
      if (stop === 'cap') expect(tokens).toHaveLength(40);
    }
    expect(new Set(rollouts.map(({ stop }) => stop))).toEqual(new Set(['eos', 'cap']));
  });

  test('are what the stream demands at every position, replayed over the whole sequence', async () => {
    const [rollout] = await generate(parts, wanted.slice(7, 8), {}, signal);
    const { group, index, prompt } = wanted[7];
    const hidden = await model.prefill([Uint32Array.of(...prompt, ...rollout.tokens)], signal);
    const key = streamKey(root, group, index);
    for (const [position, token] of rollout.tokens.entries()) {
      const at = [{ sequence: 0, position: prompt.length - 1 + position }];
      const row = rowOf(await hidden.head(at, 64, signal), 0);
      expect(choose(row, 1, { key, position })).toEqual({ kind: 'chosen', token });
    }
    expect(rollout.tokens.length).toBeGreaterThan(3);
  });

  test('are the same in batches of any size', async () => {
    const alone = await generate(parts, wanted, { batch: 1 }, signal);
    for (const batch of [5, 100]) expect(await generate(parts, wanted, { batch }, signal)).toEqual(alone);
  });

  test('begin where others end, so that no row is idle while any is wanted', async () => {
    const live: number[] = [];
    const asked: number[] = [];
    function* lazily() {
      for (const one of wanted) {
        asked.push(one.group);
        yield one;
      }
    }
    let ended = 0;
    for await (const step of decode(parts, lazily(), { batch: 5 }, signal)) {
      // none is asked for before there is room for it
      expect(asked.length).toBe(Math.min(12, ended + 5));
      live.push(step.tokens);
      ended += step.ended.length;
    }
    expect(ended).toBe(12);
    const full = live.filter((rows) => rows === 5).length;
    const tokens = live.reduce((sum, rows) => sum + rows, 0);
    expect(tokens).toBeGreaterThan(200);
    expect(full).toBeGreaterThan(tokens / 5 - 25);
  });

  test('tell how far they are', async () => {
    const told: { finished: number; wanted: number; tokens: number }[] = [];
    const onProgress = (progress: (typeof told)[number]) => told.push(progress);
    const rollouts = await generate(parts, wanted, { batch: 5, onProgress }, signal);
    const tokens = rollouts.reduce((sum, rollout) => sum + rollout.tokens.length, 0);
    expect(told.at(-1)).toEqual({ finished: 12, wanted: 12, tokens });
    expect(told[0]).toMatchObject({ wanted: 12, tokens: 5 });
    for (const [i, { finished }] of told.entries())
      expect(finished).toBeGreaterThanOrEqual(told[i - 1]?.finished ?? 0);
  });

  test('end with the signal', async () => {
    const stop = new AbortController();
    let steps = 0;
    const onProgress = () => {
      if (++steps === 3) stop.abort(new Error('enough'));
    };
    await expect(generate(parts, wanted, { onProgress }, stop.signal)).rejects.toThrow('enough');
    expect(steps).toBe(3);
  });

  test('do not begin where prompt and cap do not fit the model, or a stop id is no id of it', async () => {
    const long = [{ group: 5, index: 1, prompt: new Uint32Array(217).fill(1) }];
    await expect(generate(parts, long, {}, signal)).rejects.toThrow(/5\/1: expected 1\.\.216 ids/);
    await expect(generate(parts, [{ ...long[0], prompt: new Uint32Array() }], {}, signal)).rejects.toThrow(
      /5\/1/,
    );
    const strange = { ...parts, policy: { ...policy, stopIds: [258] } };
    await expect(generate(strange, wanted, {}, signal)).rejects.toThrow(/ids below 258, got 258/);
    await expect(generate(parts, wanted, { batch: 0 }, signal)).rejects.toThrow(RangeError);
  });

  test('are not made of logits that are no numbers', () => {
    const row = { ids: Int32Array.of(1, 2), logits: Float32Array.of(Number.NaN, 0) };
    expect(() => parts.choose(row, wanted[4], 9)).toThrow(/rollout 1\/1, token 9/);
  });

  test('end, and are not cut, where a stop id is the last token that may be', async () => {
    const last: Choose = (_, __, position) => (position === 39 ? END_OF_TEXT : 1);
    const [rollout] = await generate({ ...parts, choose: last }, wanted.slice(0, 1), {}, signal);
    expect([rollout.stop, rollout.tokens.length]).toEqual(['eos', 40]);
  });

  test('follow another rule where one is given', async () => {
    const highest: Choose = (row) => row.ids[0];
    const [rollout] = await generate({ ...parts, choose: highest }, wanted.slice(0, 1), {}, signal);
    const decoding = await model.open([wanted[0].prompt], 1, signal);
    for (const token of rollout.tokens) {
      expect(token).toBe(decoding.candidates().ids[0]);
      await decoding.advance([token], signal);
    }
  });
});
