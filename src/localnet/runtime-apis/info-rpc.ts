// Owns: JSON-RPC methods that mirror runtime APIs (subtensor pallets/subtensor/rpc, pallets/swap/rpc): arguments as JSON, the
// answer as SCALE bytes in a JSON array. Does not own: the answers.
import { z } from 'zod';
import { type RuntimeApis, runtimeApis } from '../../chain/codec/runtime.js';
import type { RuntimeApi } from '../../chain/codec/runtime-api.js';
import { decode, fieldsCodec, Writer } from '../../chain/codec/scale.js';
import { addressOf } from '../../chain/codec/types.js';
import { isAssayError } from '../../model/errors.js';
import type { RuntimeApiDoor } from '../runtime-api.js';

type Method = (params: readonly unknown[]) => unknown;

/** What infoMethods needs of the room's RPC. */
interface Parts {
  readonly api: RuntimeApiDoor;
  /** The number of a block whose state is there. @throws RpcError */
  readonly blockNumber: (hash: string | null | undefined) => number;
  /** @throws RpcError `Invalid params` */
  readonly parse: <T>(params: readonly unknown[], schema: z.ZodType<T>) => T;
}

const u8 = z.number().int().min(0).max(255);
const u16 = z.number().int().min(0).max(65_535);
const u64 = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).transform(BigInt);
const accountBytes = z
  .array(u8)
  .length(32)
  .transform((bytes) => addressOf(Uint8Array.from(bytes)));

const argumentsOf = (api: RuntimeApiDoor): Readonly<Record<string, z.ZodType>> => ({
  netuid: u16,
  uid: u16,
  mecid: u8,
  subid: u8,
  metagraph_indexes: z.array(u16),
  delegate_account: accountBytes,
  delegatee_account: accountBytes,
  coldkey: z
    .string()
    .max(128)
    .transform((text, context) => {
      try {
        return api.accountOf(text);
      } catch (error) {
        if (!isAssayError(error, 'invalid-input')) throw error;
        context.addIssue(error.message);
        return z.NEVER;
      }
    }),
  tao: u64,
  alpha: u64,
});

type Mirrors = {
  readonly [A in keyof RuntimeApis]?: Readonly<Record<string, keyof RuntimeApis[A]['methods']>>;
};

/** JSON-RPC name to the method it calls. */
const MIRRORS: Mirrors = {
  DelegateInfoRuntimeApi: {
    delegateInfo_getDelegates: 'get_delegates',
    delegateInfo_getDelegate: 'get_delegate',
    delegateInfo_getDelegated: 'get_delegated',
  },
  NeuronInfoRuntimeApi: {
    neuronInfo_getNeurons: 'get_neurons',
    neuronInfo_getNeuron: 'get_neuron',
    neuronInfo_getNeuronsLite: 'get_neurons_lite',
    neuronInfo_getNeuronLite: 'get_neuron_lite',
  },
  SubnetInfoRuntimeApi: {
    subnetInfo_getSubnetInfo: 'get_subnet_info',
    subnetInfo_getSubnetsInfo: 'get_subnets_info',
    subnetInfo_getSubnetInfo_v2: 'get_subnet_info_v2',
    subnetInfo_getSubnetsInfo_v2: 'get_subnets_info_v2',
    subnetInfo_getSubnetHyperparams: 'get_subnet_hyperparams',
    subnetInfo_getSubnetHyperparamsV2: 'get_subnet_hyperparams_v2',
    subnetInfo_getDynamicInfo: 'get_dynamic_info',
    subnetInfo_getAllDynamicInfo: 'get_all_dynamic_info',
    subnetInfo_getMetagraph: 'get_metagraph',
    subnetInfo_getAllMetagraphs: 'get_all_metagraphs',
    subnetInfo_getMechagraph: 'get_mechagraph',
    subnetInfo_getAllMechagraphs: 'get_all_mechagraphs',
    subnetInfo_getSubnetState: 'get_subnet_state',
    subnetInfo_getSelectiveMetagraph: 'get_selective_metagraph',
    subnetInfo_getSelectiveMechagraph: 'get_selective_mechagraph',
    subnetInfo_getColdkeyAutoStakeHotkey: 'get_coldkey_auto_stake_hotkey',
    subnetInfo_getSubnetToPrune: 'get_subnet_to_prune',
    subnetInfo_getSubnetAccountId: 'get_subnet_account_id',
  },
  SubnetRegistrationRuntimeApi: { subnetInfo_getLockCost: 'get_network_registration_cost' },
  SwapRuntimeApi: {
    swap_currentAlphaPrice: 'current_alpha_price',
    swap_currentAlphaPriceAll: 'current_alpha_price_all',
    swap_simSwapTaoForAlpha: 'sim_swap_tao_for_alpha',
    swap_simSwapAlphaForTao: 'sim_swap_alpha_for_tao',
  },
};

/** Those that answer with a JSON value instead of bytes; amounts beyond 2^53 come out rounded. */
const IN_JSON: ReadonlySet<string> = new Set([
  'subnetInfo_getLockCost',
  'subnetInfo_getSubnetToPrune',
  'swap_currentAlphaPrice',
  'swap_currentAlphaPriceAll',
]);

/** Each takes an optional block hash after its arguments. */
export function infoMethods({ api, blockNumber, parse }: Parts): Readonly<Record<string, Method>> {
  const schemas = argumentsOf(api);
  const methods: Record<string, Method> = {};
  for (const [apiName, mirrors] of Object.entries(MIRRORS))
    for (const [name, methodName] of Object.entries(mirrors)) {
      const definition = (runtimeApis as Readonly<Record<string, RuntimeApi>>)[apiName]!.methods[methodName]!;
      const inputs = Object.keys(definition.inputs);
      const schema = z.tuple([z.tuple(inputs.map((input) => schemas[input]!) as []), z.string().nullish()]);
      methods[name] = (params) => {
        const [args, hash] = parse([params.slice(0, inputs.length), params[inputs.length]], schema);
        const data = new Writer();
        fieldsCodec(definition.inputs).encode(
          Object.fromEntries(inputs.map((input, index) => [input, (args as readonly unknown[])[index]])),
          data,
        );
        const answer = api.call(`${apiName}_${methodName}`, data.finish(), blockNumber(hash));
        return IN_JSON.has(name) ? toJson(decode(definition.output, answer)) : [...answer];
      };
    }
  return methods;
}

function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, toJson(field)]));
  return value ?? null;
}
