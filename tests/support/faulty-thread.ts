// Owns: a verifier thread that knows kinds that break. Does not own: what they do (faulty-kinds.ts).
import { parentPort } from 'node:worker_threads';
import { serveVerdicts } from '../../src/validator/serve-verdicts.js';
import { faultyKinds } from './faulty-kinds.js';

serveVerdicts(parentPort!, faultyKinds);
