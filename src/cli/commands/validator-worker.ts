// Owns: `assay validator worker`. Does not own: the queue's end there (validator/queue/bull-worker.ts), threads (validator/verifiers.ts).
import { availableParallelism } from 'node:os';
import { evidenceFrom } from '../../validator/queue/evidence-fetch.js';
import { createJobHandler } from '../../validator/queue/job-handler.js';
import { openQueueKey } from '../../validator/queue/queue-key.js';
import { createVerifierPool } from '../../validator/verifiers.js';
import { startAdmin, startMetrics, systemParts } from '../assemble.js';
import { loadConfig, workerSchema } from '../config.js';
import { EXIT, printJson } from '../output.js';
import { tellParent } from '../parent.js';
import { assertNoPasswordIn, redisAddress } from '../redis-choice.js';
import { openRoleLog } from '../role-log.js';
import { openKnown, threadsFor } from '../subnet-module.js';
import { addWorkerSeries } from '../worker-metrics.js';

/** Runs until asked to end: what it has in hand by then is ended within seconds, or handed back. */
export async function startWorker(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  assertNoPasswordIn(flags);
  const config = loadConfig(workerSchema, flags);
  const known = await openKnown(config.module);
  const redis = await redisAddress(config.redis);
  const key = await openQueueKey(config.queueKey, { make: false });
  const log = await openRoleLog(config, { role: 'validator-worker' });
  const { runBullWorker } = await import('../../validator/queue/bull-worker.js');
  const { clock, random } = systemParts;
  const threads = config.verifierThreads ?? availableParallelism();
  // not the signal: what is in hand may end
  const ended = new AbortController();
  const pool = createVerifierPool({ clock, log, threads, ...threadsFor(known) }, ended.signal);
  const jobs = createJobHandler({ verifiers: pool, kinds: known.kinds, random });
  const admin = await startAdmin(config.adminPort, log);
  const metrics = await startMetrics(undefined, config.metricsPort, log);
  const series = metrics && addWorkerSeries(metrics);
  let said: string | undefined;
  try {
    await runBullWorker(
      {
        redis,
        prefix: config.redisPrefix,
        key,
        handler: jobs.handle,
        fetchEvidence: evidenceFrom({ url: config.evidence, key, clock }),
        clock,
        log,
      },
      { concurrency: threads, build: known.build },
      signal,
      (status) => {
        if (said === undefined) tellParent({ ready: {} });
        admin?.setServing(status.state === 'working');
        series?.(status);
        const line = JSON.stringify(status);
        if (line === said) return;
        said = line;
        tellParent({ worker: status });
        if (config.json) printJson(status);
      },
    );
  } finally {
    jobs.close();
    ended.abort();
    await Promise.all([pool.close(), admin?.close(), metrics?.close()]);
  }
  return EXIT.ok;
}
