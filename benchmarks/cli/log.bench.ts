// What a line of a role's log costs whoever writes it, beside a synchronous write of the same line; and what tracing costs that is off.
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { flushLogs, openRoleLog } from '../../src/cli/role-log.js';
import { createLog, type Log } from '../../src/model/log.js';
import { noTracer } from '../../src/model/trace.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const LINES = 50_000;
/** A role writes some lines in a turn, and goes on. */
const A_TURN = 50;
const SPANS = 5_000_000;

export default async function bench(emit: Emit): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-bench-log-'));
  const [own, plain] = ['own', 'plain'].map((name) => openSync(join(folder, name), 'a')) as [number, number];
  try {
    const role = await openRoleLog({ logLevel: 'info', logFormat: 'json' }, { netuid: 1 }, { fd: own });
    const synchronous = createLog((line) => writeSync(plain, `${line}\n`), { data: { netuid: 1 } });
    await secondsOf(role);
    await secondsOf(synchronous);
    const [seconds, baseline] = [await secondsOf(role), await secondsOf(synchronous)];
    emit({
      bench: 'log',
      metric: 'line, event loop',
      value: (seconds / LINES) * 1e6,
      unit: 'us',
      baseline: (baseline / LINES) * 1e6,
    });
    await flushLogs();
  } finally {
    for (const fd of [own, plain]) closeSync(fd);
    rmSync(folder, { recursive: true });
  }

  const began = performance.now();
  for (let i = 0; i < SPANS; i++) {
    const span = noTracer.start('session', undefined, undefined);
    span.set('verdict', 'accepted');
    span.end();
  }
  emit({
    bench: 'tracing',
    metric: 'span, off',
    value: ((performance.now() - began) * 1e6) / SPANS,
    unit: 'ns',
  });
}

/** Of the event loop: writing beside it is not counted, waiting for it is not either. */
async function secondsOf(log: Log): Promise<number> {
  let ms = 0;
  for (let i = 0; i < LINES; i += A_TURN) {
    const began = performance.now();
    for (let n = 0; n < A_TURN; n++)
      log.info('session judged', {
        miner: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
        slot: n,
        ms: 12.5,
      });
    ms += performance.now() - began;
    await setImmediate();
  }
  return ms / 1000;
}
