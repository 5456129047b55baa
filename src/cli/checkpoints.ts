// Owns: which checkpoint of a store flags mean, and opening files of weights. Does not own: what is done with them.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeDisk, type ReadFile } from '../inference/checkpoint/disk.js';
import type { SignedHead } from '../inference/checkpoint/head.js';
import { type CheckpointStore, openStore } from '../inference/checkpoint/store.js';
import { fromAddress, toAddress } from '../keys/index.js';
import { equals, fromHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { lockFile } from '../model/file-lock.js';
import { foundInstead, invalid } from './invalid-input.js';

export interface Choice {
  readonly window?: number | undefined;
  readonly digest?: string | undefined;
}

/** @throws AssayError `invalid-input` where both are given, or the store has no such head */
export async function chosen(
  store: CheckpointStore,
  folder: string,
  { window, digest }: Choice,
): Promise<{ readonly digest: Uint8Array; readonly head: SignedHead | undefined }> {
  if (digest !== undefined) {
    if (window !== undefined) throw invalid('--digest', 'either --window or --digest', 'both');
    if (!/^(0x)?[0-9a-f]{64}$/i.test(digest)) throw invalid('--digest', '64 digits in hexadecimal', digest);
    return { digest: fromHex(digest), head: undefined };
  }
  const head = window === undefined ? await store.newest() : await store.headOf(window);
  if (!head)
    throw invalid(
      folder,
      `a store with a checkpoint${window === undefined ? '' : ` for window ${window}`}`,
      'none',
    );
  return { digest: head.digest, head };
}

/** @throws AssayError `invalid-input` naming the flag */
export function trainerOf(address: string | undefined): Uint8Array | undefined {
  if (address === undefined) return undefined;
  try {
    return fromAddress(address);
  } catch (error) {
    throw invalid('--trainer', 'an address', JSON.stringify(address), error);
  }
}

/** @throws AssayError `unauthenticated`: anybody can sign a head that names somebody else's checkpoint, an old one too */
export function assertSigner(
  head: SignedHead | undefined,
  trainer: Uint8Array | undefined,
  folder: string,
): void {
  if (!head || !trainer || equals(head.trainer, trainer)) return;
  throw new AssayError(
    'unauthenticated',
    `head of ${folder}: signed by ${toAddress(head.trainer)}, expected ${toAddress(trainer)}`,
    { reason: 'trainer' },
  );
}

/** A store of this machine; what is wrong with it but does not stop it goes to stderr. */
export const openOwnStore = (folder: string): CheckpointStore =>
  openStore(nodeDisk, folder, {
    onWarning: (message) => void process.stderr.write(`warning: ${message}\n`),
  });

/** Nobody else writes to the store meanwhile. @returns gives it back */
export async function lockStore(folder: string): Promise<() => void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw invalid(`--store ${folder}`, 'a folder that can be written', foundInstead(error), error);
  }
  return lockFile(join(folder, 'store'), `--store ${folder}`);
}

export async function openWeights(path: string): Promise<ReadFile> {
  const file = await nodeDisk.open(path);
  if (!file) throw invalid(path, 'a safetensors file', 'none there');
  return file;
}

export const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;
