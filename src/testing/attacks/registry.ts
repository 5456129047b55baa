// Owns: the list of attacks. A new one is one line in its kind's file.
import type { Attack } from './attack.js';
import { bandwidthAttacks } from './bandwidth.js';
import { computeContentAttacks } from './compute.js';
import { computeWindowAttacks } from './compute-window.js';
import { hostMemoryAttacks } from './host-memory.js';
import { livenessAttacks } from './liveness.js';
import { memoryAttacks } from './memory.js';
import { storageAttacks } from './storage.js';

export const ATTACKS: readonly Attack[] = [
  ...computeContentAttacks,
  ...computeWindowAttacks,
  ...memoryAttacks,
  ...hostMemoryAttacks,
  ...bandwidthAttacks,
  ...storageAttacks,
  ...livenessAttacks,
];
