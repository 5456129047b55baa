// Owns: what validators and miners of this subnet go by: its proof kinds, and the files that its owner publishes.
// Does not own: running a role (validator.ts, miner.ts), publishing (open-localnet.ts).
import type { AnyProofKind } from 'assay';
import { sha256, toHex } from 'assay/model';
import { encodePolicy, policyDigest } from 'assay/scoring';
import { builtInFile, encodeParameterFile } from 'assay/verification';
import { hashCells } from './hash-cells/index.js';
import { policy } from './policy.js';

/** Kinds of Assay itself can stand beside it: `[...proofs, hashCells]`, with `proofs` of `assay`. */
export const kinds: readonly AnyProofKind[] = [hashCells];

const byName = Object.fromEntries(kinds.map((kind) => [kind.kind, kind]));

export const policyFile: Uint8Array = encodePolicy(policy);

/** Every parameter set of every kind, and the policy's digest: what the owner's commitment on the chain names. */
export const parameterFile: Uint8Array = encodeParameterFile(builtInFile(byName, policyDigest(policy)));

/** By SHA-256 in lower-case hex: each role has them from the start, and hands them to peers that ask. */
export const files: ReadonlyMap<string, Uint8Array> = new Map(
  [policyFile, parameterFile].map((bytes) => [toHex(sha256(bytes)), bytes]),
);
