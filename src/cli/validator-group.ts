// Owns: the names and flags of `assay validator start | worker | outcomes | hosts | breaker`. Does not own: those of its ledger (ledger-group.ts), what they do.
import type { Command } from 'commander';
import { addNetworkOptions } from './chain-options.js';
import { registerLedger } from './ledger-group.js';
import { integer } from './numbers.js';
import { registerQueue } from './queue-group.js';
import { addRoleOptions } from './role-options.js';
import type { Run } from './run.js';
import { addHotkeyOptions } from './wallets.js';

type Flags = Record<string, unknown>;

export function registerValidator(program: Command, run: Run): void {
  const validator = program.command('validator').description('check miners, keep evidence, set weights');
  const start = validator
    .command('start')
    .option(
      '--dashboard [address]',
      'serve pages of this validator on an address or port (127.0.0.1:8787 where none is named); others reach them with a token',
    );
  addRoleOptions(start, 'validator')
    .description(
      'challenge every miner of a subnet in common events and set weights once per epoch, until Ctrl-C',
    )
    .action(async (flags: Flags) => {
      const [{ startValidator }, { refusingCorrupt }] = await Promise.all([
        import('./commands/validator.js'),
        import('./ledgers.js'),
      ]);
      const own = flags['dashboard'] === true ? { ...flags, dashboard: '8787' } : flags;
      return run((signal) => refusingCorrupt(() => startValidator(own, signal)));
    });
  addRoleOptions(validator.command('worker'), 'validator-worker')
    .description(
      "verify evidence for a validator that was started with --redis, beside its own and others', until Ctrl-C",
    )
    .action(async (flags: Flags) => {
      const { startWorker } = await import('./commands/validator-worker.js');
      return run((signal) => startWorker(flags, signal));
    });
  validator
    .command('outcomes')
    .description('list what the journal holds: every verdict with its reason and its name')
    .requiredOption('--data <folder>', "the validator's data folder")
    .option('--miner <hotkey>', 'only this miner')
    .option('--last <n>', 'only the newest n', integer, 50)
    .option('--json', 'one JSON object a line')
    .action(async (flags: Flags) => {
      const { listOutcomes } = await import('./commands/validator.js');
      return run(() => listOutcomes(flags));
    });
  addHotkeyOptions(addNetworkOptions(validator.command('hosts'), 'one JSON object a line'))
    .description(
      'what miners say of their hosts, beside what can be seen of it from here: nothing of it is paid for',
    )
    .requiredOption('--netuid <n>', 'subnet', integer)
    .option('--miner <hotkey...>', 'only these (all with an axon)')
    .action(async (flags: Flags) => {
      const { validatorHosts } = await import('./commands/validator-hosts.js');
      return run((signal) => validatorHosts(flags, signal));
    });
  registerBreaker(validator, run);
  registerQueue(validator, run);
  registerLedger(validator, run);
}

function registerBreaker(validator: Command, run: Run): void {
  const breaker = validator
    .command('breaker')
    .description('scores that are held because many who were honest failed together');
  const add = (name: string, description: string) =>
    breaker
      .command(name)
      .description(description)
      .requiredOption('--data <folder>', "the validator's data folder")
      .option('--json', 'one JSON document');
  add('status', 'whether scores are held, since when and why, and every hold before').action(
    async (flags: Flags) => {
      const { showBreaker } = await import('./commands/validator-breaker.js');
      return run(() => showBreaker(flags));
    },
  );
  const decide = (decision: 'release' | 'accept') => async (flags: Flags) => {
    const { decideBreaker } = await import('./commands/validator-breaker.js');
    return run(() => decideBreaker(decision, flags));
  };
  add('release', "the failure was not the miners': events since it began count for nobody").action(
    decide('release'),
  );
  add('accept', 'the miners failed: scores count as they were judged').action(decide('accept'));
}
