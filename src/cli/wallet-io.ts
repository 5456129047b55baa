// Owns: what commands of wallets have of their surroundings: the terminal, time, randomness. Does not own: what they do with it.
import { createDeriveKey, type DeriveKey } from '../keys/index.js';
import { type Clock, systemClock } from '../model/clock.js';
import { type Random, systemRandom } from '../model/prng.js';
import { invalid } from './invalid-input.js';
import { askUnseen } from './prompt.js';

export interface WalletIo {
  /**
   * A line that is not shown while it is typed.
   * @throws AssayError `invalid-input` where nobody can be asked; the signal's reason when interrupted
   */
  ask(question: string): Promise<string>;
  /** One line for whoever looks; never a secret. */
  note(text: string): void;
  /** standard output is a terminal: what is printed stays with whoever typed the command */
  readonly isTerminal: boolean;
  readonly derive: DeriveKey;
  readonly random: Random;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export const terminalIo = (signal: AbortSignal): WalletIo => ({
  async ask(question) {
    if (!process.stdin.isTTY || !process.stderr.isTTY)
      throw invalid(question, 'a terminal to ask on, or a file (see --help)', 'neither');
    return askUnseen(`${question}: `, { input: process.stdin, output: process.stderr }, signal);
  },
  note: (text) => process.stderr.write(`${text}\n`),
  isTerminal: process.stdout.isTTY === true,
  derive: createDeriveKey(),
  random: systemRandom,
  clock: systemClock,
  signal,
});
