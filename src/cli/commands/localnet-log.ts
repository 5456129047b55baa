// Owns: a localnet's log as lines for people. Does not own: what is logged (localnet/outcomes.ts), JSON lines (output.ts).
import { createLog, type Log, type LogLevel } from '../../model/log.js';

interface Entry {
  readonly t: string;
  readonly level: LogLevel;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/**
 * `12:00:01 #7 ab12cd34 epoch of 1; SubtensorModule.set_weights by 5Grwva..: ok`: what a block did, in one line.
 *
 * @param names of accounts that people know by name
 */
export const followedLog = (
  write: (line: string) => void,
  level: LogLevel,
  names: ReadonlyMap<string, string>,
): Log => createLog((line) => write(toText(JSON.parse(line) as Entry, names)), { level });

function toText({ t, level, msg, ...data }: Entry, names: ReadonlyMap<string, string>): string {
  const time = t.slice(11, 19);
  const mark = level === 'warn' || level === 'error' ? `${level} ` : '';
  if (msg === 'block') return `${time} ${blockText(data, names)}`;
  const fields = Object.entries(data).map(([name, value]) => `${name} ${plain(value)}`);
  return `${time} ${mark}${msg}${fields.length > 0 ? `: ${fields.join(', ')}` : ''}`;
}

interface BlockLine {
  readonly number: number;
  readonly hash: string;
  readonly calls?: readonly { readonly call: string; readonly by: string; readonly result: string }[];
  readonly epochs?: readonly number[];
}

function blockText(data: Readonly<Record<string, unknown>>, names: ReadonlyMap<string, string>): string {
  const { number, hash, calls = [], epochs = [] } = data as unknown as BlockLine; // as logBlock writes it
  const parts = [
    ...(epochs.length > 0 ? [`epoch of ${epochs.join(', ')}`] : []),
    ...calls.map(({ call, by, result }) => `${call} by ${names.get(by) ?? `${by.slice(0, 8)}..`}: ${result}`),
  ];
  return `#${number} ${hash.slice(0, 8)}${parts.length > 0 ? ` ${parts.join('; ')}` : ''}`;
}

const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
