// Owns: what the kernels of wasm/bank.wat and wasm/lane.wat are called with, and an instance of each. Does not own: when they
// are called (lane.ts), whether they may be trusted here (probe-kernels.ts).
import { WASM as BANK } from '../wasm/bank.wasm.js';
import { instantiate, type WasmMemory } from '../wasm/instance.js';
import { WASM as LANE } from '../wasm/lane.wasm.js';

/** Over memory that threads share. Numbers are addresses in bytes unless they are counts. */
export interface BankKernels {
  transpose(
    label: number,
    n: number,
    first: number,
    columns: number,
    to: number,
    chunk: number,
    stride: number,
  ): void;
  digest(block: number, count: number, keys: number, out: number): void;
}

/** Over one lane's own memory. */
export interface LaneKernels {
  join(
    rows: number,
    columns: number,
    x: number,
    y: number,
    out: number,
    count: number,
    n: number,
    chunk: number,
    flip: number,
  ): void;
  fold(c: number, plain: number, chunks: number, count: number, n: number, chunk: number): void;
  spread(rows: number, chunks: number, bytes: number, chunk: number): void;
  multiply(a: number, b: number, c: number, rows: number, n: number): void;
}

/** @throws CompileError where the host's WebAssembly has no SIMD */
export const bankKernels = (memory: WasmMemory<SharedArrayBuffer>): BankKernels =>
  instantiate<BankKernels>(BANK, { host: { memory } });

/** @throws CompileError where the host's WebAssembly has no SIMD */
export const laneKernels = (memory: WasmMemory<ArrayBuffer>): LaneKernels =>
  instantiate<LaneKernels>(LANE, { host: { memory } });
