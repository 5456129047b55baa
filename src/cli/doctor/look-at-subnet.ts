// Owns: reading from a chain, once and from one block, what the doctor judges and counts with. Does not own: the judgement
// (subnet-checks.ts, clock.ts), the counting (earnings.ts).
import { existsSync } from 'node:fs';
import type { ChainInfo, Subnet } from '../../chain/chain.js';
import type { HyperparameterEntry, SubnetEmission } from '../../chain/operator-reads.js';
import { isAssayError } from '../../model/errors.js';
import type { Hotkey } from '../../model/ids.js';
import { toNetuid } from '../../model/ids.js';
import { dataPaths, systemParts } from '../assemble.js';
import { invalid } from '../invalid-input.js';
import { readStatus, type SaidStatus } from '../miner-files.js';
import { type ChainClient, type NetworkFlags, withChain } from '../networks.js';
import { EXIT } from '../output.js';
import { sayWhile } from '../progress.js';
import type { Known } from '../subnet-module.js';
import type { Check } from './check.js';
import type { Skew } from './clock.js';
import { type BlockTime, skewOf, watchBlockTimes } from './clock.js';
import { type FoundPolicy, policyInForce } from './policy-in-force.js';

export interface SubnetLook {
  readonly info: ChainInfo;
  readonly subnet: Subnet;
  readonly registrationRao: bigint;
  readonly priceRao: bigint | undefined;
  /** undefined where subnets have no alpha */
  readonly emission: SubnetEmission | undefined;
  readonly mostUids: number | undefined;
  readonly immunityBlocks: number | undefined;
  readonly skew: Skew | undefined;
  readonly policy: { readonly found: FoundPolicy | undefined; readonly check: Check };
}

/** Blocks by whose time the clock is judged, and how many block times to wait for them. */
const BLOCKS = 2;
const BLOCK_TIMES = 2.5;
const LONGEST_MS = 40_000;

export interface LookAt extends Pick<NetworkFlags, 'network' | 'genesis'> {
  readonly netuid: number;
  readonly hotkey: Hotkey | undefined;
  readonly policy: string | undefined;
  readonly data: string | undefined;
  readonly known: Pick<Known, 'rules'>;
}

/** @returns undefined where it was interrupted. @throws AssayError as withChain, `chain-unknown` for no such subnet */
export async function lookAtSubnet(of: LookAt, signal: AbortSignal): Promise<SubnetLook | undefined> {
  let look: SubnetLook | undefined;
  await withChain(of, signal, async (chain) => {
    look = await lookWith(chain, of, signal);
    return EXIT.ok;
  });
  return look;
}

async function lookWith(chain: ChainClient, of: LookAt, signal: AbortSignal): Promise<SubnetLook> {
  const netuid = toNetuid(of.netuid);
  const [info, { hash }] = await Promise.all([chain.info(), chain.head()]);
  const [subnet, prices, emission, hyperparameters] = await Promise.all([
    chain.subnet(netuid, hash),
    chain.prices(netuid, hash),
    chain.emission(netuid, hash).catch(whereUnsupported),
    chain.hyperparameters(netuid, hash),
  ]);
  const { policy: named, data, known } = of;
  const policy = await policyInForce(chain, { subnet, hash }, { named, data, known });
  const withinMs = Math.min(LONGEST_MS, BLOCK_TIMES * info.blockTimeMs);
  const blocks: readonly BlockTime[] = await sayWhile(
    `waiting for ${BLOCKS} blocks, up to ${Math.ceil(withinMs / 1000)} s`,
    () => watchBlockTimes(chain, { now: systemParts.clock.now, most: BLOCKS, withinMs }, signal),
  );
  return {
    info,
    subnet,
    registrationRao: prices.registrationRao,
    priceRao: prices.alphaRao,
    emission,
    mostUids: countOf(hyperparameters, 'max_allowed_uids'),
    immunityBlocks: countOf(hyperparameters, 'immunity_period'),
    skew: skewOf(blocks, info.blockTimeMs),
    policy,
  };
}

const whereUnsupported = (error: unknown): undefined => {
  if (isAssayError(error, 'unsupported')) return undefined;
  throw error;
};

function countOf(entries: readonly HyperparameterEntry[], name: string): number | undefined {
  const found = entries.find((each) => each.name === name);
  return found?.kind === 'integer' ? Number(found.value) : undefined;
}

/** What the miner of a data folder says of itself; undefined where none ever ran there. */
export async function runningMiner(data: string | undefined): Promise<SaidStatus | undefined> {
  if (data === undefined) return undefined;
  const path = dataPaths.minerStatus(data);
  if (!existsSync(data)) throw invalid('--data', 'a folder that is there', data);
  return existsSync(path) ? readStatus(path) : undefined;
}
