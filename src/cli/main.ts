#!/usr/bin/env node
// Owns: the process of the command line. Does not own: names, flags and help (program.ts).
import { createProgram } from './program.js';

// onnxruntime sends its maker what it is used for, unless told not to; nobody asked the operator
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';

// a reader that left (`| head`) wants no more; that is no fault
process.stdout.on('error', () => {});
await createProgram().parseAsync();
