// Owns: devices that multiply exactly. Does not own: what is proven with them (verification).
export { type Compute, type Multiplier, operandRows } from './compute.js';
export { createPackedCompute } from './cpu/packed.js';
export { createReferenceCompute } from './cpu/reference.js';
export { inexactProduct, type OpenCpuOptions, openCpu } from './probe.js';
