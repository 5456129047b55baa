// Owns: which class the name of a card suggests. Cosmetic: a slot is paid for what it proves. Does not own: what a class asks
// (classes.ts).
import { DEVICES } from './classes.js';

/** Words as drivers write them, most particular first; a class of the name is only suggested where its memory is there too. */
const ALIASES: readonly (readonly [RegExp, string])[] = [
  [/\bB300\b/, 'b300'],
  [/\bB200\b/, 'b200'],
  [/\bH200\b/, 'h200'],
  [/\bH100\b.*\bPCIe\b/, 'h100-pcie'],
  [/\bH100\b/, 'h100-sxm'],
  [/\bA100\b/, 'a100-80'],
  [/\bL40S\b/, 'l40s'],
  [/\bRTX 5090\b(?!.*(Laptop| D\b))/, 'rtx-5090'],
  [/\bRTX 4090\b(?!.*(Laptop| D\b))/, 'rtx-4090'],
  [/\bRTX 3090\b/, 'rtx-3090'],
];

/** Drivers show a little less or more than the data sheet: firmware, ECC, other units. */
const MEMORY_TOLERANCE = 0.1;

/**
 * @param name as the driver has it, e.g. `NVIDIA H100 80GB HBM3`
 * @param memoryBytes as the driver has it
 * @returns undefined for a card that no class is named after: what it proves tells its class (`assay verification calibrate`)
 */
export function suggestedClass(name: string, memoryBytes: number | undefined): string | undefined {
  const found = ALIASES.find(([words]) => words.test(name))?.[1];
  const device = DEVICES.find((each) => each.class === found);
  if (!device || memoryBytes === undefined) return undefined;
  return Math.abs(memoryBytes / device.memoryBytes - 1) <= MEMORY_TOLERANCE ? device.class : undefined;
}
