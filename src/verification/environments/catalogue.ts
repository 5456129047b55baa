// Owns: environments by name. Does not own: any one of them, which of them a subnet uses.
import { AssayError } from '../../model/errors.js';
import { meant } from '../checked-params.js';
import { createArithmetic } from './arithmetic.js';
import { createCode } from './code.js';
import type { Environment } from './environment.js';
import { createLogic } from './logic.js';
import type { EnvironmentParts } from './parts.js';

const ENVIRONMENTS: Readonly<Record<string, (params: unknown, parts: EnvironmentParts) => Environment>> = {
  arithmetic: createArithmetic,
  logic: createLogic,
  code: createCode,
};

export const ENVIRONMENT_IDS: readonly string[] = Object.keys(ENVIRONMENTS);

/**
 * @param params as JSON has them: every key known, every value in its range
 * @throws AssayError `invalid-input` naming the environment or the parameter
 */
export function createEnvironment(id: string, params: unknown, parts: EnvironmentParts): Environment {
  if (!Object.hasOwn(ENVIRONMENTS, id)) {
    const expected = `one of ${ENVIRONMENT_IDS.join(', ')}`;
    const got = `${JSON.stringify(id).slice(0, 60)}${meant(ENVIRONMENTS, id)}`;
    throw new AssayError('invalid-input', `environment: expected ${expected}, got ${got}`, {
      what: 'environment',
      expected,
      got,
    });
  }
  return ENVIRONMENTS[id]!(params, parts);
}
