// Owns: flags that several commands of the chain take, as values. Does not own: their names and help (chain-group.ts).
import { z } from 'zod';
import { integerBetween } from '../../config.js';

/** Of any subnet, root (0) included. */
export const netuidFlag = integerBetween(0, 65_535, 'the number of a subnet');
/** Of a subnet with neurons that are weighted. */
export const minedNetuidFlag = netuidFlag.min(1, 'must be at least 1: 0 is the root network');
export const mechanismFlag = integerBetween(0, 15, 'a mechanism').default(0);
/** Amounts stay text until raoOf reads them: a number would have been a float. */
export const amountFlag = z.string().max(64);
