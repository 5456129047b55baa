// Owns: names and flags of `assay model`. Each command's work is in commands/model/, loaded when it is called.
import { type Command, Option } from 'commander';
import { alsoCalled } from './command.js';
import { integer } from './numbers.js';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

export function registerModel(program: Command, run: Run): void {
  const model = program
    .command('model')
    .description('language models for rollouts: one from a seed, exports of others, what a folder holds');

  model
    .command('build-tiny')
    .description(
      'write a small decoder over bytes, its weights drawn from a seed: no download, the same bytes everywhere',
    )
    .argument('<out>', 'a folder that is not there, or an empty one')
    .option('--seed <text>', 'of the weights', 'assay')
    .addOption(
      new Option('--size <name>', 'tiny (1.4 million weights) or miniature (40 thousand)')
        .choices(['tiny', 'miniature'])
        .default('tiny'),
    )
    .addOption(alsoCalled('--config <name>', 'size'))
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Its weights are drawn and not trained: what it writes is noise. 256 ends a text, 257 begins every prompt.

Example:
  assay model build-tiny models/tiny --seed assay`,
    )
    .action(async (out: string, flags: Flags) => {
      const { buildTiny } = await import('./commands/model/build-tiny.js');
      return run(() => buildTiny(out, flags));
    });

  model
    .command('import')
    .description(
      'make a model folder of a Hugging Face style export on disk, or say why it cannot be run exactly',
    )
    .argument('<dir>', 'folder with config.json and model.safetensors (or its shards) or model.onnx')
    .argument('<out>', 'a folder that is not there, or an empty one')
    .option('--from <part>', 'safetensors or onnx, of an export that has both (safetensors)')
    .option(
      '--positions <n>',
      'of a text, fewer than config.json says: a sliding window as long is none',
      integer,
    )
    .option('--no-compare', 'write cut ONNX graphs without running them beside the export')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Nothing is downloaded, and nothing in DIR is changed. OUT appears whole, or not at all. What imports, and what is refused and why:
docs/guide/bring-your-model.md. Exits 1 for a model that is refused, 2 for files that are not what they should be.

Example:
  assay model import ~/SmolLM2-135M models/smol`,
    )
    .action(async (dir: string, out: string, flags: Flags) => {
      const { importExport } = await import('./commands/model/import.js');
      return run((signal) => importExport(dir, out, flags, signal));
    });

  model
    .command('show')
    .description('what a model folder says of itself; every file is read against its digest')
    .argument('<dir>', 'a model folder')
    .option('--no-verify', 'look at sizes alone, which takes no time for large ones')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExits 1 when a file is not what model.json says, 2 for what is no model folder.')
    .action(async (dir: string, flags: Flags) => {
      const { showModel } = await import('./commands/model/show.js');
      return run((signal) => showModel(dir, flags, signal));
    });
}
