// Owns: how every command of the line behaves: help that fits 80 columns, errors with codes, flags that had other names.
// Does not own: which commands there are (program.ts).
import { Command, Option } from 'commander';
import { nearest } from '../model/near.js';
import type { UsageCode } from './error-codes.js';
import { fittedHelp } from './help-text.js';
import { fittedTo } from './output.js';

/** Help is read in terminals that are narrow more often than in ones that are wide. */
const HELP_COLUMNS = 80;

/** A command whose subcommands are the same. */
export class AssayCommand extends Command {
  /** text stands below the flags */
  hasHelpText = false;

  constructor(name?: string) {
    super(name);
    const helpWidth = () => Math.max(40, Math.min(process.stdout.columns || HELP_COLUMNS, HELP_COLUMNS));
    this.configureOutput({
      getOutHelpWidth: helpWidth,
      getErrHelpWidth: helpWidth,
      outputError: (text, write) =>
        write(
          text
            .split('\n')
            .map((line) => fittedTo(process.stderr, line))
            .join('\n'),
        ),
    });
    this.configureHelp({
      minWidthToWrap: 20,
      // flags are what --help of that command is for
      subcommandTerm: (command) =>
        [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
    });
  }

  override createCommand(name?: string): Command {
    return new AssayCommand(name);
  }

  override addHelpText(position: HelpPosition, text: HelpText): this {
    this.hasHelpText = true;
    return super.addHelpText(position, (context) => {
      const said = typeof text === 'function' ? text(context) : text;
      return fittedHelp(said ?? '', this.configureOutput().getOutHelpWidth!());
    });
  }

  /** Of what there is not: the parser would show its own, and not say which name it did not find. */
  override help(context?: HelpContext | ((text: string) => string)): never {
    const [asked, name] = this.args;
    if (asked === 'help' && name !== undefined && typeof context === 'object' && context.error === true) {
      const near = nearest(
        name,
        this.createHelp()
          .visibleCommands(this)
          .map((each) => each.name()),
      );
      const hint = near === undefined ? '' : `\n(Did you mean ${near}?)`;
      this.error(`error: unknown command '${name.slice(0, 64)}'${hint}`, {
        code: 'commander.unknownCommand',
      });
    }
    return super.help(context as HelpContext); // the other form is an older one of the same
  }

  override error(message: string, options?: { exitCode?: number; code?: string }): never {
    const code = codeOf(options?.code);
    // a suggestion follows in a line of its own
    return super.error(code === undefined ? message : message.replace(/$/m, ` [${code}]`), options);
  }
}

type HelpContext = { readonly error: boolean };
type HelpPosition = Parameters<Command['addHelpText']>[0];
type HelpText = string | ((context: { error: boolean; command: Command }) => string | undefined);

const argumentTerm = (argument: { name(): string; required: boolean; variadic: boolean }): string => {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
};

/** The parser's codes in our spelling. */
const CODES: Readonly<Record<string, UsageCode>> = {
  'commander.unknownCommand': 'unknown-command',
  'commander.unknownOption': 'unknown-flag',
  'commander.missingArgument': 'missing-argument',
  'commander.optionMissingArgument': 'missing-value',
  'commander.missingMandatoryOptionValue': 'missing-flag',
  'commander.excessArguments': 'too-many-arguments',
  'commander.invalidArgument': 'invalid-value',
  'commander.conflictingOption': 'conflicting-flags',
};
const codeOf = (code = ''): UsageCode | undefined => CODES[code];

/** Another name of a flag that the command has: an older one of ours, or btcli's. It works as before and is not shown. */
class AliasOption extends Option {
  readonly #of: string;

  constructor(flags: string, of: string) {
    super(flags);
    this.#of = of;
    this.hideHelp();
  }

  override attributeName(): string {
    return this.#of;
  }
}

/** @param key of the flag that it stands for, as its command is handed it: `basePath` */
export const alsoCalled = (flags: string, key: string): Option => new AliasOption(flags, key);
