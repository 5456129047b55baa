// Owns: `assay wallet verify`. Does not own: signatures (keys/keypair.ts).
import { fromAddress, readyKeys, verifySignature } from '../../../keys/index.js';
import { concat, fromHex, utf8 } from '../../../model/bytes.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { messageOf } from '../../signed-message.js';

const OPENING = utf8('<Bytes>');
const CLOSING = utf8('</Bytes>');

export async function verifyMessage(
  address: string,
  hex: string,
  flags: Readonly<Record<string, unknown>>,
): Promise<number> {
  const { json } = flags;
  await readyKeys();
  const publicKey = fromAddress(address);
  if (!/^(0x)?[0-9a-f]{128}$/i.test(hex))
    throw invalid('signature', '64 bytes in hexadecimal', `${hex.length} characters`);
  const signature = fromHex(hex);
  const message = await messageOf(flags);
  // browser wallets put their messages between these two, so that no message is a transaction
  const isWrapped = verifySignature(signature, concat(OPENING, message, CLOSING), publicKey);
  const isValid = isWrapped || verifySignature(signature, message, publicKey);
  if (json === true) printJson({ address, isValid, isWrapped });
  else
    print(
      isValid ? `valid: signed by ${address}` : `not valid: no signature of ${address} over this message`,
    );
  return isValid ? EXIT.ok : EXIT.failed;
}
