// Owns: `assay config check | explain | init`. Does not own: keys (config.ts), their rows (config-keys.ts).
import { statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { isAssayError } from '../../model/errors.js';
import { nearest } from '../../model/near.js';
import { type ConfigRole, gather, loadConfig, loadFlags, ROLES } from '../config.js';
import { CONFIG_FORMAT, readConfigFile } from '../config-file.js';
import { fileSchema, type Key, keysOf, withoutIt } from '../config-keys.js';
import { errnoOf, foundInstead, invalid } from '../invalid-input.js';
import { EXIT, print, printJson } from '../output.js';
import { isLive } from '../reload.js';
import { Table } from '../table.js';
import { mayBeSecret } from '../wallets.js';

const role = z.string().max(64).optional();
const json = z.boolean().default(false);

export function checkConfig(file: string, given: Record<string, unknown>): number {
  const flags = loadFlags(z.strictObject({ role, json }), given);
  let problems: readonly string[] = [];
  let of: ConfigRole | undefined;
  try {
    of = chosen(flags.role, file);
    loadConfig(ROLES[of], { config: file });
  } catch (error) {
    if (!isAssayError(error, 'invalid-config')) throw error;
    problems = error.data.problems;
  }
  const warnings = of === undefined || problems.length > 0 ? [] : exposed(file, of);
  if (flags.json) printJson({ file, role: of, ok: problems.length === 0, problems, warnings });
  else if (problems.length === 0)
    print([`${file}: a ${of} would start with it`, ...warnings.map((line) => `warning: ${line}`)].join('\n'));
  else print([`${file}: not a configuration`, ...problems.map((problem) => `  ${problem}`)].join('\n'));
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
}

/** @throws AssayError `invalid-input` where neither the flag nor the file says whose it is */
function chosen(named: string | undefined, file: string | undefined): ConfigRole {
  const name = named ?? (file === undefined ? undefined : readConfigFile(file).role);
  const roles = Object.keys(ROLES);
  if (typeof name === 'string' && roles.includes(name)) return name as ConfigRole;
  const expected = `one of ${roles.join(', ')}`;
  if (name === undefined)
    throw invalid('--role', file === undefined ? expected : `${expected}, or "role" in ${file}`, 'none');
  const near = nearest(String(name), roles);
  throw invalid(
    named === undefined ? `role in ${file}` : '--role',
    expected,
    near === undefined ? 'another name' : `another name; did you mean ${near}?`,
  );
}

/** Secrets in a file that everybody on this machine may read; of a group that may, somebody decided it. */
function exposed(file: string, of: ConfigRole): string[] {
  const { values } = gather(ROLES[of], { config: file }, {});
  const secrets = keysOf(ROLES[of]).filter((key) => isHidden(key, values[key.name]));
  const others = statSync(file).mode & 0o007;
  if (secrets.length === 0 || others === 0) return [];
  return [
    `${secrets.map(({ name }) => name).join(', ')}: everybody on this machine may read the file; chmod o=`,
  ];
}

const isHidden = (key: Key, value: unknown): boolean =>
  value !== undefined &&
  (key.secret === true ||
    (key.name === 'hotkey' && typeof value === 'string' && !value.startsWith('//') && mayBeSecret(value)));

export function explainConfig(name: string | undefined, given: Record<string, unknown>): number {
  const flags = loadFlags(z.strictObject({ role, json, config: z.string().max(4096).optional() }), given);
  if (
    flags.role === undefined &&
    flags.config === undefined &&
    name !== undefined &&
    Object.hasOwn(ROLES, name)
  )
    throw invalid('key', `the name of one; --role ${name} alone explains all of that role`, name);
  const of = chosen(flags.role, flags.config);
  const keys = keysOf(ROLES[of]).filter((key) => name === undefined || key.name === name);
  if (keys.length === 0) {
    const near = nearest(name!, Object.keys(ROLES[of].shape));
    throw invalid('key', `a key of ${of}`, near === undefined ? 'another' : `another; did you mean ${near}?`);
  }
  const holds = flags.config === undefined ? undefined : holding(of, flags.config);
  const rows = keys.map((key) => ({
    key: key.name,
    type: key.type,
    without: withoutIt(key),
    variable: key.variable,
    flag: key.flag,
    whileRunning: isLive(of, key.name),
    does: key.description,
    ...holds?.(key),
  }));
  if (flags.json) printJson({ role: of, keys: rows });
  else if (rows.length === 1) print(asList(rows[0]!));
  else print(asTable(rows));
  return EXIT.ok;
}

type Row = Readonly<Record<string, string | boolean>>;

/** @throws AssayError `invalid-config` as the role would */
function holding(of: ConfigRole, config: string): (key: Key) => { value: string; from: string } {
  const checked: Readonly<Record<string, unknown>> = loadConfig(ROLES[of], { config });
  const { from } = gather(ROLES[of], { config });
  return (key) => {
    const value = checked[key.name];
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return {
      value: value === undefined ? '-' : isHidden(key, value) ? '(set)' : text!,
      from: from.get(key.name) ?? 'default',
    };
  };
}

const asList = (row: Row): string =>
  Object.entries(row)
    .map(([name, value]) => `${name.padEnd(13)} ${value}`)
    .join('\n');

function asTable(rows: readonly Row[]): string {
  const columns =
    rows[0]!['value'] === undefined
      ? ['key', 'type', 'without', 'whileRunning']
      : ['key', 'value', 'from', 'whileRunning'];
  const table = new Table({ head: columns });
  for (const row of rows) table.push(columns.map((name) => String(row[name])));
  return `${table.toString()}\nassay config explain KEY says what one does, its variable and its flag.`;
}

export function initConfig(given: Record<string, unknown>): number {
  const {
    role: named,
    out,
    force,
    json,
  } = loadFlags(
    z.strictObject({
      role,
      out: z.string().min(1).max(4096).optional(),
      force: z.boolean().default(false),
      json: z.boolean().default(false),
    }),
    given,
  );
  const of = chosen(named, undefined);
  const path = out ?? `assay-${of}.json`;
  const schema = join(dirname(path), `assay-${of}.schema.json`);
  // what others may read would give away what is put into it later
  write(path, example(of, basename(schema)), { force, mode: 0o600 });
  write(schema, `${JSON.stringify(fileSchema(of, ROLES[of]), undefined, 2)}\n`, { force: true, mode: 0o644 });
  if (json) printJson({ role: of, file: path, schema });
  else print(`${path}: say what is required, then: assay config check ${path}`);
  return EXIT.ok;
}

function write(path: string, text: string, { force, mode }: { force: boolean; mode: number }): void {
  try {
    writeFileSync(path, text, { flag: force ? 'w' : 'wx', mode });
  } catch (error) {
    const found =
      errnoOf(error) === 'EEXIST' ? 'one that is there: --force replaces it' : foundInstead(error);
    throw invalid(`--out ${path}`, 'a file that can be made', found, error);
  }
}

/**
 * What must be said stands there with an example; all else is commented out, with its default or an example.
 * @param said values that stand there, commented out or not without them
 */
export function example(
  of: ConfigRole,
  schemaFile: string,
  said: Readonly<Record<string, unknown>> = {},
): string {
  const lines = keysOf(ROLES[of]).flatMap((key) => {
    const isSaid = said[key.name] !== undefined;
    const value = said[key.name] ?? key.default ?? key.example;
    const without = withoutIt(key);
    return [
      '',
      `  // ${key.description}`,
      `  // ${key.type}; ${key.isRequired ? without : `without it: ${without || 'none'}`}; ${key.variable}, ${key.flag}${isLive(of, key.name) ? '; changes while running' : ''}`,
      `  ${key.isRequired || isSaid ? '' : '// '}${JSON.stringify(key.name)}: ${value === undefined ? '...' : JSON.stringify(value)},`,
    ];
  });
  return `{
  "$schema": "./${schemaFile}",
  "formatVersion": ${CONFIG_FORMAT},
  "role": ${JSON.stringify(of)},
${lines.join('\n').replace(/,$/, '')}
}
`;
}
