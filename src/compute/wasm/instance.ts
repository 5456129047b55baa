// Owns: making an instance of assembled bytes. Does not own: what the kernels compute.

/** The part of WebAssembly that kernels use; neither TypeScript's ES libraries nor Node's types declare it. */
interface WebAssemblyHost {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports?: object) => { readonly exports: unknown };
  readonly Memory: new (pages: { initial: number; maximum?: number; shared?: boolean }) => WasmMemory;
}

/** Pages are committed by the system when they are touched. */
export interface WasmMemory<Buffer extends ArrayBufferLike = ArrayBufferLike> {
  readonly buffer: Buffer;
}

const PAGE = 65_536;

const host = (globalThis as unknown as { readonly WebAssembly: WebAssemblyHost }).WebAssembly;

/** Compiling costs milliseconds and its result is constant, so that each kernel is compiled once in a thread. */
const compiled = new Map<string, object>();

/** Memory for one instance, which the runtime may read and write too. */
export const createMemory = (bytes: number): WasmMemory<ArrayBuffer> =>
  new host.Memory({ initial: Math.ceil(bytes / PAGE) }) as WasmMemory<ArrayBuffer>; // not shared

/** Memory that instances of several threads share; it travels in messages. */
export function createSharedMemory(bytes: number): WasmMemory<SharedArrayBuffer> {
  const pages = Math.ceil(bytes / PAGE);
  const memory = new host.Memory({ initial: pages, maximum: pages, shared: true });
  return memory as WasmMemory<SharedArrayBuffer>;
}

/**
 * A fresh instance with a memory of its own.
 * @param base64 `WASM` of a `.wasm.ts` beside this file
 */
export function instantiate<Exports>(base64: string, imports?: object): Exports {
  let module = compiled.get(base64);
  if (!module) {
    module = new host.Module(Uint8Array.from(Buffer.from(base64, 'base64')));
    compiled.set(base64, module);
  }
  return new host.Instance(module, imports).exports as Exports; // what the .wat beside it exports
}
