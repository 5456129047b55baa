// Owns: logs that tests can read.
import { createLog, type Log } from '../../src/model/log.js';

export interface Line {
  readonly level: string;
  readonly msg: string;
  readonly [key: string]: unknown;
}

export function recordingLog(): { log: Log; lines: Line[]; messages(): string[] } {
  const lines: Line[] = [];
  return {
    lines,
    log: createLog((line) => lines.push(JSON.parse(line) as Line), { level: 'debug', now: () => 0 }),
    messages: () => lines.map(({ msg }) => msg),
  };
}
