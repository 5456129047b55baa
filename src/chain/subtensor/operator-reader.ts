// Owns: SubtensorReader over one connection, tried again across outages. Does not own: the single reads.
import type { SubtensorReader } from '../operator-reads.js';
import { type RetryParts, retryRead } from '../with-retry.js';
import {
  existentialDepositRao,
  readBalances,
  readFeeRao,
  readIdentity,
  readIssuanceRao,
} from './accounts.js';
import { readAnnouncements } from './announcements.js';
import { readChildKeys } from './child-keys.js';
import { readCommitmentOf, readCommitments } from './commitments.js';
import { readPulse } from './commits.js';
import type { Connection } from './connection.js';
import { readEmission } from './emission.js';
import { readEvents } from './events.js';
import { featuresOf } from './features.js';
import { readHyperparameters } from './hyperparameters.js';
import { readMatrix } from './matrices.js';
import { readPrices, readSimulatedSwap } from './prices.js';
import { readFreezeWindow, readRateLimits } from './rate-limits.js';
import { readSnapshot } from './snapshot.js';
import { readDelegates, readStakes } from './stakes.js';
import { stateAt } from './subnet.js';
import { readSubnets } from './subnets.js';

/** @param parts how long to try again: with-retry.ts */
export function createOperatorReader(
  connection: Connection,
  parts: RetryParts,
  signal?: AbortSignal,
): SubtensorReader {
  const reads = readsOf(connection) as unknown as Record<
    string,
    (...args: readonly unknown[]) => Promise<unknown>
  >;
  const retried = Object.entries(reads).map(
    ([name, read]) =>
      [name, (...args: readonly unknown[]) => retryRead(parts, name, () => read(...args), signal)] as const,
  );
  return Object.fromEntries(retried) as unknown as SubtensorReader; // name by name what readsOf gave
}

function readsOf(connection: Connection): SubtensorReader {
  return {
    features: async (at) => featuresOf((await stateAt(connection, at)).runtime),
    hyperparameters: (netuid, at) => readHyperparameters(connection, netuid, at),
    subnets: (at) => readSubnets(connection, at),
    stakesOf: (coldkey, at) => readStakes(connection, coldkey, at),
    delegates: (at) => readDelegates(connection, at),
    identityOf: (coldkey, at) => readIdentity(connection, coldkey, at),
    commitments: (netuid, at) => readCommitments(connection, netuid, at),
    commitmentOf: (netuid, hotkey, at) => readCommitmentOf(connection, netuid, hotkey, at),
    pulse: (round, at) => readPulse(connection, round, at),
    announcements: (netuid, at) => readAnnouncements(connection, netuid, at),
    childKeys: (hotkey, netuid, at) => readChildKeys(connection, hotkey, netuid, at),
    emission: (netuid, at) => readEmission(connection, netuid, at),
    prices: (netuid, at) => readPrices(connection, netuid, at),
    simulateSwap: (netuid, swap, at) => readSimulatedSwap(connection, netuid, swap, at),
    rateLimits: (netuid, hotkey, at) => readRateLimits(connection, netuid, hotkey, at),
    freezeWindow: (netuid, at) => readFreezeWindow(connection, netuid, at),
    events: (at) => readEvents(connection, at),
    weightsMatrix: (netuid, at, mechanism) => readMatrix(connection, 'Weights', netuid, at, mechanism),
    bondsMatrix: (netuid, at, mechanism) => readMatrix(connection, 'Bonds', netuid, at, mechanism),
    balances: (addresses, at) => readBalances(connection, addresses, at),
    issuanceRao: (at) => readIssuanceRao(connection, at),
    existentialDepositRao: async () => existentialDepositRao(connection),
    feeRao: (extrinsic, at) => readFeeRao(connection, extrinsic, at),
    snapshot: (netuid, at) => readSnapshot(connection, netuid, at),
  };
}
