// Owns: the signed extensions as metadata describes them, and the type of an extrinsic that carries them. Does not own:
// their bytes (extrinsic.ts).
import {
  bytes,
  type Codec,
  compact,
  fixedBytes,
  names,
  newtype,
  option,
  struct,
  tuple,
  u8,
  u32,
  u64,
  unit,
  variants,
} from './scale.js';
import { h256, multiAddress, multiSignature } from './types.js';

/** Era has one variant per first byte; only its name and first byte matter to clients, which know the type. */
const era = variants(
  'sp_runtime::generic::era::Era',
  Object.fromEntries([
    ['Immortal', { index: 0, fields: [] }],
    ...Array.from({ length: 255 }, (_, i) => [`Mortal${i + 1}`, { index: i + 1, fields: [u8] }]),
  ]),
);

/** An extension without a payload of its own. */
const marker = (path: string): Codec<unknown> => struct(path, {});
const frameExtension = (file: string, name: string): Codec<unknown> =>
  marker(`frame_system::extensions::${file}::${name}`);

/**
 * Identifier, what it adds to the extrinsic, what it adds to the signed bytes. Subtensor's own extensions add
 * neither, but polkadot.js warns about names it does not know, so the localnet lists those with an effect.
 */
export const SIGNED_EXTENSIONS: readonly (readonly [string, Codec<unknown>, Codec<unknown>])[] = [
  ['CheckNonZeroSender', frameExtension('check_non_zero_sender', 'CheckNonZeroSender'), unit],
  ['CheckSpecVersion', frameExtension('check_spec_version', 'CheckSpecVersion'), u32],
  ['CheckTxVersion', frameExtension('check_tx_version', 'CheckTxVersion'), u32],
  ['CheckGenesis', frameExtension('check_genesis', 'CheckGenesis'), h256],
  ['CheckMortality', newtype('node_subtensor_runtime::check_mortality::CheckMortality', era), h256],
  ['CheckNonce', newtype('node_subtensor_runtime::check_nonce::CheckNonce', compact(u32)), unit],
  ['CheckWeight', frameExtension('check_weight', 'CheckWeight'), unit],
  [
    'ChargeTransactionPayment',
    newtype('pallet_transaction_payment::ChargeTransactionPayment', compact(u64)),
    unit,
  ],
  [
    'CheckMetadataHash',
    struct('frame_metadata_hash_extension::CheckMetadataHash', {
      mode: names('frame_metadata_hash_extension::Mode', 'Disabled', 'Enabled'),
    }),
    option(fixedBytes(32)),
  ],
];

export const extensionsPayload: Codec<unknown> = tuple(...SIGNED_EXTENSIONS.map(([, extra]) => extra));

/**
 * Opaque bytes to who decodes it, but with all four parameters: without them polkadot.js dies with "Cannot read properties
 * of undefined".
 */
export const uncheckedExtrinsic = (runtimeCall: Codec<unknown>): Codec<Uint8Array> =>
  newtype('sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic', bytes, undefined, [
    ['Address', multiAddress],
    ['Call', runtimeCall],
    ['Signature', multiSignature],
    ['Extra', extensionsPayload],
  ]);
