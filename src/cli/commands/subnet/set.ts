// Owns: `assay subnet set`. Does not own: which names there are (settings.ts).
import { z } from 'zod';
import { asSudo } from '../../../chain/subtensor/operations/wrapping.js';
import { toNetuid } from '../../../model/ids.js';
import { loadFlags } from '../../config.js';
import type { Fact } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { type ChainClient, isLocalnet, networkFlags, withChain } from '../../networks.js';
import { EXIT, print, printJson } from '../../output.js';
import { printDone, sendingFlags, sendOperation } from '../../sending.js';
import { coldkeySigner, walletFlags } from '../../signers.js';
import { Table } from '../../table.js';
import { taoText } from '../../tao.js';
import { netuidFlag } from '../chain/flags.js';
import { allowedAt, freezeText } from '../chain/hyperparams.js';
import { allSettings, type Setting, settingOf } from './settings.js';

const schema = z.strictObject({
  ...networkFlags,
  ...walletFlags,
  ...sendingFlags,
  netuid: netuidFlag.optional(),
  sudo: z.boolean().default(false),
  list: z.boolean().default(false),
});

export async function setOfSubnet(
  given: readonly [name: string | undefined, value: string | undefined],
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const options = loadFlags(schema, flags);
  const [name, value] = given;
  if (options.list) {
    if (name !== undefined) throw invalid('--list', 'no name beside it', name);
    return listSettings(options.json);
  }
  if (name === undefined || value === undefined)
    throw invalid('the setting', 'a name and a value (assay subnet set --list)', name ?? 'neither');
  const { sudo, json } = options;
  const setting = settingOf(name, sudo);
  const netuid = netuidOf(setting, options.netuid);
  if (setting.who === 'root' && !sudo)
    throw invalid(
      setting.name,
      'one that owners may set, or --sudo on a localnet',
      'one that only root sets',
    );
  const inner = setting.toOperation(netuid ?? 0, value);
  const signer = await coldkeySigner(options, signal);
  return withChain(options, signal, async (chain) => {
    if (sudo && !isLocalnet(await chain.info()))
      throw invalid('--sudo', 'a localnet: nobody holds the key of others', (await chain.info()).name);
    const before = netuid === undefined ? [] : await limitFacts(chain, netuid, setting);
    const where = netuid === undefined ? 'the chain' : `subnet ${netuid}`;
    const sent = await sendOperation(
      {
        chain,
        signer,
        operation: sudo ? asSudo(inner) : inner,
        what: `set ${setting.name} of ${where} to ${value}`,
        facts: [
          ['setting', `${setting.name} of ${where}`],
          ['to', setting.isRao ? `${value} rao (${taoText(BigInt(value))} TAO)` : value],
          ['takes', setting.takes],
          ['note', setting.isInert ? 'nothing in today’s epoch reads it' : undefined],
          ...(sudo ? [] : before),
        ],
        data: { netuid, name: setting.name, value },
        flags: options,
      },
      signal,
    );
    if (sent.is === 'not-sent') return sent.code;
    printDone(sent.done, json, `${setting.name} of ${where} is ${value}`, {
      netuid,
      name: setting.name,
      value,
    });
    return EXIT.ok;
  });
}

function netuidOf({ name, isGlobal }: Setting, netuid: number | undefined): number | undefined {
  if (isGlobal && netuid !== undefined)
    throw invalid('--netuid', `none: ${name} is the whole chain’s`, String(netuid));
  if (!isGlobal && netuid === undefined) throw invalid('--netuid', 'the number of a subnet', 'none');
  return netuid;
}

/** When the owner may: said before anything is refused. */
async function limitFacts(chain: ChainClient, of: number, setting: Setting): Promise<readonly Fact[]> {
  const netuid = toNetuid(of);
  const { number, hash } = await chain.head();
  const { ownerHotkey } = await chain.subnet(netuid, hash);
  const [limits, freeze] = await Promise.all([
    chain.rateLimits(netuid, ownerHotkey, hash),
    chain.freezeWindow(netuid, hash),
  ]);
  const limit = limits.find(({ action }) => action === setting.rateAction);
  const from = allowedAt(setting, { block: number + 1, limits, freeze });
  return [
    ['rate limit', limit === undefined ? 'none' : `once in ${limit.limitBlocks} blocks`],
    ['freeze window', setting.freezes ? freezeText(freeze, number + 1) : 'not for this one'],
    ['possible', from <= number + 1 ? 'now' : `from block ${from}; the head is ${number}`],
  ];
}

function listSettings(json: boolean): number {
  const rows = allSettings().map(({ name, who, isGlobal, freezes, isInert, takes }) => ({
    name,
    who,
    of: isGlobal ? 'chain' : 'subnet',
    takes,
    freezes,
    isInert,
  }));
  if (json) {
    printJson(rows);
    return EXIT.ok;
  }
  const table = new Table({ head: ['name', 'set by', 'of', 'takes', 'note'] });
  for (const { name, who, of, takes, freezes, isInert } of rows) {
    const notes = [...(freezes ? ['not before an epoch'] : []), ...(isInert ? ['nothing reads it'] : [])];
    table.push([name, who, of, takes, notes.join('; ')]);
  }
  print(table.toString());
  print('what is set by root needs --sudo, on localnets');
  return EXIT.ok;
}
