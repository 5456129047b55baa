// Owns: case files as text, without losing a digit: integers beyond 2^53 in, exact rao out. Does not own: the form of
// a case (parse.ts).
import { AssayError } from '../../model/errors.js';
import type { EpochOutput } from '../epoch.js';
import type { EpochCaseResult } from './run.js';

/**
 * JSON whose integers beyond 2^53 come as decimal strings, where JSON.parse alone would round them. NaN and Infinity,
 * which some writers put into JSON, come as strings too, so that whoever reads the value can say where it stands.
 *
 * @throws AssayError invalid-input when it is no JSON
 */
export function readCaseText(text: string): unknown {
  const exact = outsideStrings(text, (part) =>
    part
      .replace(/(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g, (digits) =>
        Number.isSafeInteger(Number(digits)) ? digits : `"${digits}"`,
      )
      .replace(/-?\b(?:NaN|Infinity)\b/g, '"$&"'),
  );
  try {
    return JSON.parse(exact);
  } catch (cause) {
    throw new AssayError(
      'invalid-input',
      `case file: expected JSON, got text that is none: ${cause instanceof Error ? cause.message : cause}`,
      { what: 'case file', expected: 'JSON', got: 'text that is none' },
      { cause },
    );
  }
}

/** Replaces between the string literals of a JSON text; a single pass, whatever the text. */
function outsideStrings(text: string, replace: (part: string) => string): string {
  const parts: string[] = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('"', at);
    parts.push(replace(text.slice(at, open < 0 ? text.length : open)));
    if (open < 0) break;
    at = open + 1;
    while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    parts.push(text.slice(open, ++at));
  }
  return parts.join('');
}

/** The fields of a step, in the words and the order of the vector file. */
export const STEP_FIELDS = {
  consensus: 'consensus',
  incentive: 'incentive',
  dividends: 'dividends',
  validator_trust: 'validatorTrust',
  stake_weight: 'stakeWeight',
  emission: 'emission',
  server_emission: 'serverEmission',
  validator_emission: 'validatorEmission',
  new_permits: 'newPermits',
  bonds: 'bonds',
} as const satisfies Record<string, keyof EpochOutput>;
export type StepField = keyof typeof STEP_FIELDS;

/** `{"cases": [{"id", "steps": [...]}]}` on one line; rao are integers of as many digits as they have. */
export function formatEpochResults(results: readonly EpochCaseResult[]): string {
  const cases = results.map(({ id, steps }) => {
    return `{"id":${JSON.stringify(id)},"steps":[${steps.map(formatStep).join(',')}]}`;
  });
  return `{"cases":[${cases.join(',')}]}`;
}

function formatStep(output: EpochOutput): string {
  const fields = Object.entries(STEP_FIELDS).map(([name, key]) => {
    const value = output[key];
    // JSON has no limit to its integers, JSON.stringify has
    return `"${name}":${typeof value[0] === 'bigint' ? `[${value.join(',')}]` : JSON.stringify(value)}`;
  });
  return `{${fields.join(',')}}`;
}
