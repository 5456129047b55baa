// Owns: buying a registration for a miner's hotkey, within the operator's limit and with the coldkey that they name. Does not own:
// when (miner/life.ts), the call (chain/subtensor/operations), keys (signers.ts).
import type { ChainInfo, ChainReader } from '../chain/chain.js';
import type { SubtensorReader } from '../chain/operator-reads.js';
import type { ChainOperator } from '../chain/subtensor/operate.js';
import { registerLimit } from '../chain/subtensor/operations/registration.js';
import type { Registering } from '../miner/life.js';
import type { Netuid } from '../model/ids.js';
import type { Log } from '../model/log.js';
import { invalid } from './invalid-input.js';
import { coldkeySigner } from './signers.js';

export interface RegistrationChoice {
  readonly wallet?: string | undefined;
  readonly walletPath?: string | undefined;
  readonly coldkeyPasswordFile?: string | undefined;
  readonly limitRao: bigint;
}

/**
 * @returns what buys one: the chain itself refuses more than the limit, whatever the price becomes until the block
 * @throws AssayError `invalid-input` for a wallet that is not there, at once rather than when it is needed
 */
export async function createRegistration(
  parts: {
    readonly chain: Pick<ChainReader, 'balanceRao'> &
      Pick<SubtensorReader, 'prices'> &
      Pick<ChainOperator, 'submit'>;
    readonly info: ChainInfo;
    readonly log: Log;
  },
  about: { readonly netuid: Netuid; readonly hotkey: string },
  choice: RegistrationChoice,
  signal: AbortSignal,
): Promise<(signal: AbortSignal) => Promise<Registering>> {
  const { chain, info, log } = parts;
  const { limitRao, coldkeyPasswordFile: passwordFile, ...wallet } = choice;
  const signer = await coldkeySigner({ ...wallet, passwordFile }, signal);
  if (signer.isDevelopment && info.type === 'live')
    throw invalid('--wallet', 'a wallet: everybody has the keys of development URIs', `one, on ${info.name}`);
  return async () => {
    let isSigned = false;
    try {
      const { registrationRao: costRao } = await chain.prices(about.netuid);
      if (costRao > limitRao) return { is: 'too-dear', costRao };
      log.info('registering', { hotkey: about.hotkey, costRao, limitRao, coldkey: signer.address });
      const keypair = await signer.unlock();
      await chain.submit(keypair, registerLimit(about.netuid, about.hotkey, limitRao), {
        async onSigned({ hash, deathBlock }) {
          isSigned = true;
          log.info('registration sent', { extrinsic: hash, mayLandUntilBlock: deathBlock - 1 });
        },
      });
      return { is: 'sent' };
    } catch (error) {
      if (isSigned) throw error;
      return { is: 'unsent', error }; // a node that was away for a moment must not cost the one try
    }
  };
}
