// Owns: ChainWriter: each call, and the proof from the state of its block that it took effect.
// Does not own: getting a call into a block (submit.ts), deciding what to write.
import type { DispatchError } from '@polkadot/types/interfaces';
import type { Codec } from '@polkadot/types/types';
import { fromAddress } from '../../keys/ss58.js';
import { toHex } from '../../model/bytes.js';
import { toNetuid, toUid } from '../../model/ids.js';
import { maxUpscale } from '../../model/max-upscale.js';
import { assertPort, toChainIp } from '../address.js';
import type { ChainWriter, Landed } from '../chain.js';
import { assertRow } from '../weights.js';
import { retryRead } from '../with-retry.js';
import { dispatchErrorName, rejected } from './errors.js';
import { alphaOf, axonOf, weightsOf } from './reader.js';
import {
  accountOf,
  asBigint,
  asList,
  asNumber,
  optionOf,
  type Read,
  readAll,
  requiredOf,
} from './storage.js';
import {
  type Call,
  type ChainEvent,
  createExtrinsic,
  type Included,
  nameOf,
  notLanded,
  type SubmitParts,
  submit,
} from './submit.js';
import { SUDO_EFFECTS } from './sudo-effects.js';

const MODULE = 'SubtensorModule';

/** Assay 0.1.0 as the Python SDK counts versions: major * 1e6 + minor * 1e3 + patch. */
const AXON_VERSION = 1_000;
/** The SDK's constant for every axon; no rule of the chain looks at it. */
const AXON_PROTOCOL = 4;

export function createWriter(parts: SubmitParts): ChainWriter {
  const send = (...args: [Parameters<typeof submit>[1], Call]) => submit(parts, ...args);
  /** from the state of the block that carried it; a read, so an outage does not decide */
  const stateOf = <const R extends readonly Read<unknown>[]>(
    included: Included,
    reads: R,
    at = included.at.hash,
  ) => retryRead(parts.parts, 'read back', () => readAll(parts.connection, reads, at));

  return {
    async transfer(from, to, amountRao) {
      const call: Call = { pallet: 'Balances', name: 'transfer_keep_alive', args: [to, amountRao] };
      fromAddress(to); // the codec would take a hex account too
      const included = await send(from, call);
      // Balances of a block say what all its extrinsics did together; the event, stored in the same state, is ours.
      const done = included.events.some(
        (event) =>
          is(event, 'balances', 'Transfer') &&
          isAccount(event.data[0], from.address) &&
          isAccount(event.data[1], to) &&
          isInteger(event.data[2], amountRao),
      );
      if (!done) throw notLanded(call, `Transfer of ${amountRao} rao`, namesOf(included));
      return toLanded(included);
    },

    async registerNetwork(coldkey, hotkey) {
      const call: Call = { pallet: MODULE, name: 'register_network', args: [hotkey] };
      const included = await send(coldkey, call);
      const added = included.events.find((event) => is(event, 'subtensorModule', 'NetworkAdded'));
      if (!added) throw notLanded(call, 'NetworkAdded', namesOf(included));
      const netuid = toNetuid(asNumber(added.data[0]?.toPrimitive()));
      const [owner, first] = await stateOf(included, [
        accountOf(included.runtime, MODULE, 'SubnetOwner', [netuid]),
        accountOf(included.runtime, MODULE, 'Keys', [netuid, 0]),
      ]);
      assertBack(call, 'owner', coldkey.address, owner);
      assertBack(call, 'hotkey of uid 0', hotkey, first);
      return { ...toLanded(included), netuid };
    },

    async startCall(coldkey, netuid) {
      const call: Call = { pallet: MODULE, name: 'start_call', args: [netuid] };
      const included = await send(coldkey, call);
      const [first] = await stateOf(included, [
        optionOf(included.runtime, MODULE, 'FirstEmissionBlockNumber', [netuid], asNumber),
      ]);
      if (first === undefined) throw notLanded(call, 'FirstEmissionBlockNumber', 'none');
      return toLanded(included);
    },

    async burnedRegister(coldkey, netuid, hotkey) {
      const call: Call = { pallet: MODULE, name: 'burned_register', args: [netuid, hotkey] };
      const included = await send(coldkey, call);
      const [uid, owner] = await stateOf(included, [
        optionOf(included.runtime, MODULE, 'Uids', [netuid, hotkey], asNumber),
        accountOf(included.runtime, MODULE, 'Owner', [hotkey]),
      ]);
      if (uid === undefined) throw notLanded(call, `a uid of ${hotkey}`, 'none');
      assertBack(call, 'owner', coldkey.address, owner);
      return { ...toLanded(included), uid: toUid(uid) };
    },

    async addStake(coldkey, netuid, hotkey, amountRao) {
      const call: Call = { pallet: MODULE, name: 'add_stake', args: [hotkey, netuid, amountRao] };
      const included = await send(coldkey, call);
      const read = [alphaOf(included.runtime, hotkey, netuid)] as const;
      const [[before], [after]] = await Promise.all([
        stateOf(included, read, included.at.parent),
        stateOf(included, read),
      ]);
      // also the epoch may raise it in this block, so the event must be there too
      if (!included.events.some((event) => is(event, 'subtensorModule', 'StakeAdded')))
        throw notLanded(call, 'StakeAdded', namesOf(included));
      if (after <= before) throw notLanded(call, `more than ${before} alpha`, String(after));
      return toLanded(included);
    },

    async serveAxon(hotkey, netuid, axon) {
      const { value, type } = toChainIp(axon.ip);
      assertPort(axon);
      const call: Call = {
        pallet: MODULE,
        name: 'serve_axon',
        args: [netuid, AXON_VERSION, value, axon.port, type, AXON_PROTOCOL, 0, 0],
      };
      const included = await send(hotkey, call);
      const [stored] = await stateOf(included, [axonOf(included.runtime, netuid, hotkey.address)]);
      const show = (a: typeof stored) => a && `${a.ip}/${a.ipType}:${a.port} at block ${a.block}`;
      assertBack(
        call,
        'axon',
        show({ ip: value, ipType: type, port: axon.port, block: included.block }),
        show(stored),
      );
      return toLanded(included);
    },

    async setWeights(hotkey, netuid, weights, versionKey) {
      assertRow(weights);
      const call: Call = {
        pallet: MODULE,
        name: 'set_weights',
        args: [netuid, weights.map(([uid]) => uid), weights.map(([, value]) => value), versionKey],
      };
      const included = await send(hotkey, call);
      const { runtime } = included;
      const [uid, lastUpdates] = await stateOf(included, [
        optionOf(runtime, MODULE, 'Uids', [netuid, hotkey.address], asNumber),
        requiredOf(runtime, MODULE, 'LastUpdate', [netuid], asList(asNumber)),
      ]);
      if (uid === undefined) throw notLanded(call, `a uid of ${hotkey.address}`, 'none');
      const [row] = await stateOf(included, [weightsOf(runtime, netuid, toUid(uid))]);
      const scaled = maxUpscale(weights.map(([, value]) => value));
      const expected = weights.map(([to], i) => [to, scaled[i]]);
      assertBack(call, 'row', JSON.stringify(expected), JSON.stringify(row));
      assertBack(call, 'LastUpdate', included.block, lastUpdates[uid]);
      return toLanded(included);
    },

    async sudo(root, { call: name, args }) {
      const call: Call = { pallet: 'AdminUtils', name: toSnakeCase(name), args };
      const inner = createExtrinsic(parts.connection, call).method;
      const included = await submit(parts, root, { pallet: 'Sudo', name: 'sudo', args: [inner] });
      const sudid = included.events.find((event) => is(event, 'sudo', 'Sudid'));
      if (!sudid) throw notLanded(call, 'Sudid', namesOf(included));
      const result = sudid.data[0] as unknown as SudoResult; // Sudid's first field is the inner call's result
      if (result.isErr)
        throw rejected(nameOf(call), dispatchErrorName(included.runtime.registry, result.asErr));
      await assertSudoEffect(call, included);
      return toLanded(included);
    },
  };

  async function assertSudoEffect(call: Call, included: Included): Promise<void> {
    const item = SUDO_EFFECTS[call.name];
    if (item === undefined) return;
    const keys = call.args.slice(0, -1) as readonly (string | number | bigint)[]; // netuid, where there is one
    const [found] = await stateOf(included, [requiredOf(included.runtime, MODULE, item, keys, String)]);
    assertBack(call, item, String(call.args.at(-1)), found);
  }
}

interface SudoResult {
  readonly isErr: boolean;
  readonly asErr: DispatchError;
}

const toLanded = ({ block, blockHash, extrinsicHash }: Included): Landed => ({
  block,
  blockHash,
  extrinsicHash,
});

/** `sudo_set_tempo`, also from `sudoSetTempo`. */
const toSnakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function assertBack(call: Call, what: string, expected: unknown, got: unknown): void {
  if (expected !== got) throw notLanded(call, `${what} ${expected}`, String(got));
}

const is = (event: ChainEvent, pallet: string, name: string): boolean =>
  event.pallet === pallet && event.name === name;

const namesOf = ({ events }: Included): string =>
  events.map(({ pallet, name }) => `${pallet}.${name}`).join(', ') || 'no event';

const isAccount = (codec: Codec | undefined, address: string): boolean =>
  codec !== undefined && toHex(codec.toU8a()) === toHex(fromAddress(address));

const isInteger = (codec: Codec | undefined, value: bigint): boolean =>
  codec !== undefined && asBigint(codec.toPrimitive()) === value;
