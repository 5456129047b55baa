// Owns: where passwords of key files come from: a file, standard input, whoever is asked; never a flag's value.
// Does not own: what they open.
import { utf8 } from '../model/bytes.js';
import { readInputText } from './input-text.js';
import { invalid } from './invalid-input.js';
import type { WalletIo } from './wallet-io.js';

const MAX_BYTES = 4096;
/** Fewer can be tried out, however slow each try is. */
const MIN_CHARACTERS = 8;

/**
 * Of a key that is there. Space around it is taken away, as btcli does.
 * @param file value of `flag`; undefined asks
 * @param what whose password, in the question
 * @throws AssayError `invalid-input`; never repeats what was given
 */
export async function passwordOf(
  file: unknown,
  flag: string,
  what: string,
  io: WalletIo,
): Promise<Uint8Array> {
  const password =
    typeof file === 'string' ? await fromFile(file, flag) : (await io.ask(`Password of ${what}`)).trim();
  if (password === '') throw invalid(`password of ${what}`, 'one that is not empty', 'nothing');
  return utf8(password);
}

/**
 * For a key that is to be encrypted; asked for twice.
 * @throws AssayError `invalid-input`; never repeats what was given
 */
export async function newPassword(file: unknown, what: string, io: WalletIo): Promise<Uint8Array> {
  const isFile = typeof file === 'string';
  const password = isFile
    ? await fromFile(file, '--password-file')
    : (await io.ask(`New password of ${what}`)).trim();
  if (password.length < MIN_CHARACTERS)
    throw invalid(`password of ${what}`, `at least ${MIN_CHARACTERS} characters`, `${password.length}`);
  if (!isFile && (await io.ask('The same again')).trim() !== password)
    throw invalid(`password of ${what}`, 'the same twice', 'two that differ');
  return utf8(password);
}

async function fromFile(path: string, flag: string): Promise<string> {
  const text = (await readInputText(path, { maxBytes: MAX_BYTES })).trim();
  if (/[\r\n]/.test(text)) throw invalid(`${flag} ${path}`, 'one line', 'several');
  return text;
}
