// Owns: names and flags of `assay wallet`. Each command's work is in commands/wallet/, loaded when it is called.
import { type Command, Option } from 'commander';
import { EXIT } from './output.js';
import type { Run } from './run.js';
import { addWalletOptions, addWalletPath } from './wallets.js';

type Flags = Record<string, unknown>;

export function registerWallet(program: Command, runPlainly: Run): void {
  const wallet = program
    .command('wallet')
    .description('Bittensor wallets: make, import, look at and sign with their keys');
  // a question that Ctrl-C ends, and a key that is being computed, reject with the signal's reason
  const run: Run = (work) =>
    runPlainly(async (signal) => {
      try {
        return await work(signal);
      } catch (error) {
        if (signal.aborted) return EXIT.interrupted;
        throw error;
      }
    });
  registerCreate(wallet, run);
  registerImport(wallet, run);
  registerList(wallet, run);
  registerShow(wallet, run);
  registerSign(wallet, run);
  registerVerify(wallet, run);
  registerRegenPub(wallet, run);
}

function registerCreate(wallet: Command, run: Run): void {
  newKeyOptions(addWalletOptions(wallet.command('create')))
    .description('make a new coldkey and hotkey, and show their mnemonics once')
    .addOption(keyOption('make only this one; without it both'))
    .addOption(new Option('--words <n>', 'words of each mnemonic (12)').choices(['12', '24']))
    .option('--show-mnemonic', 'with --json: put the mnemonics into the document')
    .addHelpText(
      'after',
      `
Examples:
  assay wallet create --wallet mine                              coldkey and hotkey "default"
  assay wallet create --wallet mine --hotkey gpu-2 --key hotkey  another hotkey

The coldkey is encrypted with a password; the hotkey is not, for daemons sign with it. A mnemonic is printed once and
only to a terminal, or with --json --show-mnemonic.`,
    )
    .action(async (flags: Flags) => {
      const { createWallet } = await import('./commands/wallet/create.js');
      return run((signal) => createWallet(flags, signal));
    });
}

function registerImport(wallet: Command, run: Run): void {
  newKeyOptions(addWalletOptions(wallet.command('import')))
    .description('put a key that exists elsewhere into a wallet')
    .addOption(keyOption('what it becomes').makeOptionMandatory())
    .option('--from <file>', 'where it is, - for standard input; without it you are asked for a phrase')
    .option('--from-password-file <file>', 'password of that file, where it is encrypted')
    .addHelpText(
      'after',
      `
It may be a phrase of 12 to 24 words, a key URI (phrase//junction), a seed in hexadecimal, a key file of a Bittensor
wallet, or an account that polkadot-js exported. A secret is never given as a flag: process lists show these.

Example:
  assay wallet import --key coldkey --wallet mine --from account.json`,
    )
    .action(async (flags: Flags) => {
      const { importKey } = await import('./commands/wallet/import.js');
      return run((signal) => importKey(flags, signal));
    });
}

function registerList(wallet: Command, run: Run): void {
  addWalletPath(wallet.command('list'))
    .description('wallets and their hotkeys with addresses; needs no password')
    .option('--json', 'one JSON document')
    .action(async (flags: Flags) => {
      const { listAllWallets } = await import('./commands/wallet/list.js');
      return run(() => listAllWallets(flags));
    });
}

function registerShow(wallet: Command, run: Run): void {
  addWalletOptions(wallet.command('show'))
    .description(
      'one wallet: addresses, files, how they are encrypted, what is wrong with them; needs no password',
    )
    .option('--json', 'one JSON document')
    .action(async (flags: Flags) => {
      const { showWallet } = await import('./commands/wallet/show.js');
      return run(() => showWallet(flags));
    });
}

function registerSign(wallet: Command, run: Run): void {
  messageOptions(addWalletOptions(wallet.command('sign')))
    .description('sign a message; prints the signature in hexadecimal')
    .addOption(keyOption('with which key (hotkey)'))
    .addHelpText(
      'after',
      `
What is signed are the bytes of the text as they are, also where they look like hexadecimal.

Example:
  assay wallet sign --wallet mine --key coldkey --message "I own this wallet"`,
    )
    .action(async (flags: Flags) => {
      const { signMessage } = await import('./commands/wallet/sign.js');
      return run((signal) => signMessage(flags, signal));
    });
}

function registerVerify(wallet: Command, run: Run): void {
  messageOptions(wallet.command('verify'))
    .description('is this a signature of that address over the message; needs no wallet')
    .argument('<address>', 'SS58')
    .argument('<signature>', '64 bytes in hexadecimal')
    .addHelpText(
      'after',
      '\nExits 0 when it is, 1 when it is not. One over <Bytes>message</Bytes>, as browser wallets sign, counts.',
    )
    .action(async (address: string, signature: string, flags: Flags) => {
      const { verifyMessage } = await import('./commands/wallet/verify.js');
      return run(() => verifyMessage(address, signature, flags));
    });
}

function registerRegenPub(wallet: Command, run: Run): void {
  addWalletOptions(wallet.command('regen-pub'))
    .description('write the public key file of a key anew: from the key, or from an address')
    .addOption(keyOption('of which key (coldkey)'))
    .option('--address <ss58>', 'from this address: a wallet to look at, without its secret')
    .option('--force', 'replace another one, and keep a copy of it')
    .option('--json', 'one JSON document')
    .action(async (flags: Flags) => {
      const { regenPub } = await import('./commands/wallet/regen-pub.js');
      return run((signal) => regenPub(flags, signal));
    });
}

const keyOption = (description: string): Option =>
  new Option('--key <key>', description).choices(['coldkey', 'hotkey']);

const newKeyOptions = (command: Command): Command =>
  command
    .option('--no-password', 'leave the coldkey unencrypted: whoever reads the file has the key')
    .option('--force', 'replace keys that are there, and keep a copy of each')
    .option('--json', 'one JSON document');

const messageOptions = (command: Command): Command =>
  command
    .option('--message <text>', 'the message')
    .option('--file <file>', 'file with the message, - for standard input')
    .option('--json', 'one JSON document');
