// Owns: tokenizers of exports (tokenizer.json): text to ids and back, within limits, tried before they are trusted. Does not own: the
// tokenizer of bytes, what prompts are (verification/environments).
import { createContext, Script } from 'node:vm';
import { concat, u32le } from '../../model/bytes.js';
import { AssayError, unsupported } from '../../model/errors.js';
import { invalid } from '../../model/invalid-input.js';
import { isRecord } from '../foreign.js';
import { taggedHash } from '../spec/tagged.js';

/** Longer than any prompt; patterns of a stranger run over it. */
const MAX_TEXT_CHARS = 1 << 20;
/** A pattern can take longer than the universe for forty characters: honest ones take microseconds for each. */
const DEADLINE_MS = 2000;
const DEADLINE_MS_EACH = 0.02;
/** Bytes of the character whose compatible form is longest are 33. */
const MAX_IDS_EACH = 64;

/** What `verification/environments` asks of one. */
export interface TextTokenizer {
  /**
   * ids of a prompt, with the id that the model's prompts begin with, where it has one
   * @throws RangeError for too long ones; AssayError `limit-exceeded` where it takes too long
   */
  encode(text: string): Uint32Array;
  /** special ids vanish. @throws RangeError for ids outside the vocabulary; AssayError as `encode` */
  decode(ids: Uint32Array): string;
  /** SHA-256 over the ids of the golden texts: two hosts with the same prompts have the same */
  readonly golden: Uint8Array;
}

/** The part of `@huggingface/tokenizers` that is used: our types stand without it. */
interface Library {
  readonly Tokenizer: new (
    tokenizer: object,
    settings: object,
  ) => {
    encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: number[] };
    decode(ids: number[], options: Readonly<Record<string, boolean>>): string;
  };
}

/**
 * @param json tokenizer.json, parsed
 * @param options.settings tokenizer_config.json, parsed
 * @param options.beginId put before every prompt; what the tokenizer itself would put around texts is left out
 * @throws AssayError `unsupported` without the optional package, or when a golden text does not come back as it was: then ids of
 *     prompts would depend on who made them; or where a text that is no prompt takes too long; `invalid-input` for what is no tokenizer
 */
export async function openTokenizer(
  json: unknown,
  options: {
    readonly vocabulary: number;
    readonly beginId?: number | undefined;
    readonly settings?: unknown;
    /** of one text, and 0.02 ms more for each character or id. @default 2000 */
    readonly deadlineMs?: number;
  },
): Promise<TextTokenizer> {
  const { vocabulary, beginId, settings = {}, deadlineMs = DEADLINE_MS } = options;
  const inTime = <T>(size: number, work: () => T): T => stopped(deadlineMs, size, work);
  const { Tokenizer } = await loadLibrary();
  if (!isRecord(json)) throw invalid('tokenizer.json', 'a JSON object', typeof json);
  if (!isRecord(settings)) throw invalid('tokenizer_config.json', 'a JSON object', typeof settings);
  let inner: InstanceType<Library['Tokenizer']>;
  try {
    // some 6 µs for each entry, measured with 152,000 of them on a busy machine
    inner = inTime(vocabulary, () => new Tokenizer(json, settings));
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw invalid('tokenizer.json', 'a tokenizer', 'something else', error);
  }
  const idsOf = (text: string): number[] => {
    if (text.length > MAX_TEXT_CHARS)
      throw new RangeError(`text: expected at most ${MAX_TEXT_CHARS} characters, got ${text.length}`);
    const { ids } = inTime(text.length, () => inner.encode(text, { add_special_tokens: false }));
    if (ids.length > MAX_IDS_EACH * (text.length + 1))
      throw new RangeError(
        `ids of a text of ${text.length} characters: expected at most ${MAX_IDS_EACH} for each, got ${ids.length}`,
      );
    for (const id of ids)
      if (!Number.isInteger(id) || id < 0 || id >= vocabulary)
        throw new RangeError(`id of a text: expected one below ${vocabulary}, got ${id}`);
    return ids;
  };
  const textOf = (ids: number[]): string =>
    inTime(ids.length, () =>
      inner.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    );

  // characters alone first: what grows without bounds is found before a text has many of it
  for (const text of [...CHARACTERS, ...PROBES])
    try {
      idsOf(text);
    } catch (error) {
      throw failure(text, error);
    }

  const golden: Uint8Array[] = [];
  for (const text of GOLDEN_TEXTS) {
    let ids: number[];
    let back: string;
    try {
      ids = idsOf(text);
      back = textOf(ids);
    } catch (error) {
      throw failure(text, error);
    }
    if (back !== text)
      throw unsupported(
        'tokenizer.json',
        `${JSON.stringify(text)} comes back as ${JSON.stringify(back.slice(0, 80))}: prompts would not be what they say`,
      );
    golden.push(concat(...ids.map(u32le)));
  }

  return {
    golden: taggedHash('golden-texts', ...golden),
    encode(text) {
      const ids = idsOf(text);
      return Uint32Array.from(beginId === undefined ? ids : [beginId, ...ids]);
    },
    decode(ids) {
      for (const id of ids)
        if (id >= vocabulary) throw new RangeError(`id: expected one below ${vocabulary}, got ${id}`);
      return textOf([...ids]);
    },
  };
}

const failure = (text: string, cause: unknown) =>
  unsupported(
    'tokenizer.json',
    `it fails for ${JSON.stringify(text.slice(0, 80))}${cause instanceof AssayError || cause instanceof RangeError ? `: ${cause.message}` : ''}`,
    { cause },
  );

const context: { work?: () => void } = createContext({});
const call = new Script('work()');

/**
 * On this thread, which waits for it: who asks has no use for a promise. The machine stops a pattern in the middle.
 * @param size characters or ids
 * @throws AssayError `limit-exceeded`
 */
function stopped<T>(deadlineMs: number, size: number, work: () => T): T {
  const timeout = Math.ceil(deadlineMs + DEADLINE_MS_EACH * size);
  let result: T;
  context.work = () => {
    result = work();
  };
  try {
    call.runInContext(context, { timeout });
    return result!; // the work has ended
  } catch (error) {
    // of another context: it is no instance of our Error
    if ((error as { code?: unknown } | undefined)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    const what = 'time of a tokenizer in ms';
    throw new AssayError(
      'limit-exceeded',
      `tokenizer.json: ${size} characters or ids take longer than ${timeout} ms`,
      { what, limit: timeout, got: timeout },
    );
  } finally {
    delete context.work;
  }
}

/** Whether there is something to try tokenizers with. */
export const hasTokenizers = (): Promise<boolean> =>
  loadLibrary().then(
    () => true,
    () => false,
  );

async function loadLibrary(): Promise<Library> {
  try {
    return (await import('@huggingface/tokenizers')) as unknown as Library; // a subset of its own declarations
  } catch (cause) {
    throw unsupported(
      'tokenizers of exports',
      'the optional package @huggingface/tokenizers is missing: `npm install --ignore-scripts @huggingface/tokenizers@0.2.0` installs it',
      { cause },
    );
  }
}

/** Of every kind that environments emit: sums, puzzles, programs, spaces and line ends; each alone and all of them together. */
const PARTS = [
  'Q: 17+25=? A:',
  '1234567890 - 98765 * 3 = -4',
  'Ann is taller than Bob. Bob is taller than Cay. Who is tallest?',
  'def f(x):\n    return [x[i] + 1 for i in range(len(x))]\n',
  '(a && !b) || c; {"key": [1, 2.5, null]}',
  "It's 5 o'clock, isn't it? \"Yes,\" she said.",
  'two  spaces,   three',
  'a\nb\n\nc\td',
];
const GOLDEN_TEXTS: readonly string[] = [
  ...PARTS,
  ...PARTS.flatMap((first) => PARTS.map((second) => first + second)),
  PARTS.join('\n'),
];
const CHARACTERS: readonly string[] = [...new Set(PARTS.join('')), ...'aé'];
/** What patterns that look back are slow for: long runs of one kind, which then end in another. Their ids are nobody's. */
const PROBES: readonly string[] = ['a', ' ', '1', '.', '\n', 'ab ', 'é'].flatMap((run) => [
  `${run.repeat(2048)}!`,
  `${run.repeat(2048)}x1`,
]);
