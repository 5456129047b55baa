// Owns: what docs/json says of a command's output, held against what it printed. Does not own: the schemas (scripts/json-docs.mjs).
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

type Schema = { title: string } & { [key: string]: unknown };

const FOLDER = 'docs/json';
const ENDING = '.schema.json';
const read = new Map<string, { readonly isLines: boolean; readonly type: z.ZodType }>();

/** The longest of the documented commands that a command line begins with; undefined for none. */
export function documentedCommand(args: readonly string[]): string | undefined {
  const line = `${args.join('-')}-`;
  return readdirSync(FOLDER)
    .map((file) => file.slice(0, -ENDING.length))
    .filter((name) => line.startsWith(`${name}-`))
    .sort((a, b) => b.length - a.length)[0]
    ?.replaceAll('-', ' ');
}

/**
 * What of it is not as documented: keys that no schema names too; [] for none.
 * @param command e.g. `miner doctor`
 * @param text what it printed so far, whole lines
 */
export function formProblems(command: string, text: string): string[] {
  const { isLines, type } = formOf(command);
  const lines = text.split('\n').filter((line) => line !== '');
  if (!isLines && lines.length !== 1) return [`expected one document, got ${lines.length} lines`];
  return lines.flatMap((line) => {
    const { error } = type.safeParse(JSON.parse(line));
    return error ? [`${z.prettifyError(error).slice(0, 1500)} in ${line.slice(0, 300)}`] : [];
  });
}

function formOf(command: string): { readonly isLines: boolean; readonly type: z.ZodType } {
  const known = read.get(command);
  if (known) return known;
  const path = join(FOLDER, `${command.replaceAll(' ', '-')}${ENDING}`);
  const schema = JSON.parse(readFileSync(path, 'utf8')) as Schema;
  const type = z.fromJSONSchema(closed(schema) as Parameters<typeof z.fromJSONSchema>[0]);
  const made = { isLines: schema.title.endsWith('each line'), type };
  read.set(command, made);
  return made;
}

/** Closed: keys that no schema names are what the page would not tell. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const of: { [key: string]: unknown; type?: unknown } = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, closed(value)]),
  );
  return of.type === 'object' &&
    'properties' in of &&
    !('additionalProperties' in of) &&
    typeof of.type === 'string'
    ? { ...of, additionalProperties: false }
    : of;
}
