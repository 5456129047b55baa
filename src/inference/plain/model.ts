// Owns: a language model in TypeScript alone: for tests, and for machines without onnxruntime-node. Does not own: the arithmetic
// (decoder.ts). Tiny models only: about 1 GFLOP a second, and it takes the thread that calls it.

import { utf8 } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import {
  assertJoining,
  assertPlaces,
  assertSequences,
  assertTokens,
  countOfCandidates,
  idsPerPosition,
} from '../asked.js';
import type { Candidates, Decoding, Hidden, LanguageModel } from '../language-model.js';
import type { Master } from '../master.js';
import { taggedHash } from '../spec/tagged.js';
import { Cache, PlainDecoder } from './decoder.js';

/** Steps between two looks at the signal and turns of the event loop. */
const STEPS = 64;

export function createPlainModel(master: Master): LanguageModel {
  const decoder = new PlainDecoder(master);
  const { vocabulary, maxPositions, layers } = master.config;
  const sizes = { vocabulary, maxPositions };
  let closed = false;
  let steps = 0;

  const breathe = async (signal?: AbortSignal): Promise<void> => {
    if (++steps % STEPS === 0) await new Promise(setImmediate);
    signal?.throwIfAborted();
  };
  const assertOpen = (): void => {
    if (closed) throw new Error('language model: closed');
  };

  return {
    ...sizes,
    profile: {
      engine: 'plain',
      engineVersion: '1',
      provider: 'cpu',
      dtype: 'fp32',
      kvDtype: 'fp32',
      isa: process.arch,
      // there is no graph: the loops of decoder.ts, and what of the config no tensor's shape shows, such as angles
      graphDigest: taggedHash('plain-decoder', utf8(canonicalJson(master.config))),
      weightsDigest: master.digest,
    },

    async open(prompts, candidates, signal) {
      assertOpen();
      assertSequences('prompt', prompts, sizes);
      const perRow = countOfCandidates(candidates, sizes);
      signal.throwIfAborted();
      return createDecoding(await begin(prompts, [], signal), perRow);
    },

    async prefill(sequences, signal) {
      assertOpen();
      assertSequences('sequence', sequences, sizes);
      signal.throwIfAborted();
      const hidden: Float32Array[][] = [];
      for (const sequence of sequences) {
        const cache = new Cache(layers);
        const outputs: Float32Array[] = [];
        for (const id of sequence) {
          outputs.push(decoder.forward(id, cache));
          await breathe(signal);
        }
        hidden.push(outputs);
      }
      return createHidden(hidden);
    },

    async close() {
      closed = true;
    },
  };

  /** A row each; one whose prompt another has is a fork of it as it was then. */
  async function begin(
    prompts: readonly Uint32Array[],
    there: readonly Row[],
    signal: AbortSignal,
  ): Promise<Row[]> {
    const known = new Map(there.map(({ prompt }) => [prompt.name, prompt]));
    const rows: Row[] = [];
    for (const ids of prompts) {
      const name = ids.join();
      const prompt = known.get(name) ?? (await read(ids, name, signal));
      known.set(name, prompt);
      rows.push({ prompt, cache: forkOf(prompt.cache), hidden: prompt.hidden });
    }
    return rows;
  }

  async function read(ids: Uint32Array, name: string, signal: AbortSignal): Promise<Prompt> {
    const cache = new Cache(layers);
    let hidden: Float32Array = new Float32Array();
    for (const id of ids) {
      hidden = decoder.forward(id, cache);
      await breathe(signal);
    }
    return { name, cache, hidden };
  }

  function createDecoding(opened: readonly Row[], perRow: number): Decoding {
    let rows: readonly Row[] | undefined = opened;
    const live = (): readonly Row[] => {
      assertOpen();
      if (!rows) throw new Error('decoding: released');
      return rows;
    };
    return {
      candidates: () =>
        candidatesOf(
          live().map(({ hidden }) => hidden),
          perRow,
        ),
      async advance(tokens, signal, joining = []) {
        const now = live();
        assertTokens(
          tokens,
          now.map(({ cache }) => cache.length),
          sizes,
        );
        assertJoining(joining, tokens, opened.length, sizes);
        signal.throwIfAborted();
        const joiners = await begin(joining, now, signal);
        // all or nothing: one that is aborted between rows could not be taken up again
        const kept: Row[] = [];
        for (const [i, token] of tokens.entries()) {
          if (token === undefined) continue;
          now[i].hidden = decoder.forward(token, now[i].cache);
          kept.push(now[i]);
        }
        rows = [...kept, ...joiners];
        await breathe();
      },
      release() {
        rows = undefined;
      },
    };
  }

  function createHidden(outputs: readonly (readonly Float32Array[])[]): Hidden {
    let hidden: typeof outputs | undefined = outputs;
    const lengths = outputs.map(({ length }) => length);
    const live = (): typeof outputs => {
      assertOpen();
      if (!hidden) throw new Error('hidden: released');
      return hidden;
    };
    return {
      async head(at, candidates, signal) {
        const of = live();
        assertPlaces(at, lengths);
        const perRow = countOfCandidates(candidates, sizes);
        signal.throwIfAborted();
        return candidatesOf(
          at.map(({ sequence, position }) => of[sequence][position]),
          perRow,
        );
      },
      async logitsOf(at, ids, signal) {
        const of = live();
        assertPlaces(at, lengths);
        const perPosition = idsPerPosition(at, ids, sizes);
        signal.throwIfAborted();
        const out = new Float32Array(ids.length);
        for (const [n, { sequence, position }] of at.entries())
          for (let i = n * perPosition; i < (n + 1) * perPosition; i++)
            out[i] = decoder.logitOf(of[sequence][position], ids[i]);
        return out;
      },
      release() {
        hidden = undefined;
      },
    };
  }

  function candidatesOf(hidden: readonly Float32Array[], perRow: number): Candidates {
    const ids = new Int32Array(hidden.length * perRow);
    const logits = new Float32Array(hidden.length * perRow);
    for (const [row, output] of hidden.entries()) {
      const all = decoder.logits(output);
      const order = Int32Array.from(all, (_, id) => id).sort((a, b) => higherFirst(all[a], all[b]) || a - b);
      for (let i = 0; i < perRow; i++) {
        ids[row * perRow + i] = order[i];
        logits[row * perRow + i] = all[order[i]];
      }
    }
    return { rows: hidden.length, perRow, ids, logits };
  }
}

interface Prompt {
  /** its ids */
  readonly name: string;
  readonly cache: Cache;
  /** of its last token */
  readonly hidden: Float32Array;
}
interface Row {
  readonly prompt: Prompt;
  readonly cache: Cache;
  /** of the last token */
  hidden: Float32Array;
}

/** Goes on alone; vectors are never changed, and shared. */
function forkOf(cache: Cache): Cache {
  const fork = new Cache(cache.keys.length);
  for (const [i, keys] of cache.keys.entries()) {
    fork.keys[i].push(...keys);
    fork.values[i].push(...cache.values[i]);
  }
  fork.length = cache.length;
  return fork;
}

/** NaN before all numbers: at the end nobody would see it. */
function higherFirst(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
  return b === a ? 0 : b - a;
}
