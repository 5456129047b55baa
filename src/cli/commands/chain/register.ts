// Owns: `assay chain register`.
import { z } from 'zod';
import {
  burnedRegister,
  registerLimit,
  rootRegister,
} from '../../../chain/subtensor/operations/registration.js';
import { toNetuid } from '../../../model/ids.js';
import { loadFlags } from '../../config.js';
import { invalid } from '../../invalid-input.js';
import { networkFlags, withChain } from '../../networks.js';
import { EXIT } from '../../output.js';
import { printDone, sendingFlags, sendOperation } from '../../sending.js';
import { coldkeySigner, hotkeyAddress, walletFlags } from '../../signers.js';
import { raoOf, taoText } from '../../tao.js';
import { amountFlag, netuidFlag } from './flags.js';

export async function chainRegister(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(
    z.strictObject({
      ...networkFlags,
      ...walletFlags,
      ...sendingFlags,
      netuid: netuidFlag,
      priceLimit: amountFlag.optional(),
      limitPrice: amountFlag.optional(),
    }),
    flags,
  );
  const { netuid, limitPrice, priceLimit = limitPrice, json } = options;
  if (limitPrice !== undefined && priceLimit !== limitPrice)
    throw invalid('--limit-price', 'one value: it is another name of --price-limit', 'two');
  const limitRao = priceLimit === undefined ? undefined : raoOf(priceLimit, '--price-limit');
  const hotkey = await hotkeyAddress(options, signal);
  const signer = await coldkeySigner(options, signal);
  return withChain(options, signal, async (chain) => {
    const [{ registrationRao }, [balance]] = await Promise.all([
      chain.prices(toNetuid(netuid)),
      chain.balances([signer.address]),
    ]);
    const free = balance!.freeRao; // one address, one balance
    const costRao = netuid === 0 ? 0n : registrationRao;
    const operation =
      netuid === 0
        ? rootRegister(hotkey)
        : limitRao === undefined
          ? burnedRegister(netuid, hotkey)
          : registerLimit(netuid, hotkey, limitRao);
    const sent = await sendOperation(
      {
        chain,
        signer,
        operation,
        what: `register ${hotkey} in subnet ${netuid} for ${taoText(costRao)} TAO`,
        facts: [
          ['subnet', netuid],
          ['hotkey', hotkey],
          ['costs now', `${taoText(costRao)} TAO, burned`],
          ['at most', limitRao === undefined ? 'whatever it costs then' : `${taoText(limitRao)} TAO`],
          ['balance', `${taoText(free)} TAO`],
        ],
        data: { netuid, hotkey, costRao, limitRao, balanceRao: free },
        flags: options,
      },
      signal,
    );
    if (sent.is === 'not-sent') return sent.code;
    // it is registered, whether or not this can still be read
    const found = await chain.subnet(toNetuid(netuid), sent.done.blockHash).catch(() => undefined);
    const uid = found?.neurons.find((neuron) => neuron.hotkey === hotkey)?.uid;
    const place = uid === undefined ? 'registered in' : `uid ${uid} of`;
    const data = { netuid, hotkey, uid, costRao };
    printDone(sent.done, json, `${hotkey} is ${place} subnet ${netuid}`, data);
    return EXIT.ok;
  });
}
