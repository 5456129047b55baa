// What neurons announce and what is said of keys and subnets (subtensor subnets/serving.rs, utils/identity.rs).
import { describe, expect, it } from 'vitest';
import { type RuntimeCall, runtime } from '../../../src/chain/codec/runtime.js';
import { customCode, guardCall } from '../../../src/localnet/pallets/subtensor/guards.js';
import { utf8 } from '../../../src/model/bytes.js';
import { admin, type BlockWorld, createSubnetWorld, subtensor } from '../../support/block-world.js';

const S = runtime.SubtensorModule.storage;
const AXON = {
  netuid: 1,
  version: 7,
  ip: 0x0a00_0001n,
  port: 8091,
  ip_type: 4,
  protocol: 4,
  placeholder1: 0,
  placeholder2: 0,
};
const tls = (certificate: Uint8Array, axon: Partial<typeof AXON> = {}): RuntimeCall =>
  subtensor('serve_axon_tls', { ...AXON, ...axon, certificate });
const prometheus = (args: object = {}): RuntimeCall => {
  const { netuid, version, ip, port, ip_type } = AXON;
  return subtensor('serve_prometheus', { netuid, version, ip, port, ip_type, ...args });
};
const certificateOf = (world: BlockWorld) =>
  world.state.get(S.NeuronCertificates, 1, world.address('owner-hotkey'));

async function servingWorld(): Promise<BlockWorld> {
  const world = await createSubnetWorld();
  world.asRoot(admin('sudo_set_serving_rate_limit', { netuid: 1, serving_rate_limit: 0n }));
  return world;
}

describe('an axon with a certificate', () => {
  it('is stored with its key: the first byte names the algorithm', async () => {
    const world = await servingWorld();
    const { error, events } = world.land('owner-hotkey', tls(Uint8Array.of(2, 10, 11, 12)));
    expect(error).toBeUndefined();
    expect(events).toEqual([
      { pallet: 'SubtensorModule', name: 'AxonServed', data: [1, world.address('owner-hotkey')] },
    ]);
    expect(certificateOf(world)).toEqual({ public_key: Uint8Array.of(10, 11, 12), algorithm: 2 });
    const axon = world.state.get(S.Axons, 1, world.address('owner-hotkey'));
    const { netuid, ...announced } = AXON;
    expect(axon).toEqual({ ...announced, block: BigInt(world.block()) });
    expect(netuid).toBe(1);
  });

  it('of the algorithm alone, or of a key of 64 bytes, is one', async () => {
    const world = await servingWorld();
    world.land('owner-hotkey', tls(Uint8Array.of(9)));
    expect(certificateOf(world)).toEqual({ public_key: new Uint8Array(), algorithm: 9 });
    world.land('owner-hotkey', tls(new Uint8Array(65).fill(3)));
    expect(certificateOf(world)).toEqual({ public_key: new Uint8Array(64).fill(3), algorithm: 3 });
  });

  it.each([0, 66])(
    'that has %i bytes is served all the same, and the certificate before it stays',
    async (length) => {
      const world = await servingWorld();
      world.land('owner-hotkey', tls(Uint8Array.of(1, 5)));
      const { error, events } = world.land('owner-hotkey', tls(new Uint8Array(length), { port: 9000 }));
      expect([error, events.map(({ name }) => name)]).toEqual([undefined, ['AxonServed']]);
      expect(world.state.get(S.Axons, 1, world.address('owner-hotkey'))?.port).toBe(9000);
      expect(certificateOf(world)).toEqual({ public_key: Uint8Array.of(5), algorithm: 1 });
    },
  );

  it('goes with the neuron that is replaced', async () => {
    const world = await servingWorld();
    const { state } = world;
    world.land('owner-hotkey', tls(Uint8Array.of(1, 5)));
    world.land('owner-hotkey', prometheus());
    // the seat is taken by another: not the owner's hotkey any more, and no longer immune
    state.put(S.SubnetOwnerHotkey, [1], world.address('somebody'));
    state.put(S.OwnedHotkeys, [world.address('owner')], []);
    state.put(S.MaxAllowedUids, [1], 1);
    state.put(S.ImmunityPeriod, [1], 0);
    state.put(S.MinNonImmuneUids, [1], 0);
    const registered = world.land(
      'owner',
      subtensor('burned_register', { netuid: 1, hotkey: world.address('new') }),
    );
    expect(registered.error).toBeUndefined();
    expect(state.get(S.Keys, 1, 0)).toBe(world.address('new'));
    expect(certificateOf(world)).toBeUndefined();
    expect(state.get(S.Prometheus, 1, world.address('owner-hotkey'))).toBeUndefined();
  });
});

describe('prometheus', () => {
  it('is announced with its block', async () => {
    const world = await servingWorld();
    const hotkey = world.address('owner-hotkey');
    expect(world.land('owner-hotkey', prometheus()).events).toEqual([
      { pallet: 'SubtensorModule', name: 'PrometheusServed', data: [1, hotkey] },
    ]);
    const { version, ip, port, ip_type } = AXON;
    const block = BigInt(world.block());
    expect(world.state.get(S.Prometheus, 1, hotkey)).toEqual({ block, version, ip, port, ip_type });
  });

  it.each([
    [{ ip_type: 5, netuid: 9 }, 'InvalidIpType'],
    [{ ip: 0n, netuid: 9 }, 'InvalidIpAddress'],
    [{ ip: 0x7f00_0001n }, 'InvalidIpAddress'],
    [{ netuid: 9 }, 'HotKeyNotRegisteredInNetwork'],
    [{ port: 0 }, 'InvalidPort'],
  ])('as %o is refused: %s', async (args, error) => {
    const world = await servingWorld();
    expect(world.land('owner-hotkey', prometheus(args)).error).toBe(`SubtensorModule.${error}`);
  });

  it('is announced no oftener than the serving rate limit, apart from the axon', async () => {
    const world = await createSubnetWorld();
    expect(world.land('owner-hotkey', prometheus()).error).toBeUndefined();
    expect(world.land('owner-hotkey', tls(Uint8Array.of(1))).error).toBeUndefined();
    world.skip(47);
    expect(world.land('owner-hotkey', prometheus()).error).toBe('SubtensorModule.ServingRateLimitExceeded');
    expect(world.land('owner-hotkey', prometheus()).error).toBeUndefined();
  });
});

describe('the pool', () => {
  it.each([
    [{ ip: 0n }, 11],
    [{ netuid: 9 }, 10],
    [{ port: 0 }, 13],
    [{ ip_type: 5 }, 255],
  ])('refuses prometheus as %o with Custom(%i)', async (args, code) => {
    const world = await servingWorld();
    const context = { state: world.state, block: world.block() + 1, emit: () => {} };
    const refusal = guardCall(world.address('owner-hotkey'), prometheus(args), context);
    expect(refusal && customCode(refusal)).toBe(code);
  });

  it('refuses an axon with a certificate as one without', async () => {
    const world = await createSubnetWorld();
    world.land('owner-hotkey', tls(Uint8Array.of(1)));
    const context = { state: world.state, block: world.block() + 1, emit: () => {} };
    const refusal = guardCall(world.address('owner-hotkey'), tls(Uint8Array.of(1)), context);
    expect(refusal?.message).toBe('SubtensorModule.ServingRateLimitExceeded');
    expect(refusal && customCode(refusal)).toBe(12);
  });
});

describe('an identity', () => {
  const EMPTY = {
    name: utf8('Alpha'),
    url: utf8(''),
    github_repo: utf8(''),
    image: utf8(''),
    discord: utf8(''),
    description: utf8(''),
    additional: utf8(''),
  };
  const SUBNET = {
    subnet_name: utf8('Proofs'),
    github_repo: utf8(''),
    subnet_contact: utf8(''),
    subnet_url: utf8('https://example.org'),
    discord: utf8(''),
    description: utf8(''),
    logo_url: utf8(''),
    additional: utf8(''),
  };

  it('is a coldkey’s that has a registered hotkey', async () => {
    const world = await createSubnetWorld(['stranger']);
    const call = subtensor('set_identity', EMPTY);
    expect(world.land('stranger', call).error).toBe('SubtensorModule.HotKeyNotRegisteredInNetwork');
    expect(world.land('owner', call).events).toEqual([
      { pallet: 'SubtensorModule', name: 'ChainIdentitySet', data: [world.address('owner')] },
    ]);
    expect(world.state.get(S.IdentitiesV2, world.address('owner'))).toEqual(EMPTY);
  });

  it.each([
    ['name', 256],
    ['github_repo', 256],
    ['image', 1024],
    ['additional', 1024],
  ])('may have a %s of %i bytes and no more', async (field, limit) => {
    const world = await createSubnetWorld();
    const sized = (length: number) =>
      world.land('owner', subtensor('set_identity', { ...EMPTY, [field]: new Uint8Array(length) })).error;
    expect([sized(limit), sized(limit + 1)]).toEqual([undefined, 'SubtensorModule.InvalidIdentity']);
  });

  it('of a subnet is its owner’s to set', async () => {
    const world = await createSubnetWorld(['stranger']);
    const call = subtensor('set_subnet_identity', { netuid: 1, ...SUBNET });
    expect(world.land('stranger', call).error).toBe('SubtensorModule.NotSubnetOwner');
    expect(world.land('owner', call).events).toEqual([
      { pallet: 'SubtensorModule', name: 'SubnetIdentitySet', data: [1] },
    ]);
    expect(world.state.get(S.SubnetIdentitiesV3, 1)).toEqual(SUBNET);
    const long = subtensor('set_subnet_identity', { netuid: 1, ...SUBNET, subnet_name: new Uint8Array(257) });
    expect(world.land('owner', long).error).toBe('SubtensorModule.InvalidIdentity');
  });

  it('can come with the registration, which fails with it', async () => {
    const world = await createSubnetWorld();
    const register = (identity: object | undefined) =>
      world.land(
        'owner',
        subtensor('register_network_with_identity', { hotkey: world.address('second'), identity }),
      );
    const before = world.state.get(runtime.System.storage.Account, world.address('owner')).data.free;
    const refused = register({ ...SUBNET, logo_url: new Uint8Array(1025) });
    expect(refused.error).toBe('SubtensorModule.InvalidIdentity');
    expect(world.state.get(runtime.System.storage.Account, world.address('owner')).data.free).toBe(before);
    const { error, events } = register(SUBNET);
    expect(error).toBeUndefined();
    expect(world.state.get(S.SubnetIdentitiesV3, 2)).toEqual(SUBNET);
    const told = events.filter(({ pallet }) => pallet === 'SubtensorModule').map(({ name }) => name);
    expect(told).toEqual([
      'RegistrationAllowed',
      'MaxAllowedUidsSet',
      'MaxAllowedValidatorsSet',
      'MinAllowedWeightSet',
      'ImmunityPeriodSet',
      'SubnetOwnerHotkeySet',
      'SubnetIdentitySet',
      'NetworkAdded',
    ]);
  });
});
