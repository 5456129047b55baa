// The other process of wire.bench.ts: a miner that echoes, by session keys (ours) or with sr25519 on every message (baseline).
import { devKeypair, readyKeys, verifySignature } from '../../src/keys/keypair.js';
import { systemClock } from '../../src/model/clock.js';
import { toHotkey } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import { systemRandom } from '../../src/model/prng.js';
import { readEnvelope, seal } from '../../src/protocol/envelope.js';
import type { Signed } from '../../src/protocol/gen/assay/v1/miner_pb.js';
import { createGrpcWire } from '../../src/protocol/grpc/wire.js';
import type { Limits } from '../../src/protocol/limits.js';
import { serve } from '../../src/protocol/serve.js';

/** Rates of one caller are what is measured, so they must not bound it; everything else is as in production. */
export const BENCH_LIMITS: Partial<Limits> = {
  callsPerSecondPerAddress: 1e6,
  callsPerSecondPerPeer: 1e6,
  noncesPerPeer: 1e6,
};
export const NETUID = 7;

/** The baseline's answer to `message`: the same envelope, checked and signed by the hotkeys themselves. */
export function answer(message: Signed, method: 'describe' | 'prove', sequence: number): Signed {
  const miner = devKeypairs.miner();
  const header = readEnvelope(message, {
    direction: 'request',
    method,
    netuid: NETUID,
    receiver: miner.publicKey,
    sequence,
  });
  if (!verifySignature(message.signature, message.header, header.sender)) throw new Error('bad signature');
  const sentAt = Date.now();
  return seal(
    {
      ...header,
      direction: 'response',
      sender: miner.publicKey,
      receiver: header.sender,
      sentAt,
      expiresAt: sentAt + 30_000,
    },
    message.body,
    miner.sign,
  );
}

/** µs of this process since it began. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const lazy = <T>(make: () => T): (() => T) => {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
};
export const devKeypairs = {
  miner: lazy(() => devKeypair('bench-miner')),
  validator: lazy(() => devKeypair('bench-validator')),
};

async function main(mode: string): Promise<void> {
  await readyKeys();
  const wire = createGrpcWire({ clock: systemClock, limits: BENCH_LIMITS });
  const address = { host: '127.0.0.1', port: 0 };
  if (mode === 'sr25519') {
    const caller = toHotkey(devKeypairs.validator().address);
    const { port } = await wire.listen(address, {
      async describe({ message }, origin) {
        origin.admitted(caller); // or its connection would be dropped as a stranger's
        return answer(message, 'describe', 0);
      },
      async prove(stream, origin) {
        origin.admitted(caller);
        for (let i = 0, got = await stream.receive(); got; got = await stream.receive())
          await stream.send(answer(got.message, 'prove', i++));
      },
    });
    process.send?.(port);
    return;
  }
  const { port } = await serve(
    {
      wire,
      keypair: devKeypairs.miner(),
      clock: systemClock,
      log: silentLog,
      random: systemRandom,
      admit: () => true,
      handlers: {
        describe: async () => ({ version: '1', kinds: ['compute'], slots: [] }),
        async prove(session) {
          for (let got = await session.receive(); got; got = await session.receive()) {
            const { body } = got.frame;
            if (body.case !== undefined) await session.send(body);
          }
        },
      },
    },
    { ...address, netuid: NETUID, limits: BENCH_LIMITS },
    new AbortController().signal,
  );
  process.send?.(port);
}

const [, file = '', flag, mode = ''] = process.argv;
if (flag === '--serve' && import.meta.url.endsWith(file.split('/').at(-1) ?? '')) {
  process.on('disconnect', () => process.exit(0));
  process.on('message', () => process.send?.(cpuUs()));
  await main(mode);
}
