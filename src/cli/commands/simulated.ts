// Owns: the hidden roles that the demo starts as processes of their own: devices, and miners of every behaviour.
import { readFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { PackrStream, UnpackrStream } from 'msgpackr';
import { z } from 'zod';
import type { Compute } from '../../compute/compute.js';
import { createPackedCompute } from '../../compute/cpu/packed.js';
import type { GpuChoice } from '../../compute/gpu/open.js';
import { openTcpLink } from '../../compute/tcp/link.js';
import { keypairFromUri, readyKeys } from '../../keys/index.js';
import { createCallers } from '../../miner/callers.js';
import { createLinkDoor } from '../../miner/link-door.js';
import type { MinerParts } from '../../miner/miner.js';
import { createSessions } from '../../miner/sessions.js';
import type { Slot } from '../../miner/slot.js';
import { toHex } from '../../model/bytes.js';
import { ed25519FromSeed } from '../../model/ed25519.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { toHotkey, toNetuid } from '../../model/ids.js';
import { createSeededRandom, systemRandom } from '../../model/prng.js';
import {
  demoClaim,
  demoDevice,
  demoLinkSlot,
  demoPhases,
  linkRates,
  PROVERS,
} from '../../testing/demo-provers.js';
import { connectDevice, serveDevice } from '../../testing/devices/remote.js';
import { withTurns } from '../../testing/devices/turns.js';
import type { Leak } from '../../testing/liars/sessions.js';
import { makeTranscript, simulateMiner } from '../../testing/simulated-miner.js';
import { BEHAVIOURS, FACTS } from '../../testing/world.js';
import { paramsByClass } from '../../verification/kinds/compute/params.js';
import { computeProof } from '../../verification/kinds/index.js';
import { dataPaths, systemParts } from '../assemble.js';
import { keepMinerFiles } from '../miner-files.js';
import { EXIT, stderrLog } from '../output.js';
import { tellParent } from '../parent.js';

const deviceSchema = z.strictObject({
  prover: z.enum(PROVERS),
  slots: z.number().int().min(1).max(8),
  /** jobs one after the other, in changing order, instead of kernel by kernel as they come */
  turns: z.boolean(),
  seed: z.string(),
  port: z.number().int(),
  /** what really computes behind the pace; left out, the process itself */
  choice: z
    .discriminatedUnion('device', [
      z.strictObject({ device: z.literal('cuda'), uuid: z.string().optional() }),
      z.strictObject({ device: z.literal('webgpu'), adapter: z.string().optional() }),
    ])
    .optional(),
});

const minerSchema = z.strictObject({
  behaviour: z.enum(BEHAVIOURS),
  chain: z.string(),
  netuid: z.number().int(),
  hotkeyUri: z.string(),
  host: z.string(),
  port: z.number().int(),
  worker: z.string(),
  devices: z.array(z.strictObject({ port: z.number().int(), slot: z.number().int() })),
  data: z.string(),
  /** false: no link to peers, whatever its behaviour has */
  link: z.boolean().default(true),
  /** honest-small: where the one that relays listens for its frames */
  leakTo: z.number().int().optional(),
  /** relays: whose frames it is given */
  neighbour: z.string().optional(),
  /** of the owner, which it hands to whoever asks by digest */
  files: z.array(z.string()),
  /** relays: where it listens for them, 0 picks one */
  leakPort: z.number().int(),
  seed: z.string(),
});

export async function simulated(role: string, json: string, signal: AbortSignal): Promise<number> {
  if (role === 'device') return device(parse(deviceSchema, json), signal);
  if (role === 'miner') return miner(parse(minerSchema, json), signal);
  if (role === 'rollout-liar') {
    const { rolloutLiar, rolloutLiarSchema } = await import('./simulated-rollouts.js');
    return rolloutLiar(parse(rolloutLiarSchema, json), signal);
  }
  throw new AssayError('invalid-input', `no simulated role ${role}`, {
    what: 'role',
    expected: 'device, miner or rollout-liar',
    got: role,
  });
}

function parse<S extends z.ZodType>(schema: S, json: string): z.infer<S> {
  try {
    return schema.parse(JSON.parse(json));
  } catch (cause) {
    const got = json.slice(0, 100);
    throw new AssayError(
      'invalid-input',
      'simulated: not what this role takes',
      { what: 'role options', expected: 'JSON as the demo writes it', got },
      { cause },
    );
  }
}

async function device(options: z.infer<typeof deviceSchema>, signal: AbortSignal): Promise<number> {
  const { clock } = systemParts;
  const random = createSeededRandom(options.seed);
  const { slots, choice } = options;
  const inner = choice && (await cardOf(choice as GpuChoice)); // what may be left out is left out, and not undefined
  const own = demoDevice(options.prover, {
    slots,
    worker: 'device',
    clock,
    random,
    ...(inner ? { inner } : {}),
  });
  const port = await serveDevice(options.turns ? withTurns(own, clock) : own, { port: options.port }, signal);
  tellParent({ ready: { port } });
  await aborted(signal);
  await inner?.close?.();
  return EXIT.ok;
}

async function cardOf(choice: GpuChoice): Promise<Compute> {
  const { isolateDevice } = await import('../../compute/process/isolate.js');
  return isolateDevice({ choice, log: stderrLog('info'), clock: systemParts.clock });
}

async function miner(options: z.infer<typeof minerSchema>, signal: AbortSignal): Promise<number> {
  await readyKeys();
  const [{ connectSubtensor }, { createGrpcWire }, { runMiner }, { openReceipts }, { createLife }] =
    await Promise.all([
      import('../../chain/subtensor/connect.js'),
      import('../../protocol/grpc/wire.js'),
      import('../../miner/miner.js'),
      import('../../miner/receipts.js'),
      import('../../miner/life.js'),
    ]);
  const { behaviour, worker } = options;
  const netuid = toNetuid(options.netuid);
  const log = stderrLog('info', { netuid });
  const { prover } = FACTS[behaviour];
  const keypair = keypairFromUri(options.hotkeyUri);
  const receipts = await openReceipts(dataPaths.receipts(options.data));
  const wire = createGrpcWire({ clock: systemParts.clock });
  const chain = await connectSubtensor({ url: options.chain, log, clock: systemParts.clock, signal });
  const slots: Slot[] = options.devices.map(({ port, slot }, index) =>
    connectDevice(port, slot, demoClaim(prover, index, worker), { phases: demoPhases(prover) }),
  );
  const linkName = options.link ? FACTS[behaviour].link : undefined;
  const closing: Promise<void>[] = [];
  let onAdmission: MinerParts['onAdmission'];
  if (linkName) {
    const { clock } = systemParts;
    const place = { index: slots.length, worker };
    const key = ed25519FromSeed(systemRandom.bytes(32));
    const { host } = options;
    const door = createLinkDoor({ keypair, clock }, { netuid, egressAddress: host }, signal);
    door.tell(await chain.info());
    onAdmission = door.admitBy;
    const link = await openTcpLink(
      { clock, key, guest: door.guest },
      { host, port: 0, localAddress: host, mayDial: door.mayDial, ...linkRates() },
      signal,
    );
    closing.push(link.closed);
    const random = createSeededRandom(`${options.seed}/link`);
    slots.push(demoLinkSlot(linkName, { link, clock, random }, place));
  }
  const held = await Promise.all(options.files.map((path) => readFile(path)));
  const files = new Map(held.map((bytes) => [toHex(sha256(bytes)), bytes]));
  const content = (digest: Uint8Array) => files.get(toHex(digest));
  const parts = { ...systemParts, keypair, log, receipts, wire, reader: chain, writer: chain };
  const transcript =
    behaviour === 'replays'
      ? await makeTranscript(
          { kind: computeProof, compute: createPackedCompute(), random: createSeededRandom(options.seed) },
          paramsByClass('paced')!, // the table has it, or no slot could be made
        )
      : undefined;
  const { leakTo, neighbour } = options;
  const played = simulateMiner(parts, {
    behaviour,
    netuid,
    slots,
    claim: demoClaim(prover, 0, worker),
    ...(transcript ? { transcript } : {}),
    ...(leakTo === undefined ? {} : { leak: connectLeak(leakTo) }),
    ...(neighbour === undefined ? {} : { neighbour: toHotkey(neighbour) }),
    onForwardRefused: ({ code, data }) => {
      log.info('forwarded go refused', { code, data });
      tellParent({ forwardRefused: { code } });
    },
  });
  const leakPort =
    behaviour === 'relays' ? await listenForLeaks(options.leakPort, played.leaked, signal) : undefined;
  // as of any miner: who asks the folder how it fares is answered, and so is its page of the dashboard
  const callers = createCallers({ clock: systemParts.clock, tell: () => {} });
  const sessions = createSessions(callers.ended);
  const hotkey = toHotkey(keypair.address);
  const life = createLife(
    {
      ...parts,
      sessions,
      callers,
      tell: () => {},
      onPhase: () => kept.write(),
      serve: (asked, onReady) =>
        runMiner(
          {
            ...parts,
            slots: played.slots,
            answer: played.answer,
            onAdmission,
            content,
            callers,
            sessions,
          },
          { netuid, host: options.host, port: options.port },
          asked,
          (address, serving) => {
            onReady(address, serving);
            tellParent({ ready: { ...address, ...(leakPort === undefined ? {} : { leakPort }) } });
          },
        ),
    },
    { netuid, hotkey },
  );
  const kept = keepMinerFiles(
    { clock: systemParts.clock, log },
    { status: dataPaths.minerStatus(options.data), callers: dataPaths.callers(options.data) },
    { status: life.status, callers: callers.rows },
  );
  try {
    await life.run(signal);
  } finally {
    await kept.close();
    await Promise.all([receipts.close(), chain.close(), ...(signal.aborted ? closing : [])]);
  }
  return EXIT.ok;
}

/** The side channel's ear, on loopback. */
async function listenForLeaks(
  port: number,
  onLeak: (leak: Leak) => void,
  signal: AbortSignal,
): Promise<number> {
  const server = createServer((socket) => {
    const leaks = new UnpackrStream({ useRecords: false });
    socket.on('error', () => socket.destroy());
    leaks.on('error', () => socket.destroy());
    leaks.on('data', onLeak);
    socket.pipe(leaks);
    signal.addEventListener('abort', () => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  signal.addEventListener('abort', () => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('leaks: expected a TCP address');
  return address.port;
}

/** The side channel's mouth; what cannot be delivered is lost, as leaks are. */
function connectLeak(port: number): (leak: Leak) => void {
  let out: PackrStream | undefined;
  return (leak) => {
    if (!out) {
      const socket = createConnection({ host: '127.0.0.1', port });
      const stream = new PackrStream({ useRecords: false });
      const lost = () => {
        out = undefined;
      };
      socket.on('error', lost);
      socket.on('close', lost);
      stream.pipe(socket);
      out = stream;
    }
    out.write(leak);
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
