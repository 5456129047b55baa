// Owns: what alpha, registrations and subnets cost, and what a swap would give. Does not own: pools (emissions/amm.ts).
import type { Netuid } from '../../model/ids.js';
import type { Prices, SimulatedSwap, Swap } from '../operator-reads.js';
import { unknownBlock } from './blocks.js';
import type { Connection } from './connection.js';
import { MODULE } from './neurons.js';
import { asBigint, asBoolean, asNumber, asRecord } from './plain.js';
import type { Runtime } from './runtime.js';
import { type ApiName, callApi, hasApi } from './runtime-api.js';
import { hasItem, readAll, requiredOf } from './storage.js';
import { stateAt } from './subnet.js';

const ALPHA_PRICE: ApiName = 'SwapRuntimeApi_current_alpha_price';
const SUBNET_COST: ApiName = 'SubnetRegistrationRuntimeApi_get_network_registration_cost';

export async function readPrices(connection: Connection, netuid: Netuid, at?: Uint8Array): Promise<Prices> {
  const state = await stateAt(connection, at);
  const { runtime } = state;
  const asked = async (name: ApiName, args: readonly unknown[]) =>
    hasApi(runtime, name) ? asBigint(await callApi(connection, runtime, name, args, state.at)) : undefined;
  const [[added, registrationRao, ...pool], alphaRao, subnetRao] = await Promise.all([
    readAll(
      connection,
      [
        requiredOf(runtime, MODULE, 'NetworksAdded', [netuid], asBoolean),
        requiredOf(runtime, MODULE, 'Burn', [netuid], asBigint),
        ...poolReads(runtime, netuid),
      ],
      state.at,
    ),
    asked(ALPHA_PRICE, [netuid]),
    asked(SUBNET_COST, []),
  ]);
  if (!added) throw unknownBlock(`subnet ${netuid}`);
  return { alphaRao: alphaRao ?? poolPriceRao(runtime, toPool(pool)), registrationRao, subnetRao };
}

export interface Pool {
  /** 1 dynamic: alpha has a price of its own; 0 stable: 1 alpha is 1 TAO */
  readonly mechanism: number;
  readonly taoInRao: bigint;
  readonly alphaInRao: bigint;
}

export const poolReads = (runtime: Runtime, netuid: number) =>
  [
    requiredOf(runtime, MODULE, 'SubnetMechanism', [netuid], asNumber),
    requiredOf(runtime, MODULE, 'SubnetTAO', [netuid], asBigint),
    requiredOf(runtime, MODULE, 'SubnetAlphaIn', [netuid], asBigint),
  ] as const;

export const toPool = ([mechanism, taoInRao, alphaInRao]: readonly [number, bigint, bigint]): Pool => ({
  mechanism,
  taoInRao,
  alphaInRao,
});

const TAO_RAO = 1_000_000_000n;

/** The reserves' ratio, which was the price until pallet Swap came (subtensor, mid 2025); after that undefined. */
export function poolPriceRao(
  runtime: Runtime,
  { mechanism, taoInRao, alphaInRao }: Pool,
): bigint | undefined {
  if (mechanism !== 1) return TAO_RAO;
  if (hasItem(runtime, 'Swap', 'FeeRate') || alphaInRao === 0n) return undefined;
  return (taoInRao * TAO_RAO) / alphaInRao;
}

export async function readSimulatedSwap(
  connection: Connection,
  netuid: Netuid,
  { sell, amountRao }: Swap,
  at?: Uint8Array,
): Promise<SimulatedSwap> {
  const state = await stateAt(connection, at);
  const name =
    sell === 'tao' ? 'SwapRuntimeApi_sim_swap_tao_for_alpha' : 'SwapRuntimeApi_sim_swap_alpha_for_tao';
  const answer = asRecord(await callApi(connection, state.runtime, name, [netuid, amountRao], state.at));
  return {
    taoRao: asBigint(answer.taoAmount),
    alphaRao: asBigint(answer.alphaAmount),
    taoFeeRao: asBigint(answer.taoFee),
    alphaFeeRao: asBigint(answer.alphaFee),
  };
}
