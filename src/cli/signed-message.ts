// Owns: the message that `assay wallet sign` and `verify` are about. Does not own: keys and signatures.
import { utf8 } from '../model/bytes.js';
import { readInputBytes } from './input-text.js';
import { invalid } from './invalid-input.js';

const MAX_BYTES = 64 * 2 ** 20;

/** @throws AssayError `invalid-input` unless there is exactly one of `--message` and `--file` */
export async function messageOf({
  message,
  file,
  passwordFile,
}: Readonly<Record<string, unknown>>): Promise<Uint8Array> {
  if ((typeof message === 'string') === (typeof file === 'string'))
    throw invalid('message', 'either --message or --file', typeof message === 'string' ? 'both' : 'neither');
  if (typeof message === 'string') return utf8(message);
  if (file === '-' && passwordFile === '-') throw invalid('-', 'one file from standard input', 'several');
  return readInputBytes(file as string, { maxBytes: MAX_BYTES }); // a string, as the first line says
}
