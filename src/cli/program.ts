// Owns: the command line: names, flags, help. Each command's work is in commands/, loaded when it is called.
import type { Command } from 'commander';
import { buildFacts, factsText } from './build-facts.js';
import { registerChain } from './chain-group.js';
import { registerCheckpoint } from './checkpoint-group.js';
import { AssayCommand } from './command.js';
import { registerConfig } from './config-group.js';
import { registerDashboard } from './dashboard-group.js';
import { registerDocs } from './docs-group.js';
import { registerEmissions } from './emissions-group.js';
import { addExamples } from './examples.js';
import { registerInit } from './init-group.js';
import { registerLocalnet } from './localnet-group.js';
import { registerMiner } from './miner-group.js';
import { registerModel } from './model-group.js';
import { EXIT } from './output.js';
import { registerRollouts } from './rollouts-group.js';
import { run } from './run.js';
import { registerScoring } from './scoring-group.js';
import { registerSubnet } from './subnet-group.js';
import { registerValidator } from './validator-group.js';
import { addListOptions, registerVerification } from './verification-group.js';
import { registerWallet } from './wallet-group.js';

type Flags = Record<string, unknown>;

/** The table of commands. Nothing is run by making it. */
export function createProgram(): Command {
  const program = new AssayCommand('assay')
    .description(
      'Prove what you have, be paid for what you proved: validators, miners and a whole subnet on one machine.',
    )
    .option('-V, --version', 'version, commit and what is installed (assay version --json)')
    .on('option:version', () => {
      process.stdout.write(`${factsText(buildFacts(), process.stdout.columns)}\n`);
      process.exit(EXIT.ok);
    })
    .showHelpAfterError('(add --help for the flags of this command)')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.ok : EXIT.usage))
    .addHelpText(
      'after',
      `
First commands:
  assay demo                       a chain, two validators and eleven miners, eight of them cheats; a minute and a half
  assay localnet start             a chain of your own on ws://127.0.0.1:9944
  assay chain status               what answers there; --network finney, test or ws://... for others
  assay emissions scenarios        subnets to simulate, and what to find out with them
  assay miner doctor --small       the proofs on this host, in seconds; without --small what they would be credited
  assay miner start --help         serve slots of this host
  assay validator start --help     check miners and set weights

Of the start commands, flags win over environment (ASSAY_<FLAG>, e.g. ASSAY_NETUID), environment over the file of
--config (assay config init).
Exit codes: 0 done; 1 failed, or the answer is no; 2 wrong usage; 3 machine too busy to time proofs; 4 nothing to recompute: evidence
expired, or a verdict that rests on no evidence; 130 interrupted, 143 by SIGTERM.`,
    );

  program
    .command('demo')
    .description(
      'run a whole subnet on this machine: real chain, sockets and processes, simulated devices, real liars',
    )
    .option(
      '--seed <text>',
      'fixes keys, challenges, behaviours, registration order and content verdicts',
      'assay',
    )
    .option('--json', 'one JSON document on standard output instead of progress and table')
    .option('--commit-reveal', 'weights are sealed to a round of a beacon, and count an epoch later')
    .option('--backend <name>', 'what the simulated devices compute on: cpu, cuda, webgpu', 'cpu')
    .option(
      '--rollouts',
      'windows of rollouts instead of proofs: two honest miners and four cheats, three windows, two minutes',
    )
    .option(
      '--redis',
      'verification of validator-a over a real Redis with two workers, one of which is killed in the middle',
    )
    .option('--keep', 'leave everything running afterwards, until Ctrl-C')
    .option('--kill <who@epoch>', 'end a validator with SIGKILL during that paid epoch, e.g. validator-b@2')
    .option(
      '--dir <folder>',
      'where journals and logs of this run alone go (a temporary folder without it, removed at the end)',
    )
    .addHelpText(
      'after',
      `
Exits 0 when honest miners earned, liars did not and both validators' weights are on the chain; 1 when something of
that is not so; 3 when honest miners missed more than a quarter of their windows: this machine is too busy to time
proofs now, which says nothing about miners.`,
    )
    .action(async (flags: Flags) => {
      if (flags.rollouts === true) {
        const { rolloutsOptions, demoRollouts } = await import('./commands/demo-rollouts.js');
        const options = rolloutsOptions(flags);
        return run((signal) => demoRollouts(options, signal));
      }
      const { demo } = await import('./commands/demo.js');
      return run((signal) => demo(flags, signal));
    });

  registerInit(program, run);
  registerLocalnet(program, run);
  registerChain(program, run);
  registerSubnet(program, run);
  registerCheckpoint(program, run);

  registerValidator(program, run);
  registerMiner(program, run);
  registerDashboard(program, run);
  registerConfig(program, run);

  addListOptions(program.command('params', { hidden: true }))
    .description('the same as `assay verification params list`')
    .action(async (flags: Flags) => {
      const { listParams } = await import('./commands/verification/params.js');
      return run(() => listParams(flags));
    });
  registerVerification(program, run);
  registerScoring(program, run);

  registerEmissions(program, run);
  registerModel(program, run);
  registerRollouts(program, run);
  registerWallet(program, run);

  registerDocs(program, run);
  registerSelf(program);

  program
    .command('simulated', { hidden: true })
    .argument('<role>', 'device or miner')
    .argument('<json>', 'what to simulate')
    .action(async (role: string, json: string) => {
      const { simulated } = await import('./commands/simulated.js');
      return run((signal) => simulated(role, json, signal));
    });

  addExamples(program);
  return program;
}

/** What the program says about itself. */
function registerSelf(program: Command): void {
  program
    .command('version')
    .description('version, commit, Node, platform, and which optional parts are installed')
    .option('--json', 'one JSON document')
    .action(async (flags: Flags) => {
      const { showVersion } = await import('./commands/version.js');
      return run(() => showVersion(flags));
    });
  program
    .command('errors')
    .description('what an error code means and what to do about it; without one, all of them')
    .argument('[code]', 'what stands in brackets behind an error')
    .option('--json', 'one JSON document')
    .action(async (code: string | undefined, flags: Flags) => {
      const { showErrors } = await import('./commands/errors.js');
      return run(() => showErrors(code, flags));
    });
  program
    .command('completion')
    .description('a script that makes a shell complete commands, flags and values')
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText(
      'after',
      `
Examples:
  assay completion bash > ~/.local/share/bash-completion/completions/assay
  assay completion zsh > ~/.zfunc/_assay             with ~/.zfunc in fpath before compinit
  assay completion fish > ~/.config/fish/completions/assay.fish`,
    )
    .action(async (shell: string) => {
      const { printCompletion } = await import('./commands/completion.js');
      return run(() => printCompletion(program, shell));
    });
}
