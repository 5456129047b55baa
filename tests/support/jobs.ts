// Owns: jobs about nothing, for queues. Does not own: what judges one.
import { toHex, utf8 } from '../../src/model/bytes.js';
import { canonicalJson } from '../../src/model/canonical-json.js';
import { sha256 as digest } from '../../src/model/hash.js';
import { toHotkey } from '../../src/model/ids.js';
import { BUILD, type Job, type Stamp } from '../../src/validator/queue/job.js';
import { toQueueKey } from '../../src/validator/queue/queue-key.js';

export const QUEUE_KEY = toQueueKey(new Uint8Array(32).fill(7));
const HOTKEY = toHotkey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
export const STAMP: Stamp = {
  deployment: { genesis: 'ab'.repeat(32), netuid: 3, hotkey: HOTKEY },
  build: BUILD,
};

const PARAMS = { rows: 2 };

/** As bytes are that came from somewhere: no Buffer. */
const sha256 = (bytes: Uint8Array): Uint8Array => Uint8Array.from(digest(bytes));

/** The same for the same number, and another for another. @param bytes of its opening */
export function testJob(n: number, bytes = 256): { readonly job: Job; readonly opening: Uint8Array } {
  const opening = new Uint8Array(bytes).map((_, i) => (i + n) % 251);
  const job: Job = {
    id: toHex(sha256(utf8(`job ${n}`))).slice(0, 32),
    priority: 'session',
    event: toHex(sha256(utf8('event'))),
    from: HOTKEY,
    kind: 'compute',
    paramsId: toHex(sha256(utf8(canonicalJson(PARAMS)))),
    params: PARAMS,
    basis: sha256(utf8('basis')),
    seed: sha256(utf8(`seed ${n}`)),
    commits: [utf8(`commit ${n}`)],
    request: utf8('request'),
    opening: { digest: sha256(opening), bytes },
  };
  return { job, opening };
}
