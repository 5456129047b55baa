// Owns: the number in a header as JSON. Does not own: whether there is such a block (connection.ts).
import { isRecord } from './plain.js';

/** Subtensor's BlockNumber is a u32. */
const MAX_NUMBER = 0xffff_ffff;

/** undefined for what is no header */
export function headerNumber(header: unknown): number | undefined {
  if (!isRecord(header) || typeof header.number !== 'string' || !/^0x[0-9a-f]+$/i.test(header.number))
    return undefined;
  const number = Number(header.number);
  return number <= MAX_NUMBER ? number : undefined;
}
