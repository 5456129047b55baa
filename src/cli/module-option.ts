// Owns: the flag by which a command that reads no configuration is told of a subnet's own module. Does not own: loading it
// (subnet-module.ts): names and flags are there before anything else is.
import type { Command } from 'commander';

export const addModuleOption = (command: Command): Command =>
  command.option(
    '--module <file>',
    "the subnet's own proof kinds and scoring rules, a module made with defineSubnet (this build's alone)",
  );
