// Owns: provers of `memory` that lie.
import type { Random } from '../../model/prng.js';
import type { MemoryParams } from '../../verification/kinds/memory/params.js';
import type { Liar } from '../conformance/proof.js';
export type MemoryLiar = Liar<MemoryParams>;
export const memoryLiars = (_random: Random): readonly MemoryLiar[] => [];
