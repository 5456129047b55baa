// Owns: reading what a subnet makes now: alpha of a block, the owner's cut, what root's part hangs on. Does not own: the division, who
// is given it (emissions/coinbase.ts).
import { AssayError } from '../../model/errors.js';
import type { Netuid } from '../../model/ids.js';
import type { FixedPoint, SubnetEmission } from '../operator-reads.js';
import { unknownBlock } from './blocks.js';
import type { Connection } from './connection.js';
import { MODULE } from './neurons.js';
import { asBigint, asBits, asBoolean, asNumber } from './plain.js';
import { hasItem, type Read, readAll, readOr, requiredOf } from './storage.js';
import { type StateAt, stateAt } from './subnet.js';
import { readNetuids } from './subnets.js';

/** @throws AssayError `chain-unknown` for no such subnet, `unsupported` before subnets had tokens of their own */
export async function readEmission(
  connection: Connection,
  netuid: Netuid,
  at?: Uint8Array,
): Promise<SubnetEmission> {
  const state = await stateAt(connection, at);
  const { runtime, at: hash } = state;
  const item = 'SubnetAlphaOutEmission';
  const none = 0n;
  const [[added, alphaOutRao, ownerCut, isCutOn, alphaIn, alphaOut, rootTaoRao, taoWeight], movingPrices] =
    await Promise.all([
      readAll(
        connection,
        [
          requiredOf(runtime, MODULE, 'NetworksAdded', [netuid], asBoolean),
          readOr(runtime, MODULE, item, [netuid], asBigint, none),
          readOr(runtime, MODULE, 'SubnetOwnerCut', [], asNumber, 0),
          readOr(runtime, MODULE, 'OwnerCutEnabled', [netuid], asBoolean, true),
          readOr(runtime, MODULE, 'SubnetAlphaIn', [netuid], asBigint, none),
          readOr(runtime, MODULE, 'SubnetAlphaOut', [netuid], asBigint, none),
          readOr(runtime, MODULE, 'SubnetTAO', [ROOT], asBigint, none),
          readOr(runtime, MODULE, 'TaoWeight', [], asBigint, none),
        ],
        hash,
      ),
      readMovingPrices(connection, state),
    ]);
  if (!added) throw unknownBlock(`subnet ${netuid}`);
  if (!hasItem(runtime, MODULE, item))
    throw new AssayError('unsupported', `this chain has no ${item}: its subnets have no alpha`, {
      what: item,
      why: 'its runtime is older than tokens of subnets',
    });
  return {
    alphaOutRao,
    ownerCut: isCutOn ? ownerCut : 0,
    alphaIssuanceRao: alphaIn + alphaOut,
    rootTaoRao,
    taoWeight,
    movingPrices,
  };
}

const ROOT = 0;
const FRACTION_BITS = 32;
const ONE = 1n << BigInt(FRACTION_BITS);

/** Of `get_subnets_to_emit_to`; a subnet without a pool counts 1 (`get_moving_alpha_price`). */
async function readMovingPrices(
  connection: Connection,
  state: Pick<StateAt, 'runtime' | 'at'>,
): Promise<FixedPoint | undefined> {
  const { runtime, at } = state;
  const name = 'SubnetMovingPrice';
  if (!hasItem(runtime, MODULE, name)) return undefined;
  const subnets = (await readNetuids(connection, state)).filter((netuid) => netuid !== ROOT);
  const of = <T>(read: (netuid: Netuid) => Read<T>) => readAll(connection, subnets.map(read), at);
  const started = 'FirstEmissionBlockNumber';
  const [starts, tokens, open, mechanisms, prices] = await Promise.all([
    of((netuid) => readOr(runtime, MODULE, started, [netuid], asBigint, undefined)),
    of((netuid) => readOr(runtime, MODULE, 'SubtokenEnabled', [netuid], asBoolean, true)),
    of((netuid) => readOr(runtime, MODULE, 'NetworkRegistrationAllowed', [netuid], asBoolean, true)),
    of((netuid) => requiredOf(runtime, MODULE, 'SubnetMechanism', [netuid], asNumber)),
    of((netuid) => requiredOf(runtime, MODULE, name, [netuid], asBits)),
  ]);
  const mayStart = hasItem(runtime, MODULE, started);
  let bits = 0n;
  for (const i of subnets.keys()) {
    if ((mayStart && starts[i] === undefined) || !tokens[i] || !open[i]) continue;
    const price = mechanisms[i] === 0 ? ONE : prices[i]!; // read for every subnet
    if (price > 0n) bits += price;
  }
  return { bits, fractionBits: FRACTION_BITS };
}
