// Owns: what each error code means and what to do about it, in words, and with which exit code a command ends then.
// Does not own: the codes of the model and their data (model/errors.ts), how an error is printed (output.ts).
import type { ErrorCode } from '../model/errors.js';
import { EXIT } from './exit-codes.js';

/** What the command line itself refuses, before any command is called; and what nobody foresaw. */
export type UsageCode =
  | 'unknown-command'
  | 'unknown-flag'
  | 'missing-argument'
  | 'missing-flag'
  | 'missing-value'
  | 'too-many-arguments'
  | 'invalid-value'
  | 'conflicting-flags';
export type CliCode = ErrorCode | UsageCode | 'unexpected';

export interface ErrorPage {
  readonly means: string;
  readonly remedy: string;
  readonly exit: number;
  /** the message says what to do there and then, and the remedy here would only repeat it */
  readonly isSaid?: true;
}

/** Every code that `error: ... [code]` can end with. */
export const ERROR_PAGES: Readonly<Record<CliCode, ErrorPage>> = {
  'unknown-command': {
    means: 'There is no such command.',
    remedy:
      'Take the one that is suggested, or look at `assay --help`; `assay completion` makes shells complete them.',
    exit: EXIT.usage,
    isSaid: true,
  },
  'unknown-flag': {
    means: 'The command has no such flag. Nothing was done.',
    remedy: 'Look at the flags with --help behind the command.',
    exit: EXIT.usage,
    isSaid: true,
  },
  'missing-argument': {
    means: 'The command needs a word that is not there.',
    remedy: 'Its usage line, with --help, shows what in < > is required.',
    exit: EXIT.usage,
    isSaid: true,
  },
  'missing-flag': {
    means: 'The command cannot do without that flag.',
    remedy: 'Say it; --help tells what it takes.',
    exit: EXIT.usage,
    isSaid: true,
  },
  'missing-value': {
    means: 'The flag takes a value and has none.',
    remedy: 'Put the value behind it: --flag value, or --flag=value where it begins with a dash.',
    exit: EXIT.usage,
    isSaid: true,
  },
  'too-many-arguments': {
    means: 'There are more words than the command takes, often a space in a name that was not quoted.',
    remedy: 'Quote names with spaces; look at the usage line with --help.',
    exit: EXIT.usage,
    isSaid: true,
  },
  'invalid-value': {
    means: 'The flag takes one of a few values, and this is none of them.',
    remedy: 'Take one that the message lists.',
    exit: EXIT.usage,
    isSaid: true,
  },
  'conflicting-flags': {
    means: 'Two flags contradict each other.',
    remedy: 'Leave one of them out.',
    exit: EXIT.usage,
    isSaid: true,
  },
  'invalid-input': {
    means:
      'A value from outside (a flag, a file, standard input) is not what it must be. The message names it, what was expected and what was found.',
    remedy: 'Give what was expected.',
    exit: EXIT.usage,
    isSaid: true,
  },
  'invalid-config': {
    means:
      'Flags, environment or the file of --config do not make a configuration. All problems are listed at once.',
    remedy:
      'Mend them; `assay config check FILE` tries again without starting anything, `assay config explain` says what each key takes.',
    exit: EXIT.usage,
    isSaid: true,
  },
  'limit-exceeded': {
    means: 'A file or a peer holds more than a limit lets through. Nothing of it was taken.',
    remedy:
      'docs/limits.md has the limits and why they are there. A file of your own must be made smaller; a peer that sends too much is not yours to mend.',
    exit: EXIT.failed,
  },
  unauthenticated: {
    means: 'A call or a frame came without a valid signature, or with one of another time.',
    remedy:
      'Compare the clocks of both machines (a skew above some seconds is refused), then which hotkey signs.',
    exit: EXIT.failed,
  },
  'permission-denied': {
    means: 'Who asks is known and may not do this: no validator permit, not on the list, not the owner.',
    remedy:
      'Look for the permit in `assay chain metagraph`; whoever refused has a list of whom it serves. For a Redis: the user and password in its address.',
    exit: EXIT.failed,
  },
  unreachable: {
    means: 'Nobody answers at the address, or the connection broke.',
    remedy:
      'Check that it runs, the address and port, and the firewall in between. For chains: `assay chain status --network URL`.',
    exit: EXIT.failed,
    isSaid: true,
  },
  timeout: {
    means:
      'No answer came within the deadline. What was asked may have happened all the same: writes are looked up, never sent twice.',
    remedy: 'Look at the load and the line of both sides and try again.',
    exit: EXIT.failed,
  },
  refused: {
    means: 'The peer understood and said no. The line `why:` has its own words.',
    remedy: 'What to do is in its reason.',
    exit: EXIT.failed,
    isSaid: true,
  },
  'insecure-address': {
    means: 'Plaintext to or from an address beyond loopback. Nothing was sent.',
    remedy: 'Use TLS (wss://, a served key), or a loopback address through a tunnel.',
    exit: EXIT.usage,
    isSaid: true,
  },
  'chain-rejected': {
    means:
      'The chain rejected a call, before or at inclusion, or this client saw that it would. The message has the chain’s own name of the reason.',
    remedy:
      'The lines `what it means` and `what to do` are about that very reason; `--dry-run` shows beforehand what speaks against a call.',
    exit: EXIT.failed,
    isSaid: true,
  },
  'not-landed': {
    means: 'The chain took the call, but what it should have changed is not in its state.',
    remedy:
      'Read the state again (`assay chain metagraph`, `assay chain weights show`) before you repeat it: somebody else may have written in between.',
    exit: EXIT.failed,
  },
  'chain-unknown': {
    means: 'The chain does not know the subnet, the neuron, the call or the storage entry.',
    remedy:
      'Check --netuid and --network; an older runtime may lack what is asked (`assay chain status` lists what it has).',
    exit: EXIT.failed,
    isSaid: true,
  },
  unsupported: {
    means: 'This build, this machine or this file cannot do it, and doing it another way would be wrong.',
    remedy: 'The message says what is missing; `assay version` shows which optional parts are installed.',
    exit: EXIT.failed,
    isSaid: true,
  },
  'evidence-expired': {
    means: 'The evidence of this outcome is gone: its byte budget was spent on others.',
    remedy:
      'Keep more from now on: --opening-budget-bytes, --keep-accepted and --keep-evidence-epochs of `assay validator start`.',
    exit: EXIT.expired,
  },
  'rule-failed': {
    means:
      'A scoring rule of the subnet’s own code failed, or gave back what divides nothing. Nobody is paid by it, and no weights are set.',
    remedy:
      'The message says what it gave. The rule is the subnet owner’s code: it is mended there, under a new version, which a new policy names.',
    exit: EXIT.failed,
  },
  corrupt: {
    means:
      'A file that was stored does not parse, or was altered. It is left as it is, and nothing is guessed.',
    remedy:
      'The message names file and record. Bring the folder back from a copy, or start with an empty one; docs/ledger.md says what may be cut off and what not.',
    exit: EXIT.failed,
  },
  internal: {
    means: 'A check of our own failed: a fault of Assay or of this machine, not of a peer.',
    remedy:
      'Run it again with ASSAY_DEBUG=1 and report what it prints; a machine that calculates wrongly shows it in `assay miner doctor --small`.',
    exit: EXIT.failed,
  },
  unexpected: {
    means:
      'Something failed that has no code: often the system (a full disk, a missing right), else a fault of Assay.',
    remedy:
      'The lines `because:` say what failed. Where that is no help, run it again with ASSAY_DEBUG=1 and report what it prints.',
    exit: EXIT.failed,
  },
};
