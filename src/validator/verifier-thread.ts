// Owns: what a verifier thread runs. Does not own: anything else (serve-verdicts.ts).
import { parentPort } from 'node:worker_threads';
import { kinds } from '../verification/kinds/index.js';
import { serveVerdicts } from './serve-verdicts.js';

serveVerdicts(parentPort!, kinds); // a thread has one
