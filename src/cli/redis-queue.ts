// Owns: a validator's queue made one that workers elsewhere share: its jobs on Redis, its evidence at a port. Does not own: either.
import type { Clock } from '../model/clock.js';
import type { Log } from '../model/log.js';
import type { QueueAlert } from '../validator/queue/bull-queue.js';
import { openEvidenceDoor } from '../validator/queue/evidence-door.js';
import type { RedisAddress } from '../validator/queue/redis-address.js';
import type { Config } from './config.js';
import { tellParent } from './parent.js';
import type { WrapQueue } from './verification-queue.js';

export const overRedis =
  (
    parts: {
      readonly redis: RedisAddress;
      readonly clock: Clock;
      readonly log: Log;
      readonly alert: (alert: QueueAlert) => void;
    },
    {
      redisPrefix: prefix,
      host,
      evidencePort,
      workerPatienceMs: lateMs,
    }: Pick<Config<'validator'>, 'redisPrefix' | 'host' | 'evidencePort' | 'workerPatienceMs'>,
  ): WrapQueue =>
  async (inner, { key, stamp, evidence }) => {
    const { clock, log } = parts;
    const { createBullQueue } = await import('../validator/queue/bull-queue.js');
    const door = await openEvidenceDoor({ store: evidence, key, clock, log }, { host, port: evidencePort });
    try {
      const queue = await createBullQueue({ ...parts, inner, prefix, key, stamp }, { lateMs });
      log.info('workers are served', {
        redis: parts.redis.shown,
        evidence: `http://${door.host}:${door.port}`,
      });
      tellParent({ evidence: { host: door.host, port: door.port } });
      return {
        ...queue,
        async close() {
          await queue.close();
          await door.close();
        },
      };
    } catch (error) {
      await door.close();
      throw error;
    }
  };
