// Owns: WebGPU in Node, by Dawn's npm package where it is installed. Does not own: what is asked of it (gpu.ts), which adapter
// of it is taken (adapter.ts).
import { unsupported } from '../../model/errors.js';
import type { WebGpuDoor } from './api.js';

/** The package as far as it is used here. */
export interface Dawn {
  create(options: readonly string[]): WebGpuDoor;
}

const PACKAGE = 'webgpu';
const VERSION = '0.6.2';
/** One of each system: the others show the same adapters again, with less. */
const BACKENDS: ReadonlySet<string | undefined> = new Set(['vulkan', 'metal', 'd3d12']);

/** @throws AssayError `unsupported` where the package is not installed, or not for this system */
export async function loadDawn(): Promise<Dawn> {
  try {
    return (await import(PACKAGE)) as Dawn; // a subset of its own declarations
  } catch (cause) {
    const what = 'webgpu';
    // the package is there, and its native part is not one for this system
    const foreign = ['MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED'].includes(
      (cause as { code?: string }).code ?? '',
    );
    const why = foreign
      ? `Dawn does not load on this system: ${cause instanceof Error ? cause.message : String(cause)}`
      : `the optional package of Dawn is not installed: npm install --ignore-scripts ${PACKAGE}@${VERSION}`;
    throw unsupported(what, why, { cause });
  }
}

/** Names that `openDawn` takes, e.g. `NVIDIA H200`; only Dawn's refusal of a name that no adapter has lists them. */
export async function adapterNames(dawn: Dawn): Promise<string[]> {
  try {
    await dawn.create(['adapter=\n']).requestAdapter({ powerPreference: 'high-performance' });
    return [];
  } catch (error) {
    const names = [...String(error).matchAll(/backend: '([^']*)', name: '([^']*)'/g)];
    return [...new Set(names.filter(([, backend]) => BACKENDS.has(backend)).map(([, , name]) => name))];
  }
}

/**
 * @param adapter part of a name; without it the implementation chooses
 * @throws AssayError `unsupported` when no adapter has that name
 */
export async function openDawn(dawn: Dawn, adapter?: string): Promise<WebGpuDoor> {
  if (adapter === undefined) return dawn.create([]);
  const names = await adapterNames(dawn);
  if (names.some((name) => name.includes(adapter))) return dawn.create([`adapter=${adapter}`]);
  const what = `the webgpu adapter '${adapter}'`;
  const why = names.length > 0 ? `there are: ${names.join(', ')}` : 'there is none: is the driver installed?';
  throw unsupported(what, why);
}
