// Owns: a device in a process of its own, reached over a loopback socket: the wire of a miner's hosts, without keys and from the
// other side, so that several miners can share one. Does not own: what it computes, what is said (miner/hosts).
import { createConnection, createServer, type Socket } from 'node:net';
import { type Channel, openChannel } from '../../miner/hosts/channel.js';
import { createDesk, type Desk } from '../../miner/hosts/desk.js';
import { HOST_LIMITS } from '../../miner/hosts/limits.js';
import { createRemoteSlot } from '../../miner/hosts/remote-slot.js';
import { createWork } from '../../miner/hosts/work.js';
import type { Slot, SlotClaim } from '../../miner/slot.js';
import { systemClock } from '../../model/clock.js';

/**
 * Serves `slots` on 127.0.0.1 until aborted.
 * @param options.port 0 picks a free one
 * @returns the port, once it listens
 */
export async function serveDevice(
  slots: readonly Slot[],
  options: { port: number },
  signal: AbortSignal,
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serveSocket(socket, slots);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('device: expected a TCP address');
  const stop = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return address.port;
}

function serveSocket(socket: Socket, slots: readonly Slot[]): void {
  const find = (number: number) => slots.find(({ claim }) => claim.index === number);
  const work = createWork({ channel: () => channel, find });
  const channel: Channel = openChannel(socket, HOST_LIMITS.frameBytes, {
    frame: (body) => void work.take(body),
    over: () => work.end(), // the miner died: its jobs are for nobody
  });
}

/**
 * A slot whose work is done by slot `deviceSlot` of the device at 127.0.0.1:`port`; what the miner calls its slot is
 * its own affair.
 * @param of.phases of the claim's parameter set. @default one
 * @param of.meets whether slots of its kind meet others: the device has the link then, and says what it offers. @default false
 */
export function connectDevice(
  port: number,
  deviceSlot: number,
  claim: SlotClaim,
  of: Pick<Slot, 'phases'> & { readonly meets?: boolean } = {},
): Slot {
  const address = `127.0.0.1:${port}`;
  let connected: Desk | undefined;

  function connect(): Desk {
    const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
    const desk = createDesk({
      channel: () => channel,
      clock: systemClock,
      name: `device at ${address}`,
      address,
    });
    const channel = openChannel(socket, HOST_LIMITS.frameBytes, {
      frame: (body) => void desk.take(body),
      over(why) {
        if (connected === desk) connected = undefined; // another connection may stand already
        desk.end(why);
      },
    });
    connected = desk;
    return desk;
  }

  const parts = { clock: systemClock, desk: () => connected ?? connect() };
  return createRemoteSlot(parts, { ...of, claim, number: deviceSlot });
}
