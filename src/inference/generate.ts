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
  readonly batch?: number | undefined;
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

/** A token for each row. */
export interface Step {
  /** those for which it was the last */
  readonly ended: readonly Generated[];
  readonly tokens: number;
}

/**
 * `batch` rows at once: one that ends makes room for the next that is wanted, which is asked for only then. Rows do not see each
 * other: batches decide when a token is made, and which only where an engine rounds a row otherwise beside others.
 * @throws RangeError for a batch that is none; AssayError `invalid-input` for what does not fit the model
 */
export async function* decode(
  { model, policy, choose }: GenerateParts,
  wanted: Iterable<Wanted>,
  { batch = 16 }: Pick<GenerateOptions, 'batch'>,
  signal: AbortSignal,
): AsyncGenerator<Step, void> {
  if (!Number.isInteger(batch) || batch < 1)
    throw new RangeError(`batch: expected a positive integer, got ${batch}`);
  assertStopIds(model, policy);
  const queue = wanted[Symbol.iterator]();
  const begin = (room: number) => {
    const rows: { readonly of: Wanted; readonly tokens: number[] }[] = [];
    while (rows.length < room) {
      const next = queue.next();
      if (next.done) break;
      assertFits(model, policy, next.value);
      rows.push({ of: next.value, tokens: [] });
    }
    return rows;
  };
  const promptsOf = (rows: ReturnType<typeof begin>) => rows.map(({ of }) => of.prompt);

  let live = begin(batch);
  if (live.length === 0) return;
  const decoding = await model.open(promptsOf(live), policy.candidates, signal);
  try {
    for (;;) {
      const step = decoding.candidates();
      const ended: Generated[] = [];
      const next = live.map(({ of, tokens }, i): number | undefined => {
        const token = choose(rowOf(step, i), of, tokens.length);
        tokens.push(token);
        const stop = stopOf(policy, tokens.length, token);
        if (!stop) return token;
        ended.push({ group: of.group, index: of.index, stop, tokens: Uint32Array.from(tokens) });
        return undefined;
      });
      yield { ended, tokens: live.length };
      const staying = live.filter((_, i) => next[i] !== undefined);
      const joining = begin(batch - staying.length);
      live = [...staying, ...joining];
      if (live.length === 0) return;
      await decoding.advance(next, signal, promptsOf(joining));
    }
  } finally {
    decoding.release();
  }
}

/**
 * @returns as wanted, one for each
 * @throws as `decode`
 */
export async function generate(
  parts: GenerateParts,
  wanted: readonly Wanted[],
  { batch, onProgress = () => {} }: GenerateOptions,
  signal: AbortSignal,
): Promise<Generated[]> {
  const places = new Map(wanted.map(({ group, index }, i) => [`${group}/${index}`, i]));
  const out: Generated[] = [];
  let [finished, tokens] = [0, 0];
  for await (const step of decode(parts, wanted, { batch }, signal)) {
    for (const one of step.ended) out[places.get(`${one.group}/${one.index}`)!] = one; // it was wanted
    finished += step.ended.length;
    tokens += step.tokens;
    onProgress({ finished, wanted: wanted.length, tokens });
  }
  return out;
}

/** A stop id at the cap is an end, not a cut. */
function stopOf(
  { stopIds, maxTokens }: Policy,
  length: number,
  token: number,
): Generated['stop'] | undefined {
  if (stopIds.includes(token)) return 'eos';
  return length === maxTokens ? 'cap' : undefined;
}

function assertStopIds({ vocabulary }: LanguageModel, { stopIds }: Policy): void {
  for (const id of stopIds)
    if (id >= vocabulary) throw invalid('stopIds of the policy', `ids below ${vocabulary}`, `${id}`);
}

function assertFits(
  { maxPositions }: LanguageModel,
  { maxTokens }: Policy,
  { group, index, prompt }: Wanted,
): void {
  if (prompt.length < 1 || prompt.length + maxTokens > maxPositions)
    throw invalid(
      `prompt of rollout ${group}/${index}`,
      `1..${maxPositions - maxTokens} ids, so that ${maxTokens} tokens fit the model's ${maxPositions} positions`,
      `${prompt.length}`,
    );
}
