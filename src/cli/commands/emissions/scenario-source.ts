// Owns: a scenario from what the command line says: a name or a file, and what replaces its values. Does not own: its form.
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { parseScenario, type Scenario, withParameters } from '../../../emissions/simulator/scenario.js';
import { scenarioNamed, scenarios } from '../../../emissions/simulator/scenarios/index.js';
import { AssayError } from '../../../model/errors.js';
import { DEFAULT_THREADS, MAX_THREADS } from '../../simulations.js';

/** A scenario file larger than this is not ours. */
const MAX_FILE_BYTES = 1 << 20;

/** Flags of every command that reads a scenario. */
export const scenarioFlags = {
  seed: z.string().max(256).optional(),
  epochs: z.number().int().min(1).max(1_000_000).optional(),
  /** PATH=VALUE */
  set: z.array(z.string().max(MAX_FILE_BYTES)).max(1000).default([]),
  json: z.boolean().default(false),
};

export const threadsFlag = z.number().int().min(1).max(MAX_THREADS).default(DEFAULT_THREADS);

export interface ScenarioSource {
  readonly seed?: string | undefined;
  readonly epochs?: number | undefined;
  readonly set: readonly string[];
}

/**
 * @param nameOrFile a scenario that ships, a JSON file, or `-` for standard input
 * @throws AssayError `invalid-input` or `invalid-config`, naming file and path
 */
export async function loadScenario(nameOrFile: string, flags: ScenarioSource): Promise<Scenario> {
  const scenario = scenarioNamed(nameOrFile) ?? parseScenario(await readJson(nameOrFile), nameOrFile);
  const replacements: [path: string, value: unknown][] = flags.set.map(parseSetting);
  if (flags.seed !== undefined) replacements.push(['seed', flags.seed]);
  if (flags.epochs !== undefined) replacements.push(['epochs', flags.epochs]);
  return replacements.length === 0 ? scenario : withParameters(scenario, replacements);
}

function parseSetting(text: string): [path: string, value: unknown] {
  const equals = text.indexOf('=');
  if (equals <= 0 || equals === text.length - 1)
    throw invalid(`--set ${text}`, 'PATH=VALUE, such as owner.burnShare=0.4', text);
  const value = text.slice(equals + 1);
  return [text.slice(0, equals), jsonOr(value)];
}

/** A number, true, JSON; anything else is a word, such as `rented`. */
function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw invalid(path, 'JSON', `${placeOf(error, text)}something else`, error);
  }
}

/** Where the parser stopped, when it says so. */
function placeOf(error: unknown, text: string): string {
  const position = /at position (\d+)/.exec(String(error))?.[1];
  if (position === undefined) return '';
  const before = text.slice(0, Number(position)).split('\n');
  return `in line ${before.length}, column ${before.at(-1)!.length + 1} `;
}

async function readText(path: string): Promise<string> {
  // one byte more than is allowed: what has no size, such as a pipe, is measured as well
  const stream = path === '-' ? process.stdin : createReadStream(path, { end: MAX_FILE_BYTES });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_FILE_BYTES) break;
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  if (size > MAX_FILE_BYTES) throw invalid(path, `at most ${MAX_FILE_BYTES} bytes`, 'more');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw invalid(path, 'UTF-8', 'other bytes', error);
  }
}

function unreadable(path: string, error: unknown): AssayError {
  if (!isMissing(error)) return invalid(path, 'a file that can be read', String(error), error);
  const names = scenarios.map(({ name }) => name);
  const near = names.filter((name) => isNear(path, name));
  const expected = `${near.length > 0 ? `one of ${near.join(', ')}` : `one of ${names.join(', ')}`}, or a JSON file`;
  return invalid(path, expected, 'neither', error);
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENAMETOOLONG');

/** A part of the other, or the two share most of their pairs of letters. */
function isNear(got: string, name: string): boolean {
  if (got.length >= 3 && (name.includes(got) || got.includes(name))) return true;
  const mine = pairsOf(got);
  const its = pairsOf(name);
  const common = [...its].filter((pair) => mine.has(pair)).length;
  return common * 2 >= Math.max(mine.size, its.size);
}

const pairsOf = (text: string): Set<string> =>
  new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => text.slice(i, i + 2)));

export const invalid = (what: string, expected: string, got: string, cause?: unknown): AssayError =>
  new AssayError(
    'invalid-input',
    `${what}: expected ${expected}, got ${got}`,
    { what, expected, got },
    cause === undefined ? {} : { cause },
  );
