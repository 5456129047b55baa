// Owns: the file in which a role keeps what proofs took of this day. Does not own: counting it (miner/duty.ts).
import { createDuty, type Duty } from '../miner/duty.js';
import type { Clock } from '../model/clock.js';
import type { Log } from '../model/log.js';
import { dataPaths } from './assemble.js';
import { readSmallFile } from './small-file.js';
import { openWholeFile } from './whole-file.js';

/** @throws AssayError `invalid-input` for a file that is none of ours */
export async function openDuty(
  parts: { readonly clock: Clock; readonly log: Log },
  config: {
    readonly data: string;
    readonly mostDeviceSecondsADay?: number | undefined;
    readonly mostBytesADay?: number | undefined;
  },
): Promise<Duty> {
  const { data, mostDeviceSecondsADay: deviceSeconds, mostBytesADay: bytes } = config;
  const path = dataPaths.duty(data);
  const kept = await readSmallFile(path);
  const whole = await openWholeFile(path, path, 0o600);
  return createDuty({ ...parts, kept, keep: whole.write }, { deviceSeconds, bytes });
}
