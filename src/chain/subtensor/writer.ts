// Owns: ChainWriter: which operation each of its calls is, and what it gives back. Does not own: what an operation sends and
// proves (operations/, operate.ts), getting a call into a block (submit.ts), deciding what to write.
import type { Keypair } from '../../keys/keypair.js';
import { toNetuid, toUid } from '../../model/ids.js';
import type { ChainWriter, Landed, SendOptions } from '../chain.js';
import { type Call, createExtrinsic, nameOf } from './calls.js';
import { explainDispatch, rejected } from './errors.js';
import { operate } from './operate.js';
import { transfer } from './operations/balances.js';
import { type Operation, show, stored } from './operations/operation.js';
import { burnedRegister } from './operations/registration.js';
import { serveAxon } from './operations/serving.js';
import { addStake } from './operations/staking.js';
import { registerNetwork, startCall } from './operations/subnets.js';
import { commitTimelockedWeights, commitWeights, revealWeights, setWeights } from './operations/weights.js';
import { resend } from './resend.js';
import { createState } from './state.js';
import { type Included, notLanded, type SubmitParts, submit } from './submit.js';
import { SUDO_EFFECTS } from './sudo-effects.js';

// Async throughout: what a builder finds wrong with its arguments is a rejection, never a throw.
export function createWriter(parts: SubmitParts): ChainWriter {
  // without the checks: who calls these has decided from the state, and the chain's own word is heard at once
  const run = (signer: Keypair, operation: Operation, options?: SendOptions) =>
    operate(parts, signer, operation, { ...options, check: false });
  const landed = async (...args: Parameters<typeof run>): Promise<Landed> => toLanded(await run(...args));

  return {
    transfer: async (from, to, amountRao) => landed(from, transfer(to, amountRao)),

    async registerNetwork(coldkey, hotkey) {
      const operation = registerNetwork(hotkey);
      const { events, after, ...rest } = await run(coldkey, operation);
      const added = events.find(({ name }) => name === 'NetworkAdded');
      const netuid = toNetuid(Number(added?.data[0]));
      const [owner, first] = await Promise.all([
        after.account('SubnetOwner', netuid),
        after.account('Keys', netuid, 0),
      ]);
      assertBack(operation, 'owner', coldkey.address, owner);
      assertBack(operation, 'hotkey of uid 0', hotkey, first);
      return { ...toLanded(rest), netuid };
    },

    startCall: (coldkey, netuid) => landed(coldkey, startCall(netuid)),

    async burnedRegister(coldkey, netuid, hotkey) {
      const { after, ...rest } = await run(coldkey, burnedRegister(netuid, hotkey));
      return { ...toLanded(rest), uid: toUid(Number(await after.get('Uids', netuid, hotkey))) };
    },

    addStake: (coldkey, netuid, hotkey, amountRao) => landed(coldkey, addStake(netuid, hotkey, amountRao)),
    serveAxon: async (hotkey, netuid, axon) => landed(hotkey, serveAxon(netuid, axon)),

    setWeights: async (hotkey, netuid, weights, versionKey, mechanism = 0, options = {}) =>
      landed(hotkey, setWeights({ netuid, mechanism, weights, versionKey }), options),
    commitWeights: async (hotkey, netuid, hash, mechanism = 0, options = {}) =>
      landed(hotkey, commitWeights({ netuid, mechanism }, hash), options),
    revealWeights: async (hotkey, netuid, reveal, mechanism = 0, options = {}) =>
      landed(hotkey, revealWeights({ netuid, mechanism, ...reveal }), options),
    commitTimelockedWeights: async (hotkey, netuid, commit, mechanism = 0, options = {}) =>
      landed(hotkey, commitTimelockedWeights({ netuid, mechanism, ...commit }), options),

    resend: (signed) => resend(parts, signed),

    // by position, as callers of all runtimes give them; by name: asSudo(setHyperparameter(...))
    async sudo(root, { call: name, args }) {
      const call: Call = { pallet: 'AdminUtils', name: toSnakeCase(name), args };
      const inner = createExtrinsic(parts.connection, call).method;
      const included = await submit(parts, root, { pallet: 'Sudo', name: 'sudo', args: [inner] });
      const sudid = included.events.find((event) => event.pallet === 'sudo' && event.name === 'Sudid');
      if (!sudid) throw notLanded(call, 'Sudid', included.events.map((event) => event.name).join(', '));
      const result = sudid.data[0] as unknown as SudoResult; // Sudid's first field is the inner call's result
      if (result.isErr)
        throw rejected(nameOf(call), explainDispatch(included.runtime.registry, result.asErr));
      await assertSudoEffect(parts, root, call, included);
      return toLanded(included);
    },
  };
}

interface SudoResult {
  readonly isErr: boolean;
  readonly asErr: Parameters<typeof explainDispatch>[1];
}

async function assertSudoEffect(
  { connection, parts }: SubmitParts,
  root: Keypair,
  call: Call,
  { at, block, runtime }: Included,
): Promise<void> {
  const item = SUDO_EFFECTS[call.name];
  if (item === undefined) return;
  const after = createState(connection, parts, { signer: root.address, block, at: at.hash, runtime });
  const keys = call.args.slice(0, -1) as readonly number[]; // the netuid, where there is one
  const miss = await stored(item, keys, call.args.at(-1))({ after, events: [] });
  if (miss) throw notLanded(call, miss.expected, miss.got);
}

const toLanded = ({ block, blockHash, extrinsicHash }: Landed): Landed => ({
  block,
  blockHash,
  extrinsicHash,
});

/** `sudo_set_tempo`, also from `sudoSetTempo`. */
const toSnakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function assertBack(
  call: Pick<Call, 'pallet' | 'name'>,
  what: string,
  expected: unknown,
  got: unknown,
): void {
  if (expected !== got) throw notLanded(call, `${what} ${show(expected)}`, show(got));
}
