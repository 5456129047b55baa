// Owns: every bound of the embedded node, in one place.

export const LIMITS = {
  /** one extrinsic; Subtensor's block length allows 5 MiB for normal ones, nothing here needs that much */
  extrinsicBytes: 1 << 20,
  /** extrinsics waiting for a block; beyond it newcomers are refused */
  poolExtrinsics: 8192,
  /** extrinsics in a block; the others wait */
  blockExtrinsics: 1024,
  /** one WebSocket message */
  payloadBytes: 4 << 20,
  /** calls in one JSON-RPC batch */
  batchCalls: 256,
  connections: 256,
  subscriptionsPerConnection: 256,
  /** storage keys in one subscription or query */
  storageKeys: 8192,
  /** keys a page of state_getKeysPaged may have, as sc-rpc */
  keysPerPage: 1000,
  /** unsent bytes of one connection; a reader slower than that is disconnected rather than buffered for */
  bufferedBytes: 32 << 20,
} as const;
