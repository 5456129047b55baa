// Owns: the types in force at a block, and what the chain has under them. Does not own: reading by them (storage.ts,
// runtime-api.ts).
import { decorateConstants, decorateStorage, type Metadata } from '@polkadot/types';
import type { Registry } from '@polkadot/types/types';
import { stringCamelCase } from '@polkadot/util';
import type { Connection } from './connection.js';
import type { ChainApi } from './connection-api.js';

type Items = ReturnType<typeof decorateStorage>;
type Constants = ReturnType<typeof decorateConstants>;

/** A function of a runtime API: names of types that `registry` knows. */
export interface ApiFunction {
  readonly inputs: readonly string[];
  readonly output: string;
  /** bytes whose form the metadata does not give: what Subtensor answered with before March 2025 */
  readonly isOpaque: boolean;
}

/** The types in force at a block: by them keys are made and values decoded. */
export interface Runtime {
  readonly registry: Registry;
  readonly items: Items;
  readonly constants: Constants;
  /** by `Trait_method`, as state_call names them; empty where the metadata does not describe them (V14) */
  readonly apis: ReadonlyMap<string, ApiFunction>;
  /** `Pallet.call_name` */
  readonly calls: ReadonlySet<string>;
  /** names of pallets by how @polkadot/types writes them: camelCase */
  readonly pallets: ReadonlyMap<string, string>;
}

const runtimes = new WeakMap<ChainApi, Runtime>();

/** The types of one runtime version. */
export function currentRuntime(api: ChainApi): Runtime {
  const { registry, runtimeMetadata: metadata } = api;
  let runtime = runtimes.get(api);
  if (!runtime) {
    runtime = {
      registry,
      items: decorateStorage(registry, metadata.asLatest, metadata.version),
      constants: decorateConstants(registry, metadata.asLatest, metadata.version),
      apis: apisOf(registry, metadata),
      calls: callsOf(metadata),
      pallets: new Map(metadata.asLatest.pallets.map(({ name }) => [stringCamelCase(name), name.toString()])),
    };
    runtimes.set(api, runtime);
  }
  return runtime;
}

function apisOf(registry: Registry, metadata: Metadata): Map<string, ApiFunction> {
  const apis = new Map<string, ApiFunction>();
  for (const api of metadata.asLatest.apis)
    for (const { name, inputs, output } of api.methods)
      apis.set(`${api.name}_${name}`, {
        inputs: inputs.map((input) => registry.createLookupType(input.type)),
        output: registry.createLookupType(output),
        isOpaque: registry.lookup.getTypeDef(output).type === 'Bytes',
      });
  return apis;
}

function callsOf({ asLatest }: Metadata): Set<string> {
  const calls = new Set<string>();
  for (const pallet of asLatest.pallets) {
    if (pallet.calls.isNone) continue;
    const { def } = asLatest.lookup.getSiType(pallet.calls.unwrap().type);
    for (const { name } of def.asVariant.variants) calls.add(`${pallet.name}.${name}`);
  }
  return calls;
}

/**
 * The runtime whose layout the state after block `hash` has: that of its parent's code, for an upgrade installed in a
 * block migrates storage in the next. In that one block it has no runtime APIs: they would run the new code over the
 * old state.
 * @param parent hex hash of its parent
 */
export async function runtimeAt(connection: Connection, hash: string, parent: string): Promise<Runtime> {
  if (/^0x0*$/.test(parent)) return currentRuntime(await connection.apiAt(hash)); // genesis
  const [before, after] = await Promise.all([connection.apiAt(parent), connection.apiAt(hash)]);
  const runtime = currentRuntime(before);
  return before === after ? runtime : { ...runtime, apis: new Map() };
}
