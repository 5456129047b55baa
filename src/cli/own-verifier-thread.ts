// Owns: what a verifier thread runs where the subnet has kinds of its own: it loads their module itself. Does not own: anything else
// (validator/serve-verdicts.ts).
import { parentPort, workerData } from 'node:worker_threads';
import { serveVerdicts } from '../validator/serve-verdicts.js';
import { type OwnThreadWork, openKnown } from './subnet-module.js';

// questions wait in the port until somebody listens
const { kinds } = await openKnown((workerData as OwnThreadWork).module);
serveVerdicts(parentPort!, kinds); // a thread has one
