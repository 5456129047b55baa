// Owns: `assay chain status`.
import { z } from 'zod';
import { loadFlags } from '../../config.js';
import { hashText, printFacts } from '../../facts.js';
import { networkFlags, withChain } from '../../networks.js';
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
    const { url, headAgeMs, sickness } = chain.status();
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
