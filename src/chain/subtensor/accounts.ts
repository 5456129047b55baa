// Owns: balances, identities and fees. Does not own: stake (stakes.ts).
import { AssayError } from '../../model/errors.js';
import type { Balance, IdentityRecord } from '../operator-reads.js';
import type { Connection } from './connection.js';
import { MODULE } from './neurons.js';
import { asBigint, asRecord, plainOf } from './plain.js';
import { callApi } from './runtime-api.js';
import { hasItem, readAll, readOr, requiredOf } from './storage.js';
import { stateAt } from './subnet.js';
import { asIdentity } from './texts.js';

export async function readBalances(
  connection: Connection,
  addresses: readonly string[],
  at?: Uint8Array,
): Promise<readonly Balance[]> {
  const { runtime, at: hash } = await stateAt(connection, at);
  const accounts = await readAll(
    connection,
    addresses.map((address) =>
      requiredOf(runtime, 'System', 'Account', [address], (plain) => asRecord(asRecord(plain).data)),
    ),
    hash,
  );
  return accounts.map(({ free, reserved }, i) => ({
    address: addresses[i]!, // one account each
    freeRao: asBigint(free),
    reservedRao: asBigint(reserved),
  }));
}

export async function readIdentity(
  connection: Connection,
  coldkey: string,
  at?: Uint8Array,
): Promise<IdentityRecord | undefined> {
  const { runtime, at: hash } = await stateAt(connection, at);
  const item = hasItem(runtime, MODULE, 'IdentitiesV2') ? 'IdentitiesV2' : 'Identities';
  const [identity] = await readAll(
    connection,
    [readOr(runtime, MODULE, item, [coldkey], asIdentity, undefined)],
    hash,
  );
  return identity;
}

export async function readIssuanceRao(connection: Connection, at?: Uint8Array): Promise<bigint> {
  const { runtime, at: hash } = await stateAt(connection, at);
  const [issuance] = await readAll(
    connection,
    [requiredOf(runtime, 'Balances', 'TotalIssuance', [], asBigint)],
    hash,
  );
  return issuance;
}

export async function readFeeRao(
  connection: Connection,
  extrinsic: Uint8Array,
  at?: Uint8Array,
): Promise<bigint> {
  const { runtime, at: hash } = await stateAt(connection, at);
  const args = [extrinsic, extrinsic.length];
  const answer = await callApi(connection, runtime, 'TransactionPaymentApi_query_info', args, hash);
  return asBigint(asRecord(answer).partialFee);
}

export function existentialDepositRao({ api }: Connection): bigint {
  const deposit = api.consts.balances?.existentialDeposit;
  if (deposit) return asBigint(plainOf(deposit));
  throw new AssayError('unsupported', 'this chain has no existential deposit', {
    what: 'existential deposit',
    why: 'its metadata has no constant Balances.ExistentialDeposit',
  });
}
