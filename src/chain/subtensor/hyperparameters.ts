// Owns: a subnet's hyperparameters as a list, from whichever source the runtime has. Does not own: changing them.

import { fromUtf8 } from '../../model/bytes.js';
import type { Netuid } from '../../model/ids.js';
import type { HyperparameterEntry } from '../operator-reads.js';
import { unknownBlock } from './blocks.js';
import type { Connection } from './connection.js';
import { featuresOf } from './features.js';
import { MODULE } from './neurons.js';
import { asBigint, asBits, asBoolean, asBytes, asList, asRecord, asVariant, isRecord } from './plain.js';
import { callApi } from './runtime-api.js';
import { hasItem, optionOf, readAll, requiredOf } from './storage.js';
import { type StateAt, stateAt } from './subnet.js';

/** Three turns of requests: two for the block, one for the list. */
export async function readHyperparameters(
  connection: Connection,
  netuid: Netuid,
  at?: Uint8Array,
): Promise<readonly HyperparameterEntry[]> {
  const state = await stateAt(connection, at);
  const source = featuresOf(state.runtime).hyperparameters;
  const found = await (source === 'storage'
    ? fromStorage(connection, state, netuid)
    : fromApi(connection, state, netuid, source));
  if (!found) throw unknownBlock(`subnet ${netuid}`);
  return found;
}

const FUNCTIONS = {
  v3: 'SubnetInfoRuntimeApi_get_subnet_hyperparams_v3',
  v2: 'SubnetInfoRuntimeApi_get_subnet_hyperparams_v2',
  v1: 'SubnetInfoRuntimeApi_get_subnet_hyperparams',
} as const;

async function fromApi(
  connection: Connection,
  { runtime, at }: StateAt,
  netuid: Netuid,
  version: keyof typeof FUNCTIONS,
): Promise<readonly HyperparameterEntry[] | undefined> {
  const answer = await callApi(connection, runtime, FUNCTIONS[version], [netuid], at);
  if (answer === undefined) return undefined;
  if (version === 'v3') return asList(toEntry)(answer);
  return Object.entries(asRecord(answer)).map(([name, value]) => toHyperparameter(snakeCase(name), value));
}

/** Each value of v3 says its kind (HyperparamValue of subtensor rpc_info/subnet_info.rs). */
function toEntry(plain: unknown): HyperparameterEntry {
  const record = asRecord(plain);
  const name = fromUtf8(asBytes(record.name));
  const { kind, value } = asVariant(record.value);
  if (kind === 'Bool') return { name, kind: 'boolean', value: asBoolean(value) };
  if (kind === 'TaoBalance') return { name, kind: 'rao', value: asBigint(value) };
  const fraction = /^[IU]\d+F(\d+)$/.exec(kind)?.[1];
  if (fraction !== undefined)
    return { name, kind: 'fixed', value: { bits: asBits(value), fractionBits: Number(fraction) } };
  return { name, kind: 'integer', value: asBigint(value) };
}

/** v1 and v2 are structs: the kind is the type's, and which amounts are TAO its name's. */
function toHyperparameter(name: string, value: unknown): HyperparameterEntry {
  if (typeof value === 'boolean') return { name, kind: 'boolean', value };
  // the only one of fixed point in them is alpha_sigmoid_steepness, I32F32
  if (isRecord(value)) return { name, kind: 'fixed', value: { bits: asBits(value), fractionBits: 32 } };
  return { name, kind: TAO.has(name) ? 'rao' : 'integer', value: asBigint(value) };
}

const TAO: ReadonlySet<string> = new Set(['min_burn', 'max_burn']);

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Names of v1 by storage item; items that a runtime does not have are left out. */
const ITEMS: readonly (readonly [name: string, item: string])[] = [
  ['rho', 'Rho'],
  ['kappa', 'Kappa'],
  ['immunity_period', 'ImmunityPeriod'],
  ['min_allowed_weights', 'MinAllowedWeights'],
  ['max_weights_limit', 'MaxWeightsLimit'],
  ['tempo', 'Tempo'],
  ['min_difficulty', 'MinDifficulty'],
  ['max_difficulty', 'MaxDifficulty'],
  ['weights_version', 'WeightsVersionKey'],
  ['weights_rate_limit', 'WeightsSetRateLimit'],
  ['adjustment_interval', 'AdjustmentInterval'],
  ['activity_cutoff', 'ActivityCutoff'],
  ['activity_cutoff_factor', 'ActivityCutoffFactorMilli'],
  ['registration_allowed', 'NetworkRegistrationAllowed'],
  ['target_regs_per_interval', 'TargetRegistrationsPerInterval'],
  ['min_burn', 'MinBurn'],
  ['max_burn', 'MaxBurn'],
  ['burn_half_life', 'BurnHalfLife'],
  ['bonds_moving_avg', 'BondsMovingAverage'],
  ['max_regs_per_block', 'MaxRegistrationsPerBlock'],
  ['serving_rate_limit', 'ServingRateLimit'],
  ['max_validators', 'MaxAllowedValidators'],
  ['adjustment_alpha', 'AdjustmentAlpha'],
  ['difficulty', 'Difficulty'],
  ['commit_reveal_period', 'RevealPeriodEpochs'],
  ['commit_reveal_weights_enabled', 'CommitRevealWeightsEnabled'],
  ['liquid_alpha_enabled', 'LiquidAlphaOn'],
];

async function fromStorage(
  connection: Connection,
  { runtime, at }: StateAt,
  netuid: Netuid,
): Promise<readonly HyperparameterEntry[] | undefined> {
  const items = ITEMS.filter(([, item]) => hasItem(runtime, MODULE, item));
  const same = (plain: unknown) => plain;
  const values = await readAll(
    connection,
    [
      requiredOf(runtime, MODULE, 'NetworksAdded', [netuid], asBoolean),
      ...items.map(([, item]) => optionOf(runtime, MODULE, item, [netuid], same)),
    ],
    at,
  );
  const [added, ...found] = values;
  if (!added) return undefined;
  const byName = new Map(items.map(([name], i) => [name, found[i]]));
  const cutoff = effectiveCutoff(byName.get('activity_cutoff_factor'), byName.get('tempo'));
  if (cutoff !== undefined) byName.set('activity_cutoff', cutoff);
  return [...byName].flatMap(([name, value]) => (value === undefined ? [] : [toHyperparameter(name, value)]));
}

/**
 * Blocks, by thousandths of a tempo since May 2026 (subtensor get_activity_cutoff_blocks); ActivityCutoff stays in storage
 * and means nothing any more.
 */
function effectiveCutoff(factorMilli: unknown, tempo: unknown): bigint | undefined {
  if (factorMilli === undefined || tempo === undefined) return undefined;
  const blocks = (asBigint(factorMilli) * asBigint(tempo)) / 1000n;
  return blocks > 0n ? blocks : 1n;
}
