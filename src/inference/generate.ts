// Owns: completions of many prompts in batches, each token chosen by a rule. Does not own: the rule of the stream (spec/race.ts), which
// prompts (verification/environments), records (verification/rollouts).
import { AssayError } from '../model/errors.js';
import { invalid } from '../model/invalid-input.js';
import type { LanguageModel } from './language-model.js';
import { type Policy, temperatureOf } from './spec/policy.js';
import { choose, type Row, rowOf } from './spec/race.js';
import { type StreamKey, streamKey } from './spec/stream.js';

/** A completion that is wanted: whose stream, and after what. */
export interface Wanted {
  readonly group: number;
  /** 0 .. rolloutsPerGroup - 1 */
  readonly index: number;
  readonly prompt: Uint32Array;
}

/** In the words of verification/rollouts, which this room does not know. */
export interface Generated {
  readonly group: number;
  readonly index: number;
  readonly stop: 'eos' | 'cap';
  /** the completion alone */
  readonly tokens: Uint32Array;
}

/**
 * The token at `position` of a completion, 0-based, from the row of its candidates.
 * @throws AssayError where the row allows none
 */
export type Choose = (row: Row, of: Wanted, position: number) => number;

export interface GenerateParts {
  readonly model: LanguageModel;
  readonly policy: Policy;
  /** `streamChoice` for everybody honest */
  readonly choose: Choose;
}

export interface Progress {
  readonly finished: number;
  readonly wanted: number;
  /** completion tokens until now, those of unfinished rollouts too */
  readonly tokens: number;
}

export interface GenerateOptions {
  /** rows that are decoded together. @default 16 */
  readonly batch?: number;
  /** after every step of a batch */
  readonly onProgress?: (progress: Progress) => void;
}

/** The rule of a miner's window: the race of its stream. @param root `streamRoot` of the window and the hotkey */
export function streamChoice(policy: Policy, root: Uint8Array): Choose {
  const temperature = temperatureOf(policy);
  const keys = new Map<Wanted, StreamKey>();
  return (row, of, position) => {
    let key = keys.get(of);
    if (!key) {
      key = streamKey(root, of.group, of.index);
      keys.set(of, key);
    }
    const choice = choose(row, temperature, { key, position });
    if (choice.kind === 'fault')
      throw new AssayError('internal', `rollout ${of.group}/${of.index}, token ${position}: ${choice.why}`, {
        what: choice.why,
      });
    return choice.token;
  };
}

/**
 * In batches, in the order wanted: a row that ends leaves its batch, and the next batch begins when all have. Every row is its own, so that
 * batches decide when a token is made and never which.
 * @returns as wanted, one for each
 * @throws RangeError for a batch that is none; AssayError `invalid-input` for what does not fit the model
 */
export async function generate(
  { model, policy, choose }: GenerateParts,
  wanted: readonly Wanted[],
  options: GenerateOptions,
  signal: AbortSignal,
): Promise<Generated[]> {
  const { batch = 16, onProgress = () => {} } = options;
  if (!Number.isInteger(batch) || batch < 1)
    throw new RangeError(`batch: expected a positive integer, got ${batch}`);
  assertFits(model, policy, wanted);
  const out: Generated[] = [];
  let tokens = 0;
  for (let from = 0; from < wanted.length; from += batch) {
    const rows = wanted.slice(from, from + batch).map((of) => ({ of, tokens: [] as number[] }));
    const results = new Map<Wanted, Generated>();
    const decoding = await model.open(
      rows.map(({ of }) => of.prompt),
      policy.candidates,
      signal,
    );
    try {
      for (let live = rows; live.length > 0; ) {
        const step = decoding.candidates();
        const next = live.map((row, i): number | undefined => {
          const token = choose(rowOf(step, i), row.of, row.tokens.length);
          row.tokens.push(token);
          const stop = stopOf(policy, row.tokens.length, token);
          if (!stop) return token;
          results.set(row.of, { ...placeOf(row.of), stop, tokens: Uint32Array.from(row.tokens) });
          return undefined;
        });
        tokens += live.length;
        live = live.filter((_, i) => next[i] !== undefined);
        onProgress({ finished: out.length + results.size, wanted: wanted.length, tokens });
        if (live.length > 0) await decoding.advance(next, signal);
      }
    } finally {
      decoding.release();
    }
    for (const { of } of rows) out.push(results.get(of)!); // the loop ends when all have one
  }
  return out;
}

const placeOf = ({ group, index }: Wanted): Pick<Wanted, 'group' | 'index'> => ({ group, index });

/** A stop id at the cap is an end, not a cut. */
function stopOf(
  { stopIds, maxTokens }: Policy,
  length: number,
  token: number,
): Generated['stop'] | undefined {
  if (stopIds.includes(token)) return 'eos';
  return length === maxTokens ? 'cap' : undefined;
}

function assertFits(model: LanguageModel, policy: Policy, wanted: readonly Wanted[]): void {
  const { vocabulary, maxPositions } = model;
  const { stopIds, maxTokens } = policy;
  for (const id of stopIds)
    if (id >= vocabulary) throw invalid('stopIds of the policy', `ids below ${vocabulary}`, `${id}`);
  for (const { group, index, prompt } of wanted)
    if (prompt.length < 1 || prompt.length + maxTokens > maxPositions)
      throw invalid(
        `prompt of rollout ${group}/${index}`,
        `1..${maxPositions - maxTokens} ids, so that ${maxTokens} tokens fit the model's ${maxPositions} positions`,
        `${prompt.length}`,
      );
}
