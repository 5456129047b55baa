// Owns: onnxruntime-node as far as models use it: loading it, its execution providers, sessions and tensors. Does not own: graphs,
// threads.
import { AssayError, unsupported } from '../../model/errors.js';
import { importOnnxruntime } from '../../model/onnxruntime.js';

export const PROVIDERS = ['cpu', 'webgpu', 'cuda'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Our own words for a part of the package: our types stand without it. */
export interface Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: Record<string, unknown>): Promise<Session>;
  };
  readonly Tensor: new (
    type: 'float32' | 'int64',
    data: Float32Array | BigInt64Array,
    dims: readonly number[],
  ) => Tensor;
  readonly env: { readonly versions: { readonly node?: string } };
  listSupportedBackends(): readonly { readonly name: string }[];
}
export interface Tensor {
  readonly data: unknown;
}
export interface Session {
  run(feeds: Record<string, Tensor>, fetches: readonly string[]): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** @throws AssayError `unsupported` where the optional package is not, with what to do */
export async function loadRuntime(): Promise<Runtime> {
  try {
    return (await importOnnxruntime()) as Runtime; // a subset of its own declarations
  } catch (cause) {
    throw unsupported(
      'models on onnxruntime-node',
      `the optional package is missing, or not built for ${process.platform} ${process.arch}: ` +
        '`npm install --ignore-scripts onnxruntime-node@1.30.0` installs it; tiny models run without it, on the plain decoder',
      { cause },
    );
  }
}

export interface SessionOptions {
  readonly provider: Provider;
  /** of one operator; 0 leaves it to the runtime */
  readonly threads: number;
  /** buffers that the graphs name; threads may share them */
  readonly data: ReadonlyMap<string, Float32Array>;
}

/** @throws AssayError `unsupported` for a provider that this package or this machine does not have */
export async function openSession(
  runtime: Runtime,
  graph: Uint8Array,
  { provider, threads, data }: SessionOptions,
): Promise<Session> {
  const known = runtime.listSupportedBackends().map(({ name }) => name);
  if (!known.includes(provider))
    throw unsupported(
      `execution provider ${provider}`,
      `this onnxruntime-node for ${process.platform} ${process.arch} has ${known.join(', ')}`,
    );
  try {
    return await runtime.InferenceSession.create(graph, {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // remembered for every shape that ever ran, and every step of a decoding may have one of its own
      enableMemPattern: false,
      externalData: [...data].map(([path, values]) => ({
        path,
        data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      })),
      // idle threads that spin would take the cores from whoever shares the machine
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    if (provider === 'cpu')
      throw new AssayError('internal', `onnxruntime-node: ${why}`, { what: 'session' }, { cause });
    throw unsupported(
      `execution provider ${provider}`,
      `onnxruntime-node cannot open it on this machine: ${why.slice(0, 300)}`,
      { cause },
    );
  }
}
