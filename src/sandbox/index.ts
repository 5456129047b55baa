// Owns: a process in which a stranger's program runs shut in. Does not own: what is run and why (verification/environments).

export { createNodeSandbox, type NodeSandboxOptions } from './node-child.js';
export type { Sandbox, SandboxLimits, SandboxResult } from './sandbox.js';
