// Owns: the password hash of encrypted coldkeys, on a thread of its own. Does not own: what is encrypted with it (nacl-file.ts).
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { argon2i } from 'hash-wasm';
import { fromHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';

/**
 * 32 bytes of a password. What it is given is not changed.
 * @throws AssayError `internal` when the thread died, such as of too little memory; the signal's reason when aborted
 */
export type DeriveKey = (password: Uint8Array, signal?: AbortSignal) => Promise<Uint8Array>;

export interface Argon2Cost {
  readonly iterations: number;
  readonly memoryKiB: number;
}

/** libsodium's crypto_pwhash_argon2i_OPSLIMIT_SENSITIVE and MEMLIMIT_SENSITIVE. */
const SENSITIVE: Argon2Cost = { iterations: 8, memoryKiB: 512 * 1024 };

/** One for all files (NACL_SALT of bittensor-wallet, keyfile.rs): a salt of our own, and no other tool could open ours. */
const SALT = fromHex('137183dff15a09bc9c90b5518739e9b1');

/** What the thread runs. As text it is the same from sources and from a build; hash-wasm is found from here. */
const WORK = `
const { parentPort, workerData } = require('node:worker_threads');
require(workerData.module).argon2i(workerData.options).then((key) => {
  workerData.options.password.fill(0);
  parentPort.postMessage(key);
});`;

/**
 * Argon2i 1.3 as Bittensor's wallets use it. It takes seconds and 512 MiB, and a thread, so that timers and sockets live.
 * @param cost less of it for tests: no other tool opens such a file
 */
export const createDeriveKey =
  (cost: Argon2Cost = SENSITIVE): DeriveKey =>
  async (password, signal) => {
    signal?.throwIfAborted();
    const options = {
      password: Uint8Array.from(password),
      salt: SALT,
      parallelism: 1,
      iterations: cost.iterations,
      memorySize: cost.memoryKiB,
      hashLength: 32,
      outputType: 'binary',
    } satisfies Parameters<typeof argon2i>[0];
    const module = createRequire(import.meta.url).resolve('hash-wasm');
    const worker = new Worker(WORK, {
      eval: true,
      workerData: { module, options },
      transferList: [options.password.buffer],
    });
    return answerOf(worker, signal);
  };

async function answerOf(worker: Worker, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const stop = (): void => void worker.terminate();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', (error) => reject(died(error)));
      worker.once('exit', (code) => reject(signal?.aborted ? signal.reason : died(`exit code ${code}`)));
    });
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

function died(cause: unknown): AssayError {
  const what = 'the key of a password (argon2i takes 512 MiB of memory)';
  return new AssayError('internal', `could not compute ${what}`, { what }, { cause });
}
