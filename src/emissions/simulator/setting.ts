// Owns: one value of a scenario replaced, as a person writes it: PATH=VALUE. Does not own: what may stand there (scenario.ts).
import { invalid } from '../../model/invalid-input.js';
import type { Scenario } from './scenario.js';
import { holdsText } from './sweep.js';

/**
 * `owner.burnShare=0.4`: a path, and a number, `true`, JSON or a word.
 *
 * @param what names the place it came from in the error
 * @throws AssayError `invalid-input` for what has not that form
 */
export function parseSetting(
  text: string,
  scenario: Scenario,
  what = `--set ${text}`,
): [path: string, value: unknown] {
  const equals = text.indexOf('=');
  if (equals <= 0 || equals === text.length - 1)
    throw invalid(what, 'PATH=VALUE, such as owner.burnShare=0.4', text);
  const [path, given] = [text.slice(0, equals), text.slice(equals + 1)];
  const value = jsonOr(given);
  // a seed of digits is text as it was typed
  const isWord = (typeof value !== 'object' || value === null) && typeof value !== 'string';
  return [path, isWord && holdsText(scenario, path) ? given : value];
}

/** A number, true, JSON; anything else is a word, such as `rented`. */
function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
