// Owns: how the simulator's numbers look in tables. Does not own: JSON, which has them in full.
import { Table } from '../../table.js';

/** Six digits that matter; whole numbers in full. */
export const figure = (value: number): string =>
  Number.isInteger(value) ? `${value}` : `${Number(value.toPrecision(6))}`;

/** e.g. `1 day`, `2.5 days` */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** e.g. `1,234.56` */
export const tokens = (amount: number): string =>
  amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** @param texts how many columns, from the left, are words rather than numbers */
export const tableOf = (head: string[], texts: number): Table =>
  new Table({ head, colAligns: head.map((_, i) => (i < texts ? 'left' : 'right')) });
