// Owns: `assay wallet sign`. Does not own: opening keys (wallets.ts).
import { toHex } from '../../../model/bytes.js';
import { EXIT, print, printJson } from '../../output.js';
import { messageOf } from '../../signed-message.js';
import { terminalIo, type WalletIo } from '../../wallet-io.js';
import { coldkeyOf, hotkeyOf } from '../../wallets.js';

type Flags = Readonly<Record<string, unknown>>;

export async function signMessage(
  flags: Flags,
  signal: AbortSignal,
  io: WalletIo = terminalIo(signal),
): Promise<number> {
  const { key, json } = flags;
  const message = await messageOf(flags);
  const keypair = key === 'coldkey' ? await coldkeyOf(flags, io) : await hotkeyOf(flags, io);
  const signature = `0x${toHex(keypair.sign(message))}`;
  if (json === true) printJson({ address: keypair.address, signature });
  else print(signature);
  return EXIT.ok;
}
