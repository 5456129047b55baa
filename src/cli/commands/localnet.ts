// Owns: `assay localnet start` and `restore`. Does not own: what is asked of a running one (localnet-remote.ts).
import { readFileSync, statSync } from 'node:fs';
import { MAX_SNAPSHOT_BYTES, parseSnapshot } from '../../chain/snapshot-file.js';
import { readyKeys } from '../../keys/keypair.js';
import { fromAddress } from '../../keys/ss58.js';
import { keypairFromUri } from '../../keys/uri.js';
import { createLocalnet, type LocalnetOptions, serveLocalnet } from '../../localnet/index.js';
import { restoreState } from '../../localnet/save.js';
import { toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { isLoopback } from '../../protocol/address.js';
import { systemParts } from '../assemble.js';
import { loadConfig, localnetSchema } from '../config.js';
import { foundInstead, invalid } from '../invalid-input.js';
import { EXIT, print, printJson, stderrLog } from '../output.js';
import { tellParent } from '../parent.js';
import { raoOf, taoText } from '../tao.js';
import { mayBeSecret } from '../wallets.js';
import { followedLog } from './localnet-log.js';
import { runRuntimeLocalnet } from './localnet-runtime.js';

/** As Subtensor's own localnet has them at genesis (node/src/chain_spec/localnet.rs). */
const DEV_ACCOUNTS = [
  ['Alice', '1000000'],
  ['Bob', '1000000'],
  ['Charlie', '1000000'],
  ['Dave', '2000'],
  ['Eve', '2000'],
  ['Ferdie', '2000'],
] as const;

type Start = LocalnetOptions['from'];

export const startLocalnet = (
  { runtime, ...flags }: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> =>
  runtime === undefined
    ? serve(flags, signal, async () => undefined)
    : serveRuntime(String(runtime), flags, signal);

/** Starts from what `snapshot` saved, or from a subnet that `assay chain snapshot` read. */
export function restoreLocalnet(
  file: string,
  { owner, neuron, ...flags }: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  return serve(flags, signal, () => readStart(file, { owner, neurons: neuron }));
}

async function serve(
  flags: Record<string, unknown>,
  signal: AbortSignal,
  startOf: () => Promise<Start>,
): Promise<number> {
  const config = loadConfig(localnetSchema, flags);
  const { host, port, allowRemote, blockTimeMs, tempo, finalityLagBlocks, manual, basePath, json } = config;
  const { balances, names, sudo } = await genesisOf(config);
  const from = await startOf();
  const { clock } = systemParts;
  const isRole = process.connected;
  const log =
    json || isRole
      ? stderrLog(config.logLevel)
      : followedLog((line) => process.stderr.write(`${line}\n`), config.logLevel, names);
  const localnet = await createLocalnet({
    sudo,
    balances: [...balances],
    blockTimeMs,
    tempo,
    finalityLagBlocks,
    manual,
    faults: manual || config.faults,
    ...(basePath === undefined ? {} : { basePath }),
    ...(from === undefined ? {} : { from }),
    clock,
    log,
  });
  try {
    const { number } = localnet.head();
    const genesisHash = `0x${toHex(localnet.blockHash(0))}`;
    const root = localnet.query('Sudo', 'Key');
    const onListening = (at: { readonly url: string; readonly port: number }): void => {
      tellParent({ ready: at });
      if (isRole) return;
      if (json) printJson({ url: at.url, genesisHash, number, root, accounts: accountsOf(names, balances) });
      else {
        print(`localnet on ${at.url}; root is ${root ?? 'nobody'}`);
        if (number > 0) print(`goes on after block ${number}`);
        for (const [address, name] of names)
          print(`  //${name.padEnd(8)} ${address}  ${taoText(balances.get(address)!)} TAO`);
        print(
          manual
            ? 'blocks on request: assay localnet advance 1'
            : `a block every ${blockTimeMs} ms; Ctrl-C ends it`,
        );
      }
    };
    const served = serveLocalnet(localnet, { host, port, allowRemote, onListening }, signal);
    await Promise.all([served, manual ? served : localnet.run(signal)]);
  } finally {
    localnet.close();
  }
  return EXIT.ok;
}

async function genesisOf({ fund, sudo }: { readonly fund: readonly string[]; readonly sudo: string }) {
  await readyKeys();
  const balances = new Map<string, bigint>();
  const names = new Map<string, string>();
  for (const [name, tao] of DEV_ACCOUNTS) {
    const { address } = keypairFromUri(`//${name}`);
    balances.set(address, raoOf(tao, name));
    names.set(address, name);
  }
  for (const entry of fund) balances.set(...(await parseFund(entry)));
  return { balances, names, sudo: await accountOf(sudo) };
}

/** What only the embedded chain has. */
const EMBEDDED_ONLY = ['basePath', 'faults', 'tempo', 'finalityLagBlocks'] as const;

/** The same accounts on a real runtime, whose rules are its own. */
async function serveRuntime(
  spec: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const other = EMBEDDED_ONLY.find((name) => flags[name] !== undefined);
  if (other !== undefined) throw invalid('--runtime', `no ${other} beside it: the runtime decides`, other);
  const config = loadConfig(localnetSchema, flags);
  const { host, port, blockTimeMs, manual, json, allowRemote } = config;
  if (!allowRemote && !isLoopback(host))
    throw new AssayError('insecure-address', `${host} is not loopback: anyone who reaches it could connect`, {
      address: host,
    });
  const { balances, names, sudo } = await genesisOf(config);
  const onListening = (at: { readonly url: string; readonly port: number }): void => {
    tellParent({ ready: at });
    if (process.connected) return;
    if (json) printJson({ url: at.url, root: sudo, accounts: accountsOf(names, balances) });
    else
      print(`the runtime of ${spec} on ${at.url}, by Chopsticks; root is ${sudo}
${manual ? 'blocks on request: call dev_newBlock' : `a block every ${blockTimeMs} ms; Ctrl-C ends it`}`);
  };
  const parts = { clock: systemParts.clock, log: stderrLog(config.logLevel) };
  await runRuntimeLocalnet(
    parts,
    { spec, host, port, blockTimeMs, manual, sudo, balances, onListening },
    signal,
  );
  return EXIT.ok;
}

const accountsOf = (names: ReadonlyMap<string, string>, balances: ReadonlyMap<string, bigint>) =>
  [...names].map(([address, name]) => ({ uri: `//${name}`, address, freeRao: balances.get(address) }));

async function readStart(
  file: string,
  { owner, neurons = [] }: { readonly owner: unknown; readonly neurons?: unknown },
): Promise<Start> {
  const text = readHead(file);
  if (!text.includes('"assay-subnet-snapshot"')) {
    if (owner !== undefined) throw invalid(file, 'the snapshot of a subnet, for --owner', 'something else');
    return restoreState(file);
  }
  const snapshot = parseSnapshot(readFileSync(file, 'utf8'), file);
  const own = await Promise.all((neurons as readonly string[]).map(parseNeuron));
  return { snapshot, ...(owner === undefined ? {} : { owner: await keysOf(String(owner)) }), neurons: own };
}

/** Which of the two kinds a file is stands at its beginning. */
function readHead(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > MAX_SNAPSHOT_BYTES) throw invalid(file, `at most ${MAX_SNAPSHOT_BYTES} bytes`, `${size}`);
    return readFileSync(file, 'latin1').slice(0, 200);
  } catch (error) {
    throw invalid(file, 'a file that can be read', foundInstead(error), error);
  }
}

/** `3=//Bob`, or `3=<coldkey>:<hotkey>` */
async function parseNeuron(entry: string): Promise<{ uid: number; hotkey: string; coldkey: string }> {
  const [, uid, keys] = /^(\d{1,5})=(.+)$/.exec(entry) ?? [];
  if (uid === undefined || keys === undefined)
    throw invalid(`--neuron ${entry}`, '<uid>=<//URI>, or <uid>=<coldkey>:<hotkey>', entry);
  return { uid: Number(uid), ...(await keysOf(keys)) };
}

/** A URI stands for a coldkey, and its hotkey is derived from it. */
async function keysOf(text: string): Promise<{ hotkey: string; coldkey: string }> {
  if (text.startsWith('//'))
    return { coldkey: await accountOf(text), hotkey: await accountOf(`${text}//hotkey`) };
  const [coldkey = '', hotkey = ''] = text.split(':');
  return { coldkey: await accountOf(coldkey), hotkey: await accountOf(hotkey) };
}

/** @throws AssayError `invalid-input` for what is neither a development URI nor an address */
export async function accountOf(account: string): Promise<string> {
  await readyKeys();
  if (account.startsWith('//')) return keypairFromUri(account).address;
  if (mayBeSecret(account))
    throw invalid('the account', 'an address or a development URI such as //Alice', 'what may be a secret');
  fromAddress(account);
  return account;
}

async function parseFund(entry: string): Promise<[address: string, rao: bigint]> {
  const at = entry.lastIndexOf('=');
  const expected = '<address or //URI>=<TAO>';
  // neither half is repeated before it is known to be no secret
  if (at < 1)
    throw invalid('--fund', expected, mayBeSecret(entry) ? 'what may be a secret' : entry.slice(0, 64));
  const address = await accountOf(entry.slice(0, at));
  return [address, raoOf(entry.slice(at + 1), `--fund ${address}`)];
}
