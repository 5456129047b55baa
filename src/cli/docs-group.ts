// Owns: name and flags of `assay docs`. The server is in docs-server.ts, loaded when it is called.
import type { Command } from 'commander';
import { integer } from './numbers.js';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

export function registerDocs(program: Command, run: Run): void {
  program
    .command('docs')
    .description('the documentation in a browser: every page and the reference, with a search; no network')
    .option('--port <n>', 'of 127.0.0.1 (any that is free)', integer)
    .option('--print-path', 'print where the start page lies, and end: it opens without a server too')
    .option('--json', 'what is printed as one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  assay docs                     serve until Ctrl-C, and say where
  assay docs --port 8180
  assay docs --print-path        for a browser on this machine, or to copy it

Exit codes: 0 ended or printed; 1 the port is taken; 2 there is no site.`,
    )
    .action(async (flags: Flags) => {
      const { docs } = await import('./commands/docs.js');
      return run((signal) => docs(flags, signal));
    });
}
