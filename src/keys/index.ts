// Owns: sr25519 key pairs, SS58 addresses, key URIs, Bittensor key files: hotkeys and coldkeys, encrypted or not.
// Does not own: session keys (protocol), who is asked for a password (cli).
export { createDeriveKey, type DeriveKey } from './argon2.js';
export { assertNoKeyFile, readKeyFile, type WriteKeyFileOptions, writeKeyFile } from './key-file.js';
export { type KeyFileKind, kindOfKeyFile, notOpened } from './key-file-kind.js';
export { fromKeyJson, fromPublicJson, toKeyJson, toPublicJson } from './key-json.js';
export {
  devKeypair,
  type Keypair,
  keypairFromSeed,
  readyKeys,
  type VrfKeypair,
  verifySignature,
} from './keypair.js';
export { openNacl, sealNacl } from './nacl-file.js';
export { openPolkadotJson } from './polkadot-json.js';
export { createPhrase, type Secret, secretFromSeed, secretFromUri, type Words } from './secret.js';
export { fromAddress, toAddress } from './ss58.js';
export { keypairFromUri } from './uri.js';
export { VRF_BYTES, verifyVrf, vrfOutput } from './vrf.js';
export {
  type HotkeyFile,
  type OpenedKey,
  type OpenKeyParts,
  openKeyBytes,
  openKeyFile,
  parseHotkey,
  readHotkeyFile,
} from './wallet.js';
export {
  coldkeyPlace,
  hotkeyNames,
  hotkeyPlace,
  type KeyPlace,
  type ListedKey,
  type ListedWallet,
  listWallets,
  lookAtWallet,
} from './wallet-folder.js';
