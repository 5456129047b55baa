// Owns: values of JSON that somebody else wrote, and what is said of them. Does not own: what they must be.

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Never a whole value: it may be deeper than the stack. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return isRecord(value) ? 'an object' : (JSON.stringify(value)?.slice(0, 80) ?? 'nothing');
}

/** A name: cut, and without line ends or escapes of a terminal. */
export const nameShown = (name: string): string => JSON.stringify(name.slice(0, 120)).slice(1, -1);
