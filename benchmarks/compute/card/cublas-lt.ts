// Owns: NVIDIA's own int8 product, where its library is on the machine: what ours is compared with. Nothing of the product needs it.
import type { CudaContext } from '../../../src/compute/cuda/driver.js';
import { openLibrary } from '../../../src/compute/cuda/ffi.js';
import { pathsLike } from './paths-like.js';

const NAMES = ['libcublasLt.so.13', 'libcublasLt.so.12', 'libcublasLt.so.11', 'libcublasLt.so'];
/** Where installers put it without telling the loader: the toolkit's own folder, and packages of Python. */
const FOLDERS = [
  '/usr/local/cuda*/lib64',
  '/usr/local/cuda*/targets/*/lib',
  '/usr/local/lib/python3*/*-packages/nvidia/c*/lib',
  '/usr/lib/python3*/*-packages/nvidia/c*/lib',
  '/opt/*/lib/python3*/site-packages/nvidia/c*/lib',
];

/** Of the library's public headers. */
const COMPUTE_32I = 72;
const R_8I = 3;
const R_32I = 10;
const TRANSPOSE_A = 3;
const WORKSPACE = 1;
const WORKSPACE_BYTES = 32 << 20;
/** `cublasLtMatmulHeuristicResult_t`: an algorithm of 64 bytes, and what is thought of it. */
const RESULT_BYTES = 96;
const MOST_RESULTS = 8;

export interface LibraryProduct {
  /** how many ways it named for this shape */
  readonly ways: number;
  /** in the context's own order of work */
  run(way: number): void;
  close(): void;
}

/**
 * C = A B as `Product` of gpu.ts has it: A is `rows` x n, B transposed, C `rows` x n words.
 * @throws AssayError `unsupported` where the library is not; Error where it refuses the shape
 */
export async function openLibraryProduct(
  context: CudaContext,
  { a, b, to, rows, n }: { a: bigint; b: bigint; to: bigint; rows: number; n: number },
): Promise<LibraryProduct> {
  const found = FOLDERS.flatMap((folder) => NAMES.flatMap((name) => pathsLike(`${folder}/${name}`)));
  const paths = [...NAMES, ...found];
  const library = await openLibrary(paths, 'cuBLASLt is not on this machine');
  const call = (declaration: string) => {
    const bound = library.bind(`int ${declaration}`);
    const name = declaration.slice(0, declaration.indexOf('('));
    return (...args: Parameters<typeof bound>): void => {
      const status = bound(...args);
      if (status !== 0) throw new Error(`${name}: status ${status}`);
    };
  };
  const word = (make: (to: BigUint64Array) => void): bigint => {
    const out = new BigUint64Array(1);
    make(out);
    return out[0];
  };
  const createLayout = call(
    'cublasLtMatrixLayoutCreate(void *layout, int type, uint64_t rows, uint64_t columns, int64_t stride)',
  );
  const layout = (type: number, height: number, width: number): bigint =>
    word((out) => createLayout(out, type, BigInt(height), BigInt(width), BigInt(height)));
  const handle = word((out) => call('cublasLtCreate(void *handle)')(out));
  const how = word((out) =>
    call('cublasLtMatmulDescCreate(void *how, int compute, int scale)')(out, COMPUTE_32I, R_32I),
  );
  const setHow = call(
    'cublasLtMatmulDescSetAttribute(uint64_t how, int attribute, void *value, size_t bytes)',
  );
  setHow(how, TRANSPOSE_A, Int32Array.of(1), 4);
  // it counts by columns: its C is our C transposed, which is B transposed times A transposed, and ours lie so already
  const [left, right, out] = [layout(R_8I, n, n), layout(R_8I, n, rows), layout(R_32I, n, rows)];
  const limits = word((of) => call('cublasLtMatmulPreferenceCreate(void *limits)')(of));
  const workspace = context.allocate(WORKSPACE_BYTES);
  const room = workspace === undefined ? 0 : WORKSPACE_BYTES;
  call('cublasLtMatmulPreferenceSetAttribute(uint64_t limits, int attribute, void *value, size_t bytes)')(
    limits,
    WORKSPACE,
    BigUint64Array.of(BigInt(room)),
    8,
  );
  const results = new Uint8Array(MOST_RESULTS * RESULT_BYTES);
  const count = new Int32Array(1);
  call(
    'cublasLtMatmulAlgoGetHeuristic(uint64_t handle, uint64_t how, uint64_t a, uint64_t b, uint64_t c, uint64_t d, ' +
      'uint64_t limits, int wanted, void *results, void *count)',
  )(handle, how, left, right, out, out, limits, MOST_RESULTS, results, count);
  const multiply = call(
    'cublasLtMatmul(uint64_t handle, uint64_t how, void *alpha, uint64_t a, uint64_t la, uint64_t b, uint64_t lb, ' +
      'void *beta, uint64_t c, uint64_t lc, uint64_t d, uint64_t ld, void *way, uint64_t workspace, size_t bytes, uint64_t stream)',
  );
  const [one, zero] = [Int32Array.of(1), Int32Array.of(0)];
  return {
    ways: count[0],
    run(way) {
      const algorithm = results.subarray(way * RESULT_BYTES, way * RESULT_BYTES + 64);
      const [from, by] = [
        [b, left],
        [a, right],
      ] as const;
      multiply(
        handle,
        how,
        one,
        ...from,
        ...by,
        zero,
        to,
        out,
        to,
        out,
        algorithm,
        workspace ?? 0n,
        room,
        context.stream,
      );
    },
    close() {
      if (workspace !== undefined) context.free(workspace);
      call('cublasLtDestroy(uint64_t handle)')(handle);
    },
  };
}
