// Owns: what this subnet has of its own, as the command line is told of it: --module dist/src/subnet.js. Does not own: what is paid
// for (policy.json), settings of roles (config/).
import { defineSubnet } from 'assay';
import { atLeast } from './at-least.js';
import { hashCells } from './hash-cells/index.js';

/** Kinds of Assay stand beside it; which of them count is said by the files that the owner publishes. */
export default defineSubnet({ proofs: [hashCells], rules: [atLeast] });
