// One event from roster to receipts: scripted miners on the loopback, a ledger in memory, a clock that jumps.
import { beforeAll, describe, expect, test } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { fromAddress } from '../../../src/keys/ss58.js';
import type { Clock } from '../../../src/model/clock.js';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { verdictToString } from '../../../src/model/verdict.js';
import { verifyChain } from '../../../src/protocol/evidence.js';
import { VerdictKind } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import type { MinerPeer, ServeHandlers } from '../../../src/protocol/session.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import type { LedgerEntry } from '../../../src/validator/ledger/entries.js';
import { noDelay } from '../../../src/validator/own-delay.js';
import { runEvent } from '../../../src/validator/round.js';
import {
  bytes32,
  commitOf,
  plays,
  READY,
  type Script,
  scriptedMiner,
  TOY_DESCRIPTION,
  take,
} from '../../support/sessions.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';
import { toyKind } from '../../support/toy-kind.js';

beforeAll(readyKeys);

const GO_AT = 500;

interface Player {
  readonly script: Script;
  readonly describe?: (clock: Clock) => ReturnType<ServeHandlers['describe']>;
}

interface Round {
  /** `miner name: verdict`, in the order of the miners */
  readonly verdicts: string[];
  readonly entries: LedgerEntry[];
  /** monotonic ms at which the event was judged */
  readonly judgedAt: number;
  readonly error: unknown;
}

/** Plays one event with `players` and then waits until every session is over. */
async function playRound(
  players: Readonly<Record<string, Player>>,
  setting: { missed?: boolean; uncallable?: readonly string[]; diskFull?: boolean } = {},
): Promise<Round> {
  const clock = createVirtualClock();
  return clock.runUntil(run());

  async function run(): Promise<Round> {
    const stop = new AbortController();
    const wire = createLoopback({ clock });
    const validator = devKeypair('validator');
    const names = Object.keys(players);
    const miners = await Promise.all(
      names.map((name) => {
        const { script, describe } = players[name]!;
        return scriptedMiner(
          { clock, wire, name },
          script,
          stop.signal,
          async () => (await describe?.(clock)) ?? TOY_DESCRIPTION,
        );
      }),
    );
    const state = subnet([
      neuron(0),
      ...miners.map(({ hotkey, address }, i) =>
        neuron(i + 1, { hotkey, axon: { ip: address.host, port: address.port } }),
      ),
    ]);
    const peers = new Map<string, MinerPeer>(miners.map((miner) => [miner.hotkey, miner.peer(validator)]));
    const blocked = new Set((setting.uncallable ?? []).map((name) => devKeypair(name).address));
    const go = clock.sleep(GO_AT).then(() => {
      if (setting.missed) throw new AssayError('timeout', 'block not seen', { what: 'head', afterMs: 0 });
      return { hash: bytes32('beacon'), seenAt: clock.monotonic() };
    });
    const entries: LedgerEntry[] = [];
    let error: unknown;
    const outcomes = await runEvent(
      {
        peerOf({ hotkey }) {
          if (blocked.has(hotkey)) throw new AssayError('insecure-address', 'no', { address: '8.8.8.8' });
          return peers.get(hotkey)!;
        },
        publicKeyOf: fromAddress,
        kinds: { toy: toyKind() },
        ledger: {
          async append(entry) {
            if (setting.diskFull && entry.type === 'outcome') throw new Error('disk full');
            entries.push(entry);
          },
          saveParams: async () => {},
        },
        clock,
        random: createSeededRandom('round'),
        ownDelay: noDelay,
        log: silentLog,
      },
      {
        event: { id: bytes32('event'), block: 120, basis: bytes32('basis'), epoch: 5, netuid: NETUID, go },
        subnet: state,
        chain: { type: 'development' },
        self: toHotkey(validator.address),
      },
      stop.signal,
    ).catch((reason: unknown) => {
      error = reason;
      return [];
    });
    const judgedAt = clock.monotonic();
    await clock.sleep(30_000);
    for (const peer of peers.values()) peer.close();
    stop.abort();
    const nameOf = (hotkey: string) => names[miners.findIndex((miner) => miner.hotkey === hotkey)];
    return {
      verdicts: outcomes.map(({ miner, verdict }) => `${nameOf(miner)}: ${verdictToString(verdict)}`),
      entries,
      judgedAt,
      error,
    };
  }
}

describe('an event', () => {
  test('ends with one verdict per task, all in the journal before the event counts as completed', async () => {
    const { verdicts, entries } = await playRound({
      good: { script: plays() },
      late: { script: plays({ workMs: 1001 }) },
      silent: { script: async (session) => void (await session.receive()) },
    });
    expect(verdicts).toEqual(['good: accepted', 'late: rejected:window', 'silent: rejected:window']);
    expect(entries.map(({ type }) => type)).toEqual([
      'event-started',
      'outcome',
      'outcome',
      'outcome',
      'event-completed',
    ]);
    expect(entries.at(-1)).toMatchObject({ epoch: 5, block: 120, beacon: bytes32('beacon') });
  });

  test('whose block was missed counts for nobody: no outcome, and it is not completed', async () => {
    const { verdicts, entries, error } = await playRound({ good: { script: plays() } }, { missed: true });
    expect(error).toMatchObject({ code: 'timeout' });
    expect(verdicts).toEqual([]);
    expect(entries.map(({ type }) => type)).toEqual(['event-started']);
  });

  test('is not delayed by a miner that hangs while it describes itself', async () => {
    const hanging: Player = {
      script: plays(),
      describe: async (clock) => {
        await clock.sleep(9000);
        return TOY_DESCRIPTION;
      },
    };
    const { verdicts, judgedAt } = await playRound({ good: { script: plays() }, hanging });
    expect(verdicts).toEqual(['good: accepted']);
    expect(judgedAt).toBe(GO_AT + 500);
  });

  test('goes on without a miner that must not be called', async () => {
    const players = { good: { script: plays() }, elsewhere: { script: plays() } };
    expect((await playRound(players, { uncallable: ['elsewhere'] })).verdicts).toEqual(['good: accepted']);
  });

  test('that cannot be recorded lets every miner go at once, without a receipt', async () => {
    let ended: unknown;
    const script: Script = async (session, clock) => {
      await plays({ open: async (open) => void (await open.receive()) })(session, clock).catch((error) => {
        ended = [(error as AssayError).code, clock.monotonic()];
      });
    };
    const { error, entries } = await playRound({ miner: { script } }, { diskFull: true });
    expect(error).toEqual(new Error('disk full'));
    expect(entries.map(({ type }) => type)).toEqual(['event-started']);
    expect(ended).toEqual(['unreachable', GO_AT + 500 + 600]);
  });

  test('challenges every slot of a miner in a session of its own', async () => {
    const [slot] = TOY_DESCRIPTION.slots;
    const slots = [0, 1, 2].map((index) => ({ ...slot!, index }));
    const { verdicts } = await playRound({
      large: { script: plays(), describe: async () => ({ ...TOY_DESCRIPTION, slots }) },
    });
    expect(verdicts).toEqual(Array(3).fill('large: accepted'));
  });
});

describe('receipts', () => {
  /** Plays `script`, then keeps what comes; `said` are verdict and reason of the receipt. */
  const receiving = (script: Script, said: string[]): Script => {
    return async (session, clock) => {
      await script(session, clock);
      for (;;) {
        const received = await session.receive();
        if (!received) return;
        if (received.frame.body.case !== 'receipt') continue;
        const { verdict, reason, slot, eventBlock } = received.frame.body.value;
        said.push(`${VerdictKind[verdict]} ${reason} ${slot} ${eventBlock}`);
        verifyChain({
          certificate: session.peerCertificate()!,
          frames: [received.signed],
          expect: {
            signer: session.peer,
            peer: toHotkey(devKeypair('miner').address),
            netuid: NETUID,
          },
        });
        return;
      }
    };
  };
  const working: Script = async (session, clock) => {
    await take(session, 'arm');
    await session.send(READY);
    const { nonce } = await take(session, 'go');
    await clock.sleep(1050);
    await session.send(commitOf([nonce]));
  };
  const silent: Script = async (session, clock) => {
    await take(session, 'arm');
    await clock.sleep(1500); // and reads what came only then
  };
  const leftOut: Script = async (session, clock) => {
    await take(session, 'arm');
    await session.send(READY);
    await take(session, 'go');
    await clock.sleep(10);
    await session.send(commitOf([]));
  };

  test.each([
    ['late', working, 'REJECTED window 0 120'],
    ['silent', silent, 'REJECTED window 0 120'],
    ['without our nonce', leftOut, 'REJECTED left-out 0 120'],
  ])('reach a miner that was %s too, signed by the validator', async (_what, script, expected) => {
    const said: string[] = [];
    await playRound({ miner: { script: receiving(script, said) } });
    expect(said).toEqual([expected]);
  });

  test('that a miner never reads hold nobody up', async () => {
    const deaf: Script = async (session, clock) => {
      await take(session, 'arm');
      await session.send(READY);
      await clock.sleep(20_000);
    };
    const { verdicts, judgedAt } = await playRound({ deaf: { script: deaf } });
    expect(verdicts).toEqual(['deaf: rejected:window']);
    expect(judgedAt).toBe(GO_AT + 1110);
  });
});
