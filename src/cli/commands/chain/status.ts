// Owns: `assay chain status`.
import { z } from 'zod';
import type { Head } from '../../../chain/chain.js';
import { isAssayError } from '../../../model/errors.js';
import { systemParts } from '../../assemble.js';
import { loadFlags } from '../../config.js';
import { hashText, printFacts } from '../../facts.js';
import { type ChainClient, networkFlags, withChain } from '../../networks.js';
import { EXIT, printJson } from '../../output.js';
import { taoText } from '../../tao.js';

export async function chainStatus(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(z.strictObject(networkFlags), flags);
  return withChain(options, signal, async (chain) => {
    const [info, head, finalized, features, issuanceRao] = await Promise.all([
      chain.info(),
      chain.head(),
      chain.finalizedHead(),
      chain.features(),
      chain.issuanceRao(),
    ]);
    const { url, headAgeMs: heardAgeMs, sickness: heard } = chain.status();
    // a connection that has just begun has heard nothing yet: what the head says of itself can be asked at once
    const headAgeMs = (await ageOf(chain, head)) ?? heardAgeMs;
    const sickness = heard ?? (isStale(headAgeMs, info.blockTimeMs) ? ('stalled' as const) : undefined);
    if (options.json) {
      printJson({ url, ...info, head, finalized, headAgeMs, sickness, issuanceRao, features });
      return EXIT.ok;
    }
    const yesNo = Object.entries(features).filter(([, value]) => typeof value === 'boolean');
    const names = (wanted: boolean) =>
      yesNo
        .filter(([, value]) => value === wanted)
        .map(([name]) => name)
        .join(', ') || undefined;
    printFacts([
      ['endpoint', url],
      ['chain', `${info.name} (${info.type})`],
      ['genesis', hashText(info.genesisHash)],
      ['spec version', info.specVersion],
      ['head', `${head.number} ${hashText(head.hash)}`],
      ['finalised', `${finalized.number} ${hashText(finalized.hash)}`],
      ['head age', headAgeMs === undefined ? undefined : `${(headAgeMs / 1000).toFixed(1)} s`],
      ['block time', `${info.blockTimeMs / 1000} s`],
      ['issuance', `${taoText(issuanceRao)} TAO`],
      ['epochs', features.epochs],
      ['has', names(true)],
      ['has not', names(false)],
      [
        'reads by',
        `metagraph ${features.metagraph}, hyperparameters ${features.hyperparameters}, subnets ${features.subnetList}, stake ${features.stakeInfo}`,
      ],
      ['node is', sickness],
    ]);
    return EXIT.ok;
  });
}

const STALE_BLOCKS = 5;
/** Clocks of two machines differ by as much. */
const STALE_MIN_MS = 5_000;

/** Whether a next block should have been there long ago. */
export const isStale = (headAgeMs: number | undefined, blockTimeMs: number): boolean =>
  headAgeMs !== undefined && headAgeMs > Math.max(STALE_BLOCKS * blockTimeMs, STALE_MIN_MS);

/** By the block's own Timestamp.Now; undefined on runtimes without a beacon, beside which it is read. */
async function ageOf(chain: ChainClient, { hash }: Head): Promise<number | undefined> {
  try {
    const { blockTimestampMs } = await chain.beacon(hash);
    return systemParts.clock.now() - blockTimestampMs;
  } catch (error) {
    if (isAssayError(error, 'unsupported')) return undefined;
    throw error;
  }
}
