// Owns: names and flags of `assay rollouts`. Each command's work is in commands/rollouts/, loaded when it is called.
import { Argument, type Command } from 'commander';
import { alsoCalled } from './command.js';
import { decimal, integer } from './numbers.js';
import { addRoleOptions } from './role-options.js';
import type { Run } from './run.js';
import { addWalletOptions } from './wallets.js';

/** Where the folder stood before it was a flag as everywhere else. */
const FOLDER = new Argument('[folder]', 'the same as --data');

export function registerRollouts(program: Command, run: Run): void {
  const rollouts = program
    .command('rollouts')
    .description('windows of rollouts: mined, judged, judged again, and what a subnet of them goes by');
  registerInit(rollouts, run);
  registerRoles(rollouts, run);
  registerTraining(rollouts, run);

  rollouts
    .command('show')
    .description("verdicts, detectors and credit of a validator's windows")
    .addArgument(FOLDER)
    .option('--data <folder>', "a validator's data folder")
    .option('--window <n>', 'that one alone', integer)
    .option('--json', 'one JSON document')
    .action(async (folder: string | undefined, flags: { data?: string; window?: number; json?: boolean }) => {
      const [{ show }, { folderOf }] = await Promise.all([
        import('./commands/rollouts/show.js'),
        import('./rollout-folder.js'),
      ]);
      return run(async () => show(folderOf(folder, flags), flags));
    });

  rollouts
    .command('replay')
    .description('judge every verdict of a ledger again and compare the bytes')
    .addArgument(FOLDER)
    .option('--data <folder>', "a validator's data folder: its ledger, files and checkpoints")
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Nothing but the folder is asked: rounds are checked by their signatures, draws by the validator's random function, standings by the
windows before, tokens by the checkpoint's model. Exits 0 when all are the same, 1 when one is not, 4 when files or checkpoints are
not kept any more.`,
    )
    .action(async (folder: string | undefined, flags: { data?: string; json?: boolean }) => {
      const [{ replay }, { folderOf }] = await Promise.all([
        import('./commands/rollouts/replay.js'),
        import('./rollout-folder.js'),
      ]);
      return run(async (signal) => replay(folderOf(folder, flags), flags, signal));
    });

  addChoiceOptions(addWalletOptions(rollouts.command('calibrate')))
    .description('measure what honest engines differ by and which lies an audit lets through, and sign it')
    .option('--miner <engine>', 'plain or onnx (plain)')
    .option('--verifier <engine>', 'plain or onnx (plain)')
    .option('--groups <n>', 'of a window (16)', integer)
    .option('--noise-rollouts <n>', 'whose logits are compared (1000)', integer)
    .option('--alpha-ppm <n>', 'share of rollouts that may differ by more, in millionths (1000)', integer)
    .option('--rollouts <n>', 'honest ones that are judged whole (20000)', integer)
    .option('--attack-windows <n>', 'of each liar (30)', integer)
    .option('--delta <logits>', 'tolerance at least (0.0001)', decimal)
    .option(
      '--step-rate <rate>',
      'learning rate of the steps that stale weights are behind (0.00001)',
      decimal,
    )
    .option('--without <lie...>', 'go through, and the operator knows')
    .option('--journal <file>', 'what is done is kept there, and gone on with')
    .option('--out <file>', 'write the artefact there, signed by --hotkey')
    .option('--check <file>', 'measure nothing: is this one signed, and does it follow from its counts')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Exits 1, and writes nothing, when a check lets more than 5 % of the lies through that it is named for and --without does not answer for
it. What figures mean: docs/rollouts/calibration.md.

Example:
  assay rollouts calibrate --seeded miniature --miner onnx --rollouts 2000 --journal run.jsonl --out calibration.json --hotkey //Owner`,
    )
    .action(async (flags: Record<string, unknown>) => {
      const { calibrateRollouts } = await import('./commands/rollouts/calibrate.js');
      return run((signal) => calibrateRollouts(flags, signal));
    });
}

function registerTraining(rollouts: Command, run: Run): void {
  rollouts
    .command('consume')
    .description(
      'check every token of a window, as whoever trains on it must: what may be trained on, and proofs of the rest',
    )
    .addArgument(FOLDER)
    .option('--data <folder>', "a validator's data folder: a trainer's own, which needs no permit")
    .requiredOption('--window <n>', 'the window', integer)
    .option(
      '--out <file>',
      'rollouts that may be trained on: a JSON object a line, with log-probabilities and rewards',
    )
    .option(
      '--proofs <folder>',
      'a file for each wrong rollout, and for each miner that signed two manifests',
    )
    .option('--json', 'one JSON document')
    .action(async (folder: string | undefined, { data, ...flags }: Record<string, unknown>) => {
      const [{ consume }, { folderOf }] = await Promise.all([
        import('./commands/rollouts/consume.js'),
        import('./rollout-folder.js'),
      ]);
      return run(async (signal) => consume(folderOf(folder, { data }), flags, signal));
    });
  rollouts
    .command('confirm')
    .description('look at a proof of somebody else: nothing of who made it is believed')
    .argument('<file>', 'what `assay rollouts consume --proofs` wrote')
    .requiredOption(
      '--data <folder>',
      "a validator's data folder, which has the window's commitments and checkpoint",
    )
    .option(
      '--enter',
      'leave one that holds to that validator, which takes it into its ledger after its next window',
    )
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExits 0 when it holds, 1 when it does not, 4 when this folder cannot say. It takes one prefill.',
    )
    .action(async (file: string, flags: { data: string; enter?: boolean; json?: boolean }) => {
      const { confirm } = await import('./commands/rollouts/confirm.js');
      return run((signal) => confirm(file, flags, signal));
    });
}

function registerInit(rollouts: Command, run: Run): void {
  addChoiceOptions(rollouts.command('init'))
    .description('write the file that miners and validators of a subnet of rollouts go by')
    .requiredOption('--trainer <address>', 'hotkey whose commitments name the checkpoints')
    .requiredOption(
      '--calibration <file>',
      'what `assay rollouts calibrate` wrote; none-localnet-only to try things out without',
    )
    .requiredOption('--first-block <n>', "first block of window 0, some windows' length ahead", integer)
    .option('--every-blocks <n>', "from one window's first block to the next one's (30)", integer)
    .option('--work-blocks <n>', 'of them, those in which miners work and commit (20)', integer)
    .option('--beacon-delay-ms <ms>', 'from a block to the round that follows it (60000)', integer)
    .option(
      '--beacon <kind>',
      'drand-quicknet over HTTP, drand-pallet of the chain, dev-chain of a localnet (drand-quicknet)',
    )
    .option('--quota <n>', 'rollouts that a miner may hand in for one window (1024)', integer)
    .option('--engine <name>', 'that miners and validators judge and generate by: plain or onnx (onnx)')
    .option(
      '--prompt-millis <n>',
      'what a token of a prompt is paid, in thousandths of a generated one (measured here)',
      integer,
    )
    .option('--batch <n>', 'rows of the measurement (16)', integer)
    .option('--out <file>', 'where to (subnet.json); the calibration is put beside it')
    .option('--force', 'replace files that are there')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
The file is the same for everybody: publish it, with the calibration, where miners and validators find it. Its digest, which this command
and both roles say, is what they compare. What is in it: docs/guide/rollouts.md.

Example:
  assay rollouts init --model models/tiny --trainer 5F... --calibration calibration.json --first-block 6000000`,
    )
    .action(async (flags: Record<string, unknown>) => {
      const { initRollouts } = await import('./commands/rollouts/init.js');
      return run((signal) => initRollouts(flags, signal));
    });
}

function registerRoles(rollouts: Command, run: Run): void {
  addRoleOptions(rollouts.command('mine'), 'rollouts-miner')
    .description(
      'generate the rollouts of window after window, commit to them and hand them out, until Ctrl-C',
    )
    .addHelpText(
      'after',
      `
Example:
  assay rollouts mine --subnet subnet.json --checkpoints https://trainer.example/checkpoints --chain finney --netuid 7 \\
    --wallet mine --hotkey default --data miner --host 0.0.0.0 --announce-ip 203.0.113.7`,
    )
    .action(async (flags: Record<string, unknown>) => {
      const { mineRollouts } = await import('./commands/rollouts/mine.js');
      return run((signal) => mineRollouts(flags, signal));
    });
  addRoleOptions(rollouts.command('validate'), 'rollouts-validator')
    .description('judge the rollouts of window after window and set weights once per epoch, until Ctrl-C')
    .addHelpText(
      'after',
      `
What it judged is in --data: assay rollouts show, assay rollouts replay. The file of the subnet and the calibration are copied there: verdicts
of one folder are judged by one set of rules.

Example:
  assay rollouts validate --subnet subnet.json --checkpoints https://trainer.example/checkpoints --chain finney --netuid 7 \\
    --wallet mine --hotkey default --data validator --host 0.0.0.0 --announce-ip 203.0.113.8`,
    )
    .action(async (flags: Record<string, unknown>) => {
      const { validateRollouts } = await import('./commands/rollouts/validate.js');
      return run((signal) => validateRollouts(flags, signal));
    });
}

/** As `choiceFlags` of rollout-choice.ts reads them. */
const addChoiceOptions = (command: Command): Command =>
  command
    .option('--model <folder>', 'a model folder: a decoder over bytes')
    .option('--seeded <name>', 'in its place one from --seed: tiny or miniature, of random weights')
    .option('--weights <how>', 'how the weights came to be: random, trained or unknown')
    .option('--environment <id>', 'whose prompts are answered (arithmetic)')
    .option('--environment-params <json>', 'of the environment')
    .addOption(alsoCalled('--params <json>', 'environmentParams'))
    .option('--temperature <t>', 'of the policy (1)')
    .option('--candidates <n>', 'of the policy (64)', integer)
    .option('--max-tokens <n>', 'of the policy (32)', integer)
    .option('--per-group <n>', 'rollouts of one prompt (4)', integer)
    .option('--seed <text>', 'of seeded weights and of all that is drawn (assay)');
