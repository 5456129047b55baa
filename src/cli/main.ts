#!/usr/bin/env node
// Owns: the process of the command line. Does not own: names, flags and help (program.ts).
import { createProgram } from './program.js';
import { watchOutput } from './run.js';

watchOutput();
await createProgram().parseAsync();
