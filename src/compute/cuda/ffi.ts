// Owns: calling shared libraries of a driver. Does not own: which calls there are (driver.ts, nvml.ts).
import { unsupported } from '../../model/errors.js';

/** What is used of koffi: our own words, so that our types stand without the optional package. */
interface Koffi {
  load(path: string): { func(definition: string): (...args: never[]) => unknown };
  address(value: ArrayBufferView): bigint;
  readonly decode: { string(address: bigint): string };
}

/** Numbers and memory that a C function takes; 64-bit values may be either kind of number. */
export type Argument = number | bigint | ArrayBufferView | string | null;

/** A library that is loaded: its functions by name, each with the C declaration that it was asked for with. */
export interface Library {
  /** @throws AssayError `unsupported` when the library has no such function */
  bind(declaration: string): (...args: Argument[]) => number;
  /** where memory of ours lies, for structures that hold pointers; it must be kept alive meanwhile */
  address(value: ArrayBufferView): bigint;
  /** the text that lies there, up to its zero */
  text(address: bigint): string;
}

/**
 * @param paths tried in turn
 * @param missing what to say where none of them loads: what is wrong, and the fix
 * @throws AssayError `unsupported`
 */
export async function openLibrary(paths: readonly string[], missing: string): Promise<Library> {
  const koffi = await loadKoffi();
  const failures: string[] = [];
  for (const path of paths)
    try {
      const library = koffi.load(path);
      return {
        bind(declaration) {
          try {
            return library.func(declaration) as unknown as (...args: Argument[]) => number;
          } catch (error) {
            const what = /(\w+)\(/.exec(declaration)?.[1] ?? declaration;
            const why = `${path} does not have it: the driver is too old or not whole`;
            throw unsupported(what, why, { cause: error });
          }
        },
        address: (value) => koffi.address(value),
        text: (address) => koffi.decode.string(address),
      };
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  const what = paths.join(', ');
  const why = `${missing} (${[...new Set(failures)].join('; ')})`;
  throw unsupported(what, why);
}

async function loadKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default as unknown as Koffi; // a subset of its own declarations
  } catch (error) {
    const what = 'calling the driver of a card';
    const why = 'the optional package koffi is not installed: npm install --ignore-scripts koffi@3.3.4';
    throw unsupported(what, why, { cause: error });
  }
}

/** Text in C's form: up to the first zero. */
export function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
}
