// Owns: a role's settings: its file, and the two variables that a service sets. The only reading of either.
// Does not own: what is done with them (validator.ts, miner.ts).
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

export interface Settings {
  /** ws:// or wss:// address of a node */
  readonly chain: string;
  readonly netuid: number;
  /** a hotkey file, or on localnets a development URI such as //Alice */
  readonly hotkey: string;
  /** folder that this role owns: one process at a time */
  readonly data: string;
  /** of a miner: the address at which validators reach it, and its port */
  readonly host: string;
  readonly port: number;
}

export class SettingsError extends Error {}

type Check = readonly [expected: string, holds: (value: unknown) => boolean];
const text: Check = ['text', (value) => typeof value === 'string' && value !== ''];
const CHECKS: Readonly<Record<keyof Settings, Check>> = {
  chain: ['a ws:// or wss:// address', (value) => typeof value === 'string' && /^wss?:\/\/./.test(value)],
  netuid: ['the number of a subnet', (value) => isWithin(value, 1, 4095)],
  hotkey: text,
  data: text,
  host: text,
  port: ['a port', (value) => isWithin(value, 1, 65_535)],
};
const KEYS = {
  miner: ['chain', 'netuid', 'hotkey', 'data', 'host', 'port'],
  validator: ['chain', 'netuid', 'hotkey', 'data'],
  owner: ['chain', 'netuid', 'hotkey'],
} as const satisfies Record<string, readonly (keyof Settings)[]>;
export type RoleName = keyof typeof KEYS;
export type SettingsOf<Role extends RoleName> = Pick<Settings, (typeof KEYS)['owner'][number]> &
  Pick<Settings, (typeof KEYS)[Role][number]>;

const MAX_BYTES = 65_536;

/**
 * Of `--config FILE`, or else of config/<role>.json. ASSAY_HOTKEY and ASSAY_DATA win over the file.
 * @throws SettingsError naming the file, the key and what it must be
 */
export function readSettings<Role extends RoleName>(
  role: Role,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): SettingsOf<Role> {
  const path = configPath(role, args);
  const given: Record<string, unknown> = { ...parsed(path) };
  if (env.ASSAY_HOTKEY) given.hotkey = env.ASSAY_HOTKEY;
  if (env.ASSAY_DATA) given.data = env.ASSAY_DATA;
  const keys: readonly (keyof Settings)[] = KEYS[role];
  for (const key of Object.keys(given))
    if (!keys.some((known) => known === key))
      throw new SettingsError(`${path}: ${key}: expected one of ${keys.join(', ')}`);
  for (const key of keys) {
    const [expected, holds] = CHECKS[key];
    if (!holds(given[key])) throw new SettingsError(`${path}: ${key}: expected ${expected}`);
  }
  return given as unknown as SettingsOf<Role>; // every key has just been checked
}

function configPath(role: RoleName, args: readonly string[]): string {
  try {
    const { values } = parseArgs({ args: [...args], options: { config: { type: 'string' } } });
    return values.config ?? `config/${role}.json`;
  } catch (error) {
    throw new SettingsError(`expected --config FILE: ${(error as Error).message}`);
  }
}

function parsed(path: string): Readonly<Record<string, unknown>> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new SettingsError(`${path}: cannot be read: ${(error as Error).message}`);
  }
  if (bytes.length > MAX_BYTES) throw new SettingsError(`${path}: expected at most ${MAX_BYTES} bytes`);
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, unknown>>;
  } catch {
    // without the cause, which would quote the file
  }
  throw new SettingsError(`${path}: expected a JSON object`);
}

const isWithin = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
