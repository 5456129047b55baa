// Owns: the list of scoring rules, by the name that options give.
import type { Rule } from '../rule.js';
import { type ProvenSlotsParams, provenSlots } from './proven-slots.js';

export const rules = {
  'proven-slots': provenSlots satisfies Rule<ProvenSlotsParams>,
} as const;
export type RuleName = keyof typeof rules;
