// Owns: the embedded chain: metadata, state, dispatch, blocks, JSON-RPC.
// Does not own: economics (emissions), the client (chain), who mines or validates on it.
export type { EventRecord, RuntimeCall, RuntimeEvent } from '../chain/codec/runtime.js';
export type { SubnetFork } from './fork.js';
export { LIMITS } from './limits.js';
export {
  createLocalnet,
  type Localnet,
  type LocalnetHead,
  type LocalnetOptions,
  type Receipt,
} from './localnet.js';
export { restoreState, type SavedState, saveState } from './save.js';
export { type ServeOptions, serveLocalnet } from './serve.js';
export type { StateView } from './state.js';
export { RpcError } from './validity.js';
