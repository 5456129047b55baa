// Owns: runtime APIs as a node serves them: by state_call's names, and Core, Metadata and nonces, which are the node's own.
// Does not own: what the others answer (runtime-apis/), their layouts (chain/codec/runtime-apis.ts).
import { encodeMetadata, encodeMetadataV15 } from '../chain/codec/metadata.js';
import { type RuntimeApis, runtime, runtimeApis } from '../chain/codec/runtime.js';
import type { Implementation, RuntimeApi } from '../chain/codec/runtime-api.js';
import { encode, fieldsCodec, Reader } from '../chain/codec/scale.js';
import { blake2b256 } from '../chain/codec/storage.js';
import { addressOf } from '../chain/codec/types.js';
import { fromAddress } from '../keys/ss58.js';
import { fromHex, toHex } from '../model/bytes.js';
import type { RuntimeForm } from './faults-upgrade.js';
import type { Node } from './node.js';
import type { At } from './runtime-apis/at.js';
import { delegateInfoApi } from './runtime-apis/delegate-info.js';
import { transactionPaymentApi, transactionPaymentCallApi } from './runtime-apis/fees.js';
import { neuronInfoApi } from './runtime-apis/neuron-info.js';
import { stakeInfoApi } from './runtime-apis/stake-info.js';
import { subnetInfoApi, subnetRegistrationApi } from './runtime-apis/subnet-info.js';
import { swapApi } from './runtime-apis/swap.js';
import { RpcError } from './validity.js';

const METADATA_VERSIONS = [14, 15] as const;
type MetadataVersion = (typeof METADATA_VERSIONS)[number];

type AllApis = { readonly [N in keyof RuntimeApis]: Implementation<RuntimeApis[N], At> };

export interface RuntimeApiDoor {
  /** V14, as state_getMetadata sends it */
  metadata(block: number): Uint8Array;
  /** @throws RpcError for a function that is not served or arguments that do not decode */
  call(name: string, data: Uint8Array, block: number): Uint8Array;
  /** SS58 or 0x-hex of 32 bytes to SS58. @throws AssayError `invalid-input` */
  accountOf(text: string): string;
  storageHash(value: Uint8Array | undefined): string | null;
}

export function createRuntimeApi(node: Node): RuntimeApiDoor {
  const metadata = createMetadata();
  const implementations: AllApis = {
    Core: { version: (_, { block }) => node.runtimeAt(block).version },
    Metadata: {
      metadata: (_, { block }) => metadata(node.runtimeAt(block), 14),
      metadata_at_version: ({ version }, { block }) => {
        const known = METADATA_VERSIONS.find((each) => each === version);
        return known === undefined ? undefined : metadata(node.runtimeAt(block), known);
      },
      metadata_versions: () => METADATA_VERSIONS,
    },
    AccountNonceApi: {
      account_nonce: ({ account }, { state }) => state.get(runtime.System.storage.Account, account).nonce,
    },
    TransactionPaymentApi: transactionPaymentApi,
    TransactionPaymentCallApi: transactionPaymentCallApi,
    DelegateInfoRuntimeApi: delegateInfoApi,
    NeuronInfoRuntimeApi: neuronInfoApi,
    SubnetInfoRuntimeApi: subnetInfoApi,
    StakeInfoRuntimeApi: stakeInfoApi,
    SubnetRegistrationRuntimeApi: subnetRegistrationApi,
    SwapRuntimeApi: swapApi,
  };
  const functions = exportsOf(implementations);

  return {
    metadata: (block) => metadata(node.runtimeAt(block), 14),
    call(name, data, block) {
      const handler = functions.get(name);
      if (!handler)
        throw new RpcError(
          4003,
          `Client error: Execution failed: Exported method ${name.slice(0, 80)} is not found`,
        );
      try {
        return handler(data, { state: node.state(block), block });
      } catch (error) {
        if (error instanceof RangeError)
          throw new RpcError(4003, `Client error: Execution failed: ${error.message}`);
        throw error;
      }
    },
    accountOf: (text) => addressOf(/^0x[0-9a-fA-F]{64}$/.test(text) ? fromHex(text) : fromAddress(text)),
    storageHash: (value) => (value === undefined ? null : `0x${toHex(blake2b256(value))}`),
  };
}

/** Metadata is hundreds of kilobytes, asked for by every client that connects, and changes only with the runtime. */
function createMetadata(): (form: RuntimeForm, version: MetadataVersion) => Uint8Array {
  const known = new WeakMap<RuntimeForm, Map<MetadataVersion, Uint8Array>>();
  return (form, version) => {
    let versions = known.get(form);
    if (!versions) {
      versions = new Map();
      known.set(form, versions);
    }
    let bytes = versions.get(version);
    if (!bytes) {
      const { pallets, instead } = form;
      bytes =
        version === 14 ? encodeMetadata(pallets, instead) : encodeMetadataV15(pallets, runtimeApis, instead);
      versions.set(version, bytes);
    }
    return bytes;
  };
}

type Function = (data: Uint8Array, at: At) => Uint8Array;
type AnyImplementation = Readonly<Record<string, (args: unknown, at: At) => unknown>>;

/** `Core_version` and so on: arguments decoded and answers encoded by the same table that the metadata describes. */
function exportsOf(implementations: AllApis): ReadonlyMap<string, Function> {
  const out = new Map<string, Function>();
  for (const [name, { methods }] of Object.entries<RuntimeApi>(runtimeApis)) {
    const answers = implementations[name as keyof RuntimeApis] as unknown as AnyImplementation;
    for (const [method, { inputs, output }] of Object.entries(methods)) {
      const fields = fieldsCodec(inputs);
      out.set(`${name}_${method}`, (data, at) => {
        const input = new Reader(data);
        const args = fields.decode(input);
        if (input.remaining > 0) throw new RangeError(`${method}: ${input.remaining} bytes left over`);
        return encode<unknown>(output, answers[method]!(args, at));
      });
    }
  }
  return out;
}
