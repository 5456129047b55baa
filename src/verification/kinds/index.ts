// Owns: the list of proof kinds this build knows. A new kind is one line here.
import type { ProofKind } from '../proof.js';
import { bandwidthProof } from './bandwidth/index.js';
import { computeProof } from './compute/index.js';
import { hostMemoryProof } from './host-memory/index.js';
import { livenessProof } from './liveness/index.js';
import { memoryProof } from './memory/index.js';
import { storageProof } from './storage/index.js';

/** A kind whose parameters and secret are its own business: what validator and miner hold. */
export type AnyProofKind = ProofKind<unknown, unknown>;

/** By name; without a prototype, so that a name from the wire finds a kind or nothing. */
export const kinds: Readonly<Record<string, AnyProofKind | undefined>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, AnyProofKind | undefined>, {
    [bandwidthProof.kind]: bandwidthProof,
    [computeProof.kind]: computeProof,
    [hostMemoryProof.kind]: hostMemoryProof,
    [livenessProof.kind]: livenessProof,
    [memoryProof.kind]: memoryProof,
    [storageProof.kind]: storageProof,
  }),
);

export { bandwidthProof, computeProof, hostMemoryProof, livenessProof, memoryProof, storageProof };
