// Owns: the check that body, head and rows give what the export gave, through onnxruntime. Does not own: the cut (cut-head.ts).
import { AssayError, unsupported } from '../../model/errors.js';
import { importOnnxruntime } from '../../model/onnxruntime.js';
import { DataType } from '../../protocol/gen/onnx/onnx_pb.js';
import type { Candidates, LanguageModel } from '../language-model.js';
import type { DecoderGraph } from './decoder-graph.js';
import { halfValue } from './llama.js';

/** Of the largest logit: rounding that another order of sums brings; one operator left out brings some 1e-1. */
const TOLERANCE = { [DataType.FLOAT]: 1e-4, [DataType.FLOAT16]: 2e-2 } as Record<number, number>;
const POSITIONS = 12;
const MAX_COUNT = 32;

/** What is used of `onnxruntime-node`, in words of our own: our types stand without the package. */
export interface Engine {
  readonly InferenceSession: {
    create(path: string, options: Readonly<Record<string, unknown>>): Promise<Session>;
  };
  readonly Tensor: new (
    type: 'float32' | 'float16' | 'int64',
    data: Float32Array | Uint16Array | BigInt64Array,
    dims: readonly number[],
  ) => Tensor;
}
interface Session {
  run(inputs: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}
interface Tensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** The optional package; undefined where it is not. */
export async function findEngine(): Promise<Engine | undefined> {
  try {
    return (await importOnnxruntime()) as Engine; // a subset of its own declarations
  } catch {
    return undefined;
  }
}

export interface Compared {
  readonly logits: number;
  /** of logits of the same id, divided by the largest logit */
  readonly largestDifference: number;
}

/**
 * @param path of the export
 * @param cut what was made of it
 * @throws AssayError `unsupported` when the export does not load, or the cut graphs answer otherwise
 */
export async function compareCut(
  engine: Engine,
  path: string,
  cut: LanguageModel,
  decoder: DecoderGraph,
  signal: AbortSignal,
): Promise<Compared> {
  const { vocabulary } = cut;
  // no words, and not the same id all over: those that a hash would give do
  const ids = Uint32Array.from({ length: POSITIONS }, (_, i) => ((i + 1) * 2_654_435_761) % vocabulary);
  const expected = await logitsOf(engine, path, ids, decoder, vocabulary, signal);
  let scale = 0;
  for (const logit of expected) scale = Math.max(scale, Math.abs(logit));
  if (!(scale > 0 && Number.isFinite(scale)))
    throw unsupported('the export', 'its logits are all zero, infinite or no numbers');

  let logits = 0;
  let largestDifference = 0;
  const differ = (position: number, id: number, rank: number | undefined, found: number): void => {
    const row = expected.subarray(position * vocabulary, (position + 1) * vocabulary);
    const known = [row[id]!, ...(rank === undefined ? [] : [ranked(row, rank)])];
    for (const value of known) {
      const difference = Math.abs(value - found) / scale;
      // a NaN is no difference that Math.max would keep
      largestDifference =
        difference >= 0 ? Math.max(largestDifference, difference) : Number.POSITIVE_INFINITY;
    }
    logits++;
  };
  const count = Math.min(MAX_COUNT, vocabulary);
  const differAll = (at: readonly number[], found: Candidates): void => {
    for (const [row, position] of at.entries())
      for (let i = 0; i < found.perRow; i++) {
        const place = row * found.perRow + i;
        differ(position, found.ids[place]!, i, found.logits[place]!);
      }
  };

  // prefilled beside a shorter one, which is padded
  const hidden = await cut.prefill([ids, ids.subarray(0, 7)], signal);
  const all = [...ids.keys()].map((position) => ({ sequence: 0, position }));
  const at = [...all, { sequence: 1, position: 6 }];
  const top = await hidden.head(at, count, signal);
  differAll(
    at.map(({ position }) => position),
    top,
  );
  const some = await hidden.logitsOf(at, top.ids, signal);
  for (const [i, logit] of some.entries())
    differ(at[Math.floor(i / count)]!.position, top.ids[i]!, undefined, logit);
  hidden.release();

  // decoded in a batch of two lengths, the rows of which pad each other in the cache
  const lengths = [3, 6];
  const decoding = await cut.open(
    lengths.map((length) => ids.subarray(0, length)),
    count,
    signal,
  );
  for (let step = 0; step < 4; step++) {
    differAll(
      lengths.map((length) => length - 1 + step),
      decoding.candidates(),
    );
    await decoding.advance(
      lengths.map((length) => ids[length + step]!),
      signal,
    );
  }
  decoding.release();

  const allowed = TOLERANCE[cut.profile.dtype === 'fp32' ? DataType.FLOAT : DataType.FLOAT16]!;
  if (!(largestDifference <= allowed))
    throw unsupported(
      'the cut graphs',
      `they answer otherwise than the export, by ${largestDifference.toPrecision(3)} of its largest logit (${allowed} allowed)`,
    );
  return { logits, largestDifference };
}

/** Logits of the export at every position, [ids, vocabulary]. */
async function logitsOf(
  engine: Engine,
  path: string,
  ids: Uint32Array,
  { past, kvHeads, headWidth, kvType, takesPositions }: DecoderGraph,
  vocabulary: number,
  signal: AbortSignal,
): Promise<Float32Array> {
  const int64 = (values: Iterable<number>) =>
    new engine.Tensor('int64', BigInt64Array.from([...values], BigInt), [1, ids.length]);
  const inputs: Record<string, Tensor> = {
    input_ids: int64(ids),
    attention_mask: int64(ids.map(() => 1)),
    ...(takesPositions ? { position_ids: int64(ids.keys()) } : {}),
  };
  for (const name of past)
    inputs[name] =
      kvType === DataType.FLOAT16
        ? new engine.Tensor('float16', new Uint16Array(), [1, kvHeads, 0, headWidth])
        : new engine.Tensor('float32', new Float32Array(), [1, kvHeads, 0, headWidth]);
  signal.throwIfAborted();
  let session: Session | undefined;
  try {
    session = await engine.InferenceSession.create(path, {
      executionProviders: ['cpu'],
      logSeverityLevel: 3,
    });
    const logits = (await session.run(inputs))['logits']!;
    if (`${logits.dims}` !== `1,${ids.length},${vocabulary}`)
      throw unsupported(
        'logits of the export',
        `they are [${logits.dims}], must be [1,${ids.length},${vocabulary}]`,
      );
    if (logits.type === 'float32') return Float32Array.from(logits.data as Float32Array);
    if (logits.type === 'float16') return Float32Array.from(logits.data as Uint16Array, halfValue);
    throw unsupported('logits of the export', `they are ${logits.type}, must be float or float16`);
  } catch (cause) {
    if (cause instanceof AssayError) throw cause;
    throw unsupported('the export in onnxruntime', 'it does not load or run', { cause });
  } finally {
    await session?.release();
  }
}

/** The logit of a rank: what the highest are must agree, whichever of two equal ids comes first. */
const ranked = (row: Float32Array, rank: number): number => row.toSorted().at(-1 - rank)!;
