// Owns: the check that body, head and rows give what the export gave, through onnxruntime. Does not own: the cut (cut-head.ts).
import { unsupported } from '../../model/errors.js';
import { DataType } from '../../protocol/gen/onnx/onnx_pb.js';
import { CUT } from './cut-head.js';
import type { DecoderGraph } from './decoder-graph.js';

/** Of the largest logit: rounding that another order of sums brings; one operator left out brings some 1e-1. */
const TOLERANCE = { [DataType.FLOAT]: 1e-4, [DataType.FLOAT16]: 2e-2 } as Record<number, number>;
const POSITIONS = 12;
const MAX_COUNT = 64;

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
    return (await import('onnxruntime-node')) as unknown as Engine; // a subset of its own declarations
  } catch {
    return undefined;
  }
}

export interface Paths {
  readonly original: string;
  readonly body: string;
  readonly head: string;
  readonly rows: string;
}

export interface Compared {
  readonly logits: number;
  /** of logits of the same id, divided by the largest logit */
  readonly largestDifference: number;
}

/**
 * @throws AssayError `unsupported` when the cut graphs do not load, or answer otherwise
 */
export async function compareCut(
  engine: Engine,
  paths: Paths,
  decoder: DecoderGraph,
  sizes: { readonly vocabulary: number; readonly width: number },
  signal: AbortSignal,
): Promise<Compared> {
  const { vocabulary, width } = sizes;
  const sessions: Session[] = [];
  const load = async (path: string, what: string): Promise<Session> => {
    signal.throwIfAborted();
    try {
      const session = await engine.InferenceSession.create(path, {
        executionProviders: ['cpu'],
        logSeverityLevel: 3,
      });
      sessions.push(session);
      return session;
    } catch (error) {
      throw unsupported(`${what} in onnxruntime`, 'it does not load', { cause: error });
    }
  };
  const run = async (session: Session, inputs: Record<string, Tensor>, what: string) => {
    signal.throwIfAborted();
    try {
      return await session.run(inputs);
    } catch (error) {
      throw unsupported(`${what} in onnxruntime`, 'it does not run', { cause: error });
    }
  };
  const int64 = (values: readonly number[], dims: readonly number[]) =>
    new engine.Tensor('int64', BigInt64Array.from(values, BigInt), dims);

  try {
    // no words, and not the same id all over: those that a hash would give do
    const ids = Array.from({ length: POSITIONS }, (_, i) => ((i + 1) * 2_654_435_761) % vocabulary);
    const inputs: Record<string, Tensor> = {
      input_ids: int64(ids, [1, POSITIONS]),
      attention_mask: int64(
        ids.map(() => 1),
        [1, POSITIONS],
      ),
      position_ids: int64(
        ids.map((_, i) => i),
        [1, POSITIONS],
      ),
    };
    const { kvHeads, headWidth, kvType } = decoder;
    for (const name of decoder.past)
      inputs[name] =
        kvType === DataType.FLOAT16
          ? new engine.Tensor('float16', new Uint16Array(), [1, kvHeads, 0, headWidth])
          : new engine.Tensor('float32', new Float32Array(), [1, kvHeads, 0, headWidth]);

    const original = await load(paths.original, 'the export');
    const expected = numbersOf((await run(original, inputs, 'the export'))['logits']!, [
      1,
      POSITIONS,
      vocabulary,
    ]);
    await original.release();
    sessions.pop();

    const body = await load(paths.body, 'its body');
    const cut = (await run(body, inputs, 'its body'))[CUT.hidden]!;
    const hidden = new engine.Tensor('float32', numbersOf(cut, [1, POSITIONS, width]), [POSITIONS, width]);
    const count = Math.min(MAX_COUNT, vocabulary);
    const head = await load(paths.head, 'its head');
    const best = await run(head, { [CUT.hidden]: hidden, [CUT.count]: int64([count], [1]) }, 'its head');
    const top = numbersOf(best[CUT.top]!, [POSITIONS, count]);
    const topIds = best[CUT.ids]!.data as BigInt64Array; // the graph says so
    const rows = await load(paths.rows, 'its rows');
    const ask = new engine.Tensor('int64', topIds, [POSITIONS, count]);
    const some = numbersOf(
      (await run(rows, { [CUT.hidden]: hidden, [CUT.ids]: ask }, 'its rows'))[CUT.logits]!,
      [POSITIONS, count],
    );

    let scale = 0;
    for (const logit of expected) scale = Math.max(scale, Math.abs(logit));
    if (!Number.isFinite(scale))
      throw unsupported('the export', 'it gives logits that are infinite or no numbers');
    let largestDifference = 0;
    for (let position = 0; position < POSITIONS; position++) {
      const row = expected.subarray(position * vocabulary, (position + 1) * vocabulary);
      // of another id that is as high: values are compared at each rank, ids by the value that the export gives them
      const ranked = Float32Array.from(row).sort().reverse();
      for (let i = 0; i < count; i++) {
        const at = position * count + i;
        const own = row[Number(topIds[at])]!;
        for (const value of [ranked[i]!, top[at]!, some[at]!])
          largestDifference = Math.max(largestDifference, Math.abs(value - own) / (scale || 1));
      }
    }
    const allowed = TOLERANCE[kvType]!;
    if (!(largestDifference <= allowed))
      throw unsupported(
        'the cut graphs',
        `they answer otherwise than the export, by ${largestDifference.toPrecision(3)} of its largest logit (${allowed} allowed)`,
      );
    return { logits: POSITIONS * count, largestDifference };
  } finally {
    for (const session of sessions) await session.release();
  }
}

function numbersOf(tensor: Tensor, dims: readonly number[]): Float32Array {
  if (`${tensor.dims}` !== `${dims}`)
    throw unsupported('an output of the graph', `it is [${tensor.dims}], must be [${dims}]`);
  if (tensor.type === 'float32') return tensor.data as Float32Array;
  throw unsupported('an output of the graph', `it is ${tensor.type}, must be float32`);
}
