// Owns: every bound of the embedded node, in one place.

export const LIMITS = {
  /** one extrinsic; Subtensor's block length allows 5 MiB for normal ones, nothing here needs that much */
  extrinsicBytes: 1 << 20,
  /** extrinsics waiting for a block; beyond it newcomers are refused */
  poolExtrinsics: 8192,
  /** all that wait for a block together; Substrate's default for ready ones (sc-cli pool params `pool_kbytes`) */
  poolBytes: 20 << 20,
  /** extrinsics in a block; the others wait */
  blockExtrinsics: 1024,
  /** all extrinsics of a block together, as Subtensor's block length; the others wait */
  blockBytes: 5 << 20,
  /** rounds of the beacon that one block signs, at 5 ms each; the others wait for the next */
  roundsPerBlock: 16,
  /** rounds of the beacon that stay stored: nothing locked to an older one opens any more */
  keptRounds: 5000,
  /** one WebSocket message */
  payloadBytes: 4 << 20,
  /** calls in one JSON-RPC batch */
  batchCalls: 256,
  /** one JSON-RPC answer, and all of a batch together; Substrate's default (`rpc_max_response_size`) */
  responseBytes: 15 << 20,
  connections: 256,
  subscriptionsPerConnection: 256,
  /** storage keys in one subscription or query */
  storageKeys: 8192,
  /** keys a page of state_getKeysPaged may have, as sc-rpc */
  keysPerPage: 1000,
  /** unsent bytes of one connection; a reader slower than that is disconnected rather than buffered for */
  bufferedBytes: 32 << 20,
  /** a journal longer than that is closed and the next one begun, however few blocks it has */
  journalBytes: 64 << 20,
  /** a saved state larger than that is not read; main network's whole state would be, a subnet's is a few MiB */
  savedBytes: 256 << 20,
  /** blocks that one call of dev_newBlock makes */
  newBlocks: 1000,
  /** for which `dev_dropConnections` can refuse new connections */
  refuseMs: 600_000,
  /** patterns of `dev_reject` that are remembered, the newest */
  rejections: 64,
} as const;
