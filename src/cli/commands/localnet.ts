// Owns: `assay localnet start`.
import { keypairFromUri, readyKeys } from '../../keys/index.js';
import { fromAddress } from '../../keys/ss58.js';
import { createLocalnet, serveLocalnet } from '../../localnet/index.js';
import { AssayError } from '../../model/errors.js';
import { systemParts } from '../assemble.js';
import { loadConfig, localnetSchema } from '../config.js';
import { EXIT, print, stderrLog } from '../output.js';
import { tellParent } from '../parent.js';

const RAO_PER_TAO = 1_000_000_000n;
/** As Subtensor's own localnet has them at genesis (node/src/chain_spec/localnet.rs). */
const GENESIS_TAO = [
  ['//Alice', 1_000_000n],
  ['//Bob', 1_000_000n],
  ['//Charlie', 1_000_000n],
] as const;

export async function startLocalnet(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const { host, port, blockTimeMs, tempo, finalityLagBlocks, manual, sudo, fund, logLevel } = loadConfig(
    localnetSchema,
    flags,
  );
  await readyKeys();
  const balances = new Map<string, bigint>();
  for (const [uri, tao] of GENESIS_TAO) balances.set(addressOf(uri), tao * RAO_PER_TAO);
  for (const entry of fund) {
    const [address, rao] = parseFund(entry);
    balances.set(address, rao);
  }
  const { clock } = systemParts;
  const localnet = await createLocalnet({
    sudo: addressOf(sudo),
    balances: [...balances],
    blockTimeMs,
    tempo,
    finalityLagBlocks,
    manual,
    clock,
    log: stderrLog(logLevel),
  });
  const served = serveLocalnet(
    localnet,
    {
      host,
      port,
      onListening: ({ url, port: bound }) => {
        tellParent({ ready: { url, port: bound } });
        if (process.connected) return;
        print(`localnet on ${url}; root is ${addressOf(sudo)}`);
        print(
          manual ? 'blocks on request: call dev_newBlock' : `a block every ${blockTimeMs} ms; Ctrl-C ends it`,
        );
      },
    },
    signal,
  );
  await Promise.all([served, manual ? served : localnet.run(signal)]);
  return EXIT.ok;
}

/** @throws AssayError `invalid-input` for what is neither a development URI nor an address */
function addressOf(account: string): string {
  if (account.startsWith('//')) return keypairFromUri(account).address;
  fromAddress(account);
  return account;
}

function parseFund(entry: string): [address: string, rao: bigint] {
  const at = entry.lastIndexOf('=');
  const tao = entry.slice(at + 1);
  if (at < 1 || !/^\d{1,9}$/.test(tao)) {
    const expected = '<address or //URI>=<whole TAO>';
    throw new AssayError('invalid-input', `--fund ${entry}: expected ${expected}`, {
      what: '--fund',
      expected,
      got: entry,
    });
  }
  return [addressOf(entry.slice(0, at)), BigInt(tao) * RAO_PER_TAO];
}
