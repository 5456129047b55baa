// Owns: the list of policies that come with this build, by name. A policy is a file named as it is.
import type { ScoringPolicy } from '../policy.js';
import { compute } from './compute.js';
import { mixed } from './mixed.js';
import { rollouts } from './rollouts.js';

export const POLICIES = { compute, rollouts, mixed } as const satisfies Record<string, ScoringPolicy>;
export type PolicyName = keyof typeof POLICIES;
/** What counts where an owner published none. */
export const DEFAULT_POLICY: ScoringPolicy = POLICIES.compute;
