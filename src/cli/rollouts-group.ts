// Owns: names and flags of `assay rollouts`. Each command's work is in commands/rollouts/, loaded when it is called.
import type { Command } from 'commander';
import { decimal, integer } from './numbers.js';
import type { Run } from './run.js';
import { addWalletOptions } from './wallets.js';

export function registerRollouts(program: Command, run: Run): void {
  const rollouts = program
    .command('rollouts')
    .description('windows of rollouts: what was judged, and the same judged again');

  rollouts
    .command('show')
    .description("verdicts, detectors and credit of a validator's windows")
    .argument('<folder>', "a validator's data folder")
    .option('--window <n>', 'that one alone', integer)
    .option('--json', 'one JSON document')
    .action(async (folder: string, flags: { window?: number; json?: boolean }) => {
      const { show } = await import('./commands/rollouts/show.js');
      return run(() => show(folder, flags));
    });

  rollouts
    .command('replay')
    .description('judge every verdict of a ledger again and compare the bytes')
    .argument('<folder>', "a validator's data folder: its ledger, files and checkpoints")
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Nothing but the folder is asked: rounds are checked by their signatures, draws by the validator's random function, standings by the
windows before, tokens by the checkpoint's model. Exits 0 when all are the same, 1 when one is not, 4 when files or checkpoints are
not kept any more.`,
    )
    .action(async (folder: string, flags: { json?: boolean }) => {
      const { replay } = await import('./commands/rollouts/replay.js');
      return run((signal) => replay(folder, flags, signal));
    });

  addWalletOptions(rollouts.command('calibrate'))
    .description('measure what honest engines differ by and which lies an audit lets through, and sign it')
    .option('--model <dir>', 'a model folder: a decoder over bytes')
    .option('--seeded <name>', 'in its place one from --seed: tiny or miniature, of random weights')
    .option('--weights <how>', 'how the weights came to be: random, trained or unknown')
    .option('--environment <id>', 'whose prompts are answered (arithmetic)')
    .option('--params <json>', 'of the environment')
    .option('--temperature <t>', 'of the policy (1)')
    .option('--candidates <n>', 'of the policy (64)', integer)
    .option('--max-tokens <n>', 'of the policy (32)', integer)
    .option('--per-group <n>', 'rollouts of one prompt (4)', integer)
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
    .option('--seed <text>', 'of all windows (assay)')
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
