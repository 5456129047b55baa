#!/usr/bin/env node
// Owns: the process of the command line. Does not own: names, flags and help (program.ts).
import { createProgram } from './program.js';
import { watchOutput } from './run.js';

// onnxruntime sends its maker what it is used for, unless told not to; nobody asked the operator
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';

watchOutput();
await createProgram().parseAsync();
