// Owns: sr25519 key pairs, SS58 addresses, key URIs, Bittensor hotkey files.
// Does not own: session keys (protocol), coldkey files (encrypted, opened only by the operator's own tools).
export { devKeypair, type Keypair, keypairFromSeed, readyKeys, verifySignature } from './keypair.js';
export { fromAddress, toAddress } from './ss58.js';
export { keypairFromUri } from './uri.js';
export { type HotkeyFile, parseHotkey, readHotkeyFile } from './wallet.js';
