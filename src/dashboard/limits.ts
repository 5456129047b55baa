// Owns: how much of the dashboard anybody gets. Does not own: how it is held to (server.ts, hub.ts).

export const DASHBOARD_LIMITS = {
  headerBytes: 16 * 1024,
  urlChars: 2048,
  pathParts: 4,
  /** for a request to arrive */
  requestMs: 10_000,
  /** an idle connection is closed */
  idleMs: 10_000,
  /** a connection on which nothing moves, in either direction */
  stillMs: 60_000,
  connections: 512,
  requestsPerConnection: 1000,
  /** pages made at once; more are told to come back */
  rendering: 32,
  /** pages kept as they were sent */
  keptPages: 64,
  /** of one event stream */
  topics: 8,
  heartbeatMs: 15_000,
  /** after which a browser comes back to a stream that ended */
  retryMs: 3000,
} as const;
