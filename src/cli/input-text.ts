// Owns: reading a file or standard input into text or JSON, up to a size. Does not own: what it has to say.
import { createReadStream } from 'node:fs';
import type { AssayError } from '../model/errors.js';
import { errnoOf, foundInstead, invalid } from './invalid-input.js';

export interface InputLimits {
  readonly maxBytes: number;
  /**
   * names that would have done as well, told to whom there is no such file
   * @default none
   */
  readonly names?: (path: string) => readonly string[];
}

/**
 * UTF-8, a byte order mark taken away. What has no size, such as a pipe, is read up to the limit.
 *
 * @param path `-` for standard input
 * @throws AssayError `invalid-input` naming the path
 */
export async function readInputText(path: string, limits: InputLimits): Promise<string> {
  const bytes = await readInputBytes(path, limits);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw invalid(path, 'UTF-8', 'other bytes', error);
  }
}

/**
 * The same as it is.
 *
 * @param path `-` for standard input
 * @throws AssayError `invalid-input` naming the path
 */
export async function readInputBytes(path: string, limits: InputLimits): Promise<Uint8Array> {
  const { maxBytes } = limits;
  // one byte more than is allowed tells that there is more
  const stream = path === '-' ? process.stdin : createReadStream(path, { end: maxBytes });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) break;
    }
  } catch (error) {
    throw unreadable(path, error, limits);
  }
  if (size > maxBytes) throw invalid(path, `at most ${maxBytes} bytes`, 'more');
  return Buffer.concat(chunks);
}

/** The beginning of a file of any size, as UTF-8 with U+FFFD for what is none. @throws AssayError `invalid-input` */
export async function readInputHead(path: string, bytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: bytes - 1 })) chunks.push(chunk as Uint8Array);
  } catch (error) {
    throw unreadable(path, error, { maxBytes: bytes });
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** @throws AssayError `invalid-input` naming the path, and the place in it where the parser says so */
export async function readInputJson(path: string, limits: InputLimits): Promise<unknown> {
  const text = await readInputText(path, limits);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // without the cause, which would quote the file
    throw invalid(path, 'JSON', `${placeOf(error, text)}something else`);
  }
}

function placeOf(error: unknown, text: string): string {
  const position = /at position (\d+)/.exec(String(error))?.[1];
  if (position === undefined) return '';
  const before = text.slice(0, Number(position)).split('\n');
  return `in line ${before.length}, column ${before.at(-1)!.length + 1} `;
}

function unreadable(path: string, error: unknown, { names }: InputLimits): AssayError {
  const isMissing = ['ENOENT', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '');
  if (!isMissing || names === undefined)
    return invalid(path, 'a file that can be read', foundInstead(error), error);
  return invalid(path, `one of ${names(path).join(', ')}, or a JSON file`, 'neither', error);
}
