// Owns: the text of kernels as it ships, and that it is what its sources say. Does not own: compiling (scripts/cuda.mjs), loading
// into a card (driver.ts).
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { AssayError } from '../../model/errors.js';
import type { ModuleName } from './kernels.js';

const KERNELS = new URL('kernels/', import.meta.url);

/**
 * PTX of a module. It carries the digests of what it was made of and of itself: text that was edited, or is older than its
 * source, is refused.
 * @param folder as a URL that ends with a slash. @default the one that ships
 */
export async function readModule(name: ModuleName, folder: URL = KERNELS): Promise<string> {
  const text = await read(name, new URL(`${name}.ptx`, folder));
  const [, source, code, body] = /^\/\/ [^\n]*\n\/\/ source (\w+)\n\/\/ code (\w+)\n(.*)$/s.exec(text) ?? [];
  if (body === undefined) throw refused(name, 'its text does not begin with the digests of its source');
  const headers = (await readdir(folder)).filter((file) => file.endsWith('.h')).sort();
  const sources = [`${name}.cu`, ...headers].map((file) => read(name, new URL(file, folder)));
  if (digest((await Promise.all(sources)).join('')) !== source)
    throw refused(name, 'it was not made of the source that lies beside it');
  if (digest(body) !== code) throw refused(name, 'it was changed after it was made');
  return text;
}

async function read(name: ModuleName, file: URL): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw refused(name, 'a file of it is missing', cause);
  }
}

function refused(name: ModuleName, why: string, cause?: unknown): AssayError<'unsupported'> {
  const what = `kernels ${name}.ptx`;
  const fix = 'install the package again; of a checkout, run: node scripts/cuda.mjs';
  return new AssayError('unsupported', `${what}: ${why}; ${fix}`, { what, why }, { cause });
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
