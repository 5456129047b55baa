// Owns: flags that several commands of the chain take, as values. Does not own: their names and help (chain-group.ts).
import { z } from 'zod';

/** Of any subnet, root (0) included. */
export const netuidFlag = z.number('is required: the number of a subnet').int().min(0).max(65_535);
/** Of a subnet with neurons that are weighted. */
export const minedNetuidFlag = netuidFlag.min(1, 'must be at least 1: 0 is the root network');
export const mechanismFlag = z.number().int().min(0).max(15).default(0);
/** Amounts stay text until raoOf reads them: a number would have been a float. */
export const amountFlag = z.string().max(64);
