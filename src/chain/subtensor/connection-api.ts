// Owns: what one runtime version defines: types, metadata, calls. Loads it from a node; never changes it.
// Does not own: which version is in force (connection.ts), reading state by it (runtime.ts, storage.ts).
//
// ApiPromise rewrites its one registry in place when the chain upgrades, so that what was asked for before is decoded by
// types of after; and it keeps every version that it ever met. Here each version is a value of its own.
import {
  decorateConstants,
  decorateExtrinsics,
  type GenericExtrinsic,
  Metadata,
  TypeRegistry,
} from '@polkadot/types';
import type { Hash, RuntimeVersion } from '@polkadot/types/interfaces';
import type { AnyTuple, CallFunction, IExtrinsic } from '@polkadot/types/types';
import { fromHex } from '../../model/bytes.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import { toChainError } from './errors.js';
import { isRecord } from './plain.js';

export type Ask = (method: string, params: readonly unknown[]) => Promise<unknown>;

/** An unsigned extrinsic to be signed. */
export type Extrinsic = IExtrinsic<AnyTuple> & GenericExtrinsic;

export interface ChainApi {
  readonly registry: TypeRegistry;
  readonly runtimeMetadata: Metadata;
  readonly runtimeVersion: RuntimeVersion;
  readonly genesisHash: Hash;
  readonly consts: ReturnType<typeof decorateConstants>;
  /** by camelCase pallet and call; throws when the arguments do not encode */
  readonly tx: Readonly<Record<string, Readonly<Record<string, CreateExtrinsic>>>>;
}

export interface CreateExtrinsic {
  (...args: readonly unknown[]): Extrinsic;
  readonly meta: CallFunction['meta'];
}

/** What tells one runtime from another. */
export interface VersionRef {
  readonly specName: string;
  readonly specVersion: number;
  readonly transactionVersion: number;
}

/** @throws AssayError `invalid-input` for what is no runtime version */
export function toVersionRef(json: unknown): VersionRef {
  if (isRecord(json)) {
    const { specName, specVersion, transactionVersion = 0 } = json;
    if (
      typeof specName === 'string' &&
      typeof specVersion === 'number' &&
      typeof transactionVersion === 'number'
    )
      return { specName, specVersion, transactionVersion };
  }
  throw new AssayError('invalid-input', 'state_getRuntimeVersion: malformed answer', {
    what: 'answer to state_getRuntimeVersion',
    expected: 'a runtime version',
    got: 'another',
  });
}

export const sameVersion = (a: VersionRef, b: VersionRef): boolean =>
  a.specName === b.specName &&
  a.specVersion === b.specVersion &&
  a.transactionVersion === b.transactionVersion;

/**
 * The code in the state of block `at`, which is what its children are made by.
 * @param at hex hash
 * @throws AssayError `refused` for metadata that cannot be understood; what `ask` rejects with
 */
export async function loadApi(ask: Ask, url: string, genesis: string, at: string): Promise<ChainApi> {
  const version = await ask('state_getRuntimeVersion', [at]);
  toVersionRef(version);
  const bytes = (await describedMetadata(ask, at)) ?? (await plainMetadata(ask, at));
  try {
    const registry = new TypeRegistry();
    const metadata = new Metadata(registry, bytes);
    // the decoder reads missing bytes as zeros, and ignores what is too much
    if (metadata.initialU8aLength !== bytes.length)
      throw new RangeError(`it says to have ${metadata.initialU8aLength} bytes`);
    registry.setMetadata(metadata, undefined, undefined, true);
    return {
      registry,
      runtimeMetadata: metadata,
      runtimeVersion: registry.createType('RuntimeVersion', version),
      genesisHash: registry.createType('Hash', genesis),
      consts: decorateConstants(registry, metadata.asLatest, metadata.version),
      tx: toCreators(registry, metadata),
    };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const reason = `its metadata (${bytes.length} bytes) does not decode: ${why.slice(0, 200)}`;
    throw new AssayError(
      'refused',
      `${url} is no node that this client understands: ${reason}`,
      { reason },
      { cause },
    );
  }
}

function toCreators(registry: TypeRegistry, metadata: Metadata): ChainApi['tx'] {
  const { asLatest, version: metadataVersion } = metadata;
  // 4 wherever it is offered: 5 is not what every node takes yet
  const offered = asLatest.extrinsic.versions.map(Number);
  const version = offered.includes(4) ? 4 : (offered[0] ?? 4);
  const calls = decorateExtrinsics(registry, asLatest, metadataVersion);
  return new Proxy(
    {},
    {
      get: (_, pallet) => {
        const group = typeof pallet === 'string' && Object.hasOwn(calls, pallet) ? calls[pallet] : undefined;
        if (!group) return undefined;
        return new Proxy(
          {},
          {
            get: (_inner, name) => {
              const make = typeof name === 'string' && Object.hasOwn(group, name) ? group[name] : undefined;
              if (!make) return undefined;
              const create = (...args: unknown[]) =>
                registry.createType('Extrinsic', make(...args), { version }) as unknown as Extrinsic;
              return Object.assign(create, { meta: make.meta });
            },
          },
        );
      },
    },
  );
}

/** Newest of the forms that describe runtime APIs; undefined where the node has none of them. */
async function describedMetadata(ask: Ask, at: string): Promise<Uint8Array | undefined> {
  const registry = new TypeRegistry();
  try {
    const listed = await ask('state_call', ['Metadata_metadata_versions', '0x', at]);
    const versions = registry.createType('Vec<u32>', listed).map(Number);
    const version = [16, 15].find((candidate) => versions.includes(candidate));
    if (version === undefined) return undefined;
    const argument = registry.createType('u32', version).toHex(true);
    const answer = await ask('state_call', ['Metadata_metadata_at_version', argument, at]);
    if (typeof answer !== 'string') return undefined;
    const bytes = registry.createType('Option<Bytes>', fromHex(answer)); // of hex it would take the text for the value
    return bytes.isSome ? bytes.unwrap().toU8a(true) : undefined;
  } catch (error) {
    // a node that has no such API says so in one of several ways; an outage is not one of them
    if (isAssayError(error, 'unreachable') || isAssayError(error, 'timeout')) throw error;
    return undefined;
  }
}

async function plainMetadata(ask: Ask, at: string): Promise<Uint8Array> {
  const metadata = await ask('state_getMetadata', [at]);
  if (typeof metadata === 'string' && /^0x([0-9a-f]{2})*$/i.test(metadata)) return fromHex(metadata);
  throw new AssayError('invalid-input', 'state_getMetadata: malformed answer', {
    what: 'answer to state_getMetadata',
    expected: 'metadata in hex',
    got: typeof metadata,
  });
}

/**
 * Milliseconds between blocks as the runtime says: Aura's or Babe's slot, else twice the least step of Timestamp
 * (pallet_timestamp: "the minimum period between blocks" is half a slot), else Subtensor's 12 s.
 */
export function slotMsOf({ consts }: ChainApi): number {
  const found =
    consts.aura?.slotDuration ?? consts.babe?.expectedBlockTime ?? doubled(consts.timestamp?.minimumPeriod);
  const ms = found === undefined ? 12_000 : Number(String(found));
  return Number.isFinite(ms) && ms > 0 ? ms : 12_000;
}

const doubled = (value: unknown): number | undefined =>
  value === undefined ? undefined : 2 * Number(String(value));

/** An error of a request, as ours. */
export const translated =
  (url: string, ask: Ask): Ask =>
  (method, params) =>
    ask(method, params).catch((error: unknown) => {
      throw toChainError(error, { url, what: method });
    });
