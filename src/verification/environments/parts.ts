// Owns: what environments are made with. Does not own: any one of them.
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { StepCounter } from './answer.js';
import type { Tokenizer } from './tokenizer.js';

export interface EnvironmentParts {
  readonly tokenizer: Tokenizer;
  /** for those that run programs; without one their grades are faults, their prompts the same */
  readonly sandbox?: Sandbox;
  /** grows with what graders look at */
  readonly counter?: StepCounter;
}
