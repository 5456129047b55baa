// Owns: `assay subnet create | start`.
import { z } from 'zod';
import {
  registerNetwork,
  type SubnetIdentity,
  startCall,
} from '../../../chain/subtensor/operations/subnets.js';
import { type Netuid, toNetuid } from '../../../model/ids.js';
import { loadFlags } from '../../config.js';
import { type ChainClient, networkFlags, withChain } from '../../networks.js';
import { EXIT } from '../../output.js';
import { sayWhile } from '../../progress.js';
import { printDone, sendingFlags, sendOperation, withoutSecret } from '../../sending.js';
import { coldkeySigner, hotkeyAddress, type Signer, walletFlags } from '../../signers.js';
import { taoText } from '../../tao.js';
import { minedNetuidFlag } from '../chain/flags.js';

const shared = { ...networkFlags, ...walletFlags, ...sendingFlags };
const text = z.string().max(1024).optional();
const createSchema = z.strictObject({
  ...shared,
  start: z.boolean().default(false),
  name: text,
  githubRepo: text,
  contact: text,
  url: text,
  discord: text,
  description: text,
  logoUrl: text,
  additional: text,
});
const startSchema = z.strictObject({ ...shared, netuid: minedNetuidFlag });
type SendFlags = z.infer<z.ZodObject<typeof shared>>;

export async function createSubnet(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(createSchema, flags);
  const { json } = options;
  const hotkey = await hotkeyAddress(options, signal);
  const signer = await coldkeySigner(options, signal);
  return withChain(options, signal, async (chain) => {
    const [{ subnetRao }, [balance]] = await Promise.all([
      chain.prices(ROOT),
      chain.balances([signer.address]),
    ]);
    const free = balance!.freeRao; // one address, one balance
    const cost = subnetRao === undefined ? 'a price not known' : `${taoText(subnetRao)} TAO`;
    const sent = await sendOperation(
      {
        chain,
        signer,
        operation: registerNetwork(hotkey, identityOf(options)),
        what: `found a subnet with hotkey ${hotkey} as uid 0, for ${cost}`,
        facts: [
          ['owner', signer.address],
          ['hotkey', hotkey],
          ['costs now', `${cost}, locked`],
          ['balance', `${taoText(free)} TAO`],
        ],
        data: { owner: signer.address, hotkey, costRao: subnetRao, balanceRao: free },
        flags: options,
      },
      signal,
    );
    if (sent.is === 'not-sent') return sent.code;
    const added = sent.done.events.find(({ name }) => name === 'NetworkAdded');
    const netuid = toNetuid(Number(added!.data[0])); // operate.ts has seen that it is there
    const data = { netuid, owner: signer.address, hotkey };
    const tell = (rest: { readonly started?: false } = {}) =>
      printDone(sent.done, json, `subnet ${netuid} is yours`, { ...data, ...rest });
    if (!options.start) {
      tell();
      return EXIT.ok;
    }
    if (!json) tell();
    const founded = { ...data, foundedInBlock: sent.done.block };
    try {
      return await start(chain, { netuid, signer, flags: { ...options, yes: true }, founded }, signal);
    } catch (error) {
      if (json) tell({ started: false }); // the one document: it was founded all the same
      throw error;
    }
  });
}

interface Founded {
  readonly owner: string;
  readonly hotkey: string;
  readonly foundedInBlock: number;
}

const ROOT = toNetuid(0);

/** Opens trade and emission of a subnet that was founded; waits until the chain lets its owner. */
export async function startSubnet(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(startSchema, flags);
  const signer = await coldkeySigner(options, signal);
  return withChain(options, signal, (chain) =>
    start(chain, { netuid: toNetuid(options.netuid), signer, flags: options }, signal),
  );
}

async function start(
  chain: ChainClient,
  {
    netuid,
    signer,
    flags,
    founded = {},
  }: {
    readonly netuid: Netuid;
    readonly signer: Signer;
    readonly flags: SendFlags;
    /** what the same command has done before, for programs */
    readonly founded?: Partial<Founded>;
  },
  signal: AbortSignal,
): Promise<number> {
  const operation = startCall(netuid);
  if (!flags.dryRun) await untilAllowed(chain, signer.address, netuid, signal);
  const sent = await sendOperation(
    {
      chain,
      signer,
      operation,
      what: `start subnet ${netuid}`,
      facts: [['subnet', netuid]],
      data: { netuid, ...founded },
      flags,
    },
    signal,
  );
  if (sent.is === 'not-sent') return sent.code;
  printDone(sent.done, flags.json, `subnet ${netuid} has started`, {
    netuid,
    ...founded,
    started: true,
  });
  return EXIT.ok;
}

/** The chain keeps a new subnet waiting for StartCallDelay blocks. What else speaks against it is said when it is sent. */
async function untilAllowed(
  chain: ChainClient,
  owner: string,
  netuid: Netuid,
  signal: AbortSignal,
): Promise<void> {
  const { refusals } = await chain.preview(withoutSecret(owner), startCall(netuid));
  const atBlock = refusals[0]?.atBlock;
  if (atBlock === undefined) return;
  const reached = new AbortController();
  process.stderr.write(`waiting for block ${atBlock}, from which subnet ${netuid} may start\n`);
  await sayWhile(`waiting for block ${atBlock}`, () =>
    chain.watchHeads(
      ({ number }) => {
        // the call itself is carried by the block after
        if (number + 1 >= atBlock) reached.abort();
      },
      AbortSignal.any([signal, reached.signal]),
    ),
  );
  signal.throwIfAborted();
}

function identityOf(options: z.infer<typeof createSchema>): SubnetIdentity | undefined {
  const { name, githubRepo, contact, url, discord, description, logoUrl, additional } = options;
  const given = { name, githubRepo, contact, url, discord, description, logoUrl, additional };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return Object.keys(known).length === 0 ? undefined : known;
}
