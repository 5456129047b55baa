// Owns: the file that keeps a plain commit until it is revealed: the row and its salt. Does not own: when that is.
import { z } from 'zod';
import type { WeightRow } from '../chain/chain.js';
import { readInputJson } from './input-text.js';
import { invalid } from './invalid-input.js';
import { openWholeFile } from './whole-file.js';

const FORM = 'assay-weights-commit';
const MAX_BYTES = 1 << 20;

export interface KeptCommit {
  /** 0x and hex */
  readonly genesisHash: string;
  readonly netuid: number;
  readonly mechanism: number;
  readonly hotkey: string;
  readonly weights: WeightRow;
  readonly salt: readonly number[];
  readonly versionKey: bigint;
  /** of the row, 0x and hex */
  readonly hash: string;
  /** epoch in which it was made */
  readonly epoch?: number | undefined;
  /** first block, and the first that is too late, as the schedule was then */
  readonly revealFrom?: number | undefined;
  readonly revealUntil?: number | undefined;
}

const u16 = z.number().int().min(0).max(65_535);
const count = z.number().int().min(0).optional();
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const schema = z.strictObject({
  format: z.literal(FORM),
  genesisHash: hash,
  netuid: u16,
  mechanism: z.number().int().min(0).max(15),
  hotkey: z.string().max(64),
  weights: z
    .array(z.tuple([u16, u16]))
    .min(1)
    .max(4096),
  salt: z.array(u16).min(1).max(64),
  versionKey: z
    .string()
    .regex(/^\d{1,20}$/)
    .transform(BigInt)
    .refine((key) => key < 1n << 64n),
  hash,
  epoch: count,
  revealFrom: count,
  revealUntil: count,
});

/**
 * Only its owner may read it: whoever knows the salt knows the weights before they are public. It must not be there yet,
 * for what it kept could no longer be revealed.
 * @throws AssayError `invalid-input`
 */
export async function openCommitFile(path: string): Promise<(commit: KeptCommit) => Promise<void>> {
  const file = await openWholeFile(path, `--salt-file ${path}`, 0o600);
  if (file.exists) throw invalid(`--salt-file ${path}`, 'a file that is not there yet', 'one that is');
  return (commit) =>
    file.write(`${JSON.stringify({ format: FORM, ...commit, versionKey: String(commit.versionKey) })}\n`);
}

/** @throws AssayError `invalid-input` for what is no such file */
export async function readCommitFile(path: string): Promise<KeptCommit> {
  const parsed = schema.safeParse(await readInputJson(path, { maxBytes: MAX_BYTES }));
  if (!parsed.success)
    throw invalid(path, 'a file that `assay chain weights commit` or `weights set` wrote', 'something else');
  const { format: _, ...commit } = parsed.data;
  return commit;
}
