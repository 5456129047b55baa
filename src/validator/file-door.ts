// Owns: a validator's port, on which peers of the subnet may have the owner's files. Does not own: which files there are
// (parameters), sessions: nobody proves anything to this port.
import { create } from '@bufbuild/protobuf';
import { announce, assertAnnounceable } from '../chain/announce.js';
import type { ChainReader, ChainWriter, Subnet } from '../chain/chain.js';
import { AssayError, isAssayError } from '../model/errors.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import { VERSION } from '../model/version.js';
import { DescribeResponseSchema } from '../protocol/gen/assay/v1/miner_pb.js';
import { serve } from '../protocol/serve.js';
import type { ServerIdentity } from '../protocol/server-key.js';
import type { Admission, Served, ServeHandlers, SessionParts } from '../protocol/session.js';

export interface FileDoor {
  readonly writer: Pick<ChainWriter, 'serveAxon'>;
  /** address to bind */
  readonly host: string;
  /** 0 picks a free one */
  readonly port: number;
  /** address to announce on the chain. @default the bound one */
  readonly announceIp?: string | undefined;
  /** as a miner's: without any, plaintext, which only loopback addresses may have */
  readonly identities?: readonly ServerIdentity[] | undefined;
  /** Files too large for one answer: of windows of rollouts, for peers that their miner does not answer. @default none */
  readonly piece?: ServeHandlers['piece'];
}

/** A chain that was too early for an axon takes it after some dozens of blocks. */
const AGAIN_MS = 10 * 60_000;

/**
 * Binds and announces. Whoever is on the subnet may have files; other validators are told that there is nothing to challenge.
 * Where the chain refuses the announcement the port is open all the same, and it is announced later.
 * @throws AssayError when the port cannot be bound, or the chain cannot be asked: then nothing of it is left
 */
export async function openFileDoor(
  parts: SessionParts & {
    readonly reader: Pick<ChainReader, 'subnet'>;
    readonly door: FileDoor;
    readonly content: (digest: Uint8Array) => Uint8Array | undefined;
    /** the newest snapshot */
    readonly subnet: () => Subnet | undefined;
  },
  { netuid }: { readonly netuid: Netuid },
  signal: AbortSignal,
): Promise<Served> {
  const { door, content, subnet, log } = parts;
  const { host, port, identities } = door;
  assertAnnounceable(door.announceIp ?? host);
  const admit = (hotkey: Hotkey): Admission => {
    const neuron = subnet()?.neurons.find((each) => each.hotkey === hotkey);
    return neuron?.validatorPermit ? true : neuron !== undefined && 'files';
  };
  const stop = new AbortController();
  const served = await serve(
    {
      ...parts,
      admit,
      handlers: {
        describe: async () => create(DescribeResponseSchema, { version: VERSION, kinds: [], slots: [] }),
        content,
        ...(door.piece ? { piece: door.piece } : {}),
        async prove() {
          throw new AssayError('permission-denied', 'nothing is proven here', { reason: 'not-admitted' });
        },
      },
    },
    { host, port, netuid, identities },
    AbortSignal.any([signal, stop.signal]),
  );
  const serverKey = identities?.[0]?.serverKey;
  const ip = door.announceIp ?? served.host;
  const tell = async (): Promise<void> => {
    await announce(
      { ...parts, writer: door.writer },
      { netuid, axon: { ip, port: served.port, ...(serverKey ? { serverKey } : {}) } },
    );
  };
  /** The chain says no to who is too early, or not registered yet: weights do not wait for that. */
  const refused = (error: unknown): boolean => {
    if (!isAssayError(error, 'chain-rejected') && !isAssayError(error, 'chain-unknown')) return false;
    const remedy = `it is tried again every ${AGAIN_MS / 60_000} minutes`;
    log.error('the port for files is not announced: peers do not find it', { why: error.message, remedy });
    return true;
  };
  const tellLater = async (): Promise<void> => {
    for (;;) {
      await parts.clock.sleep(AGAIN_MS, signal);
      if (signal.aborted) return;
      try {
        return await tell();
      } catch (error) {
        if (!refused(error)) log.error('the port for files is not announced', { error });
      }
    }
  };
  try {
    await tell();
  } catch (error) {
    if (!refused(error)) {
      stop.abort();
      await served.closed;
      throw error;
    }
    void tellLater();
  }
  log.info('files of the owner are handed out', { host: served.host, port: served.port });
  return served;
}
