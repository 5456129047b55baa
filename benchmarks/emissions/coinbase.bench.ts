// What one block of one subnet costs besides the epoch: alpha emission, both root proportions, the shares of two subnets,
// terms, injection, accrual, moving price; a chain buy or none. The baseline is the same block written plainly, without
// the short way to a power. State is carried from block to block, as in a simulated year of 2.6 million.
import { DEFAULT_OWNER_CUT } from '../../src/emissions/coinbase.js';
import { DEFAULT_HALVING_BLOCKS, DEFAULT_MOVING_ALPHA } from '../../src/emissions/moving-price.js';
import {
  newSubnet,
  plainBlock,
  quickBlock,
  type SubnetState,
  type World,
} from '../../tests/support/coinbase-block.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const TAO = 1_000_000_000n;
const WORLD: World = {
  blockEmissionRao: TAO / 2n,
  rootTaoRao: 6_000_000n * TAO,
  taoWeight: 3_320_413_933_267_719_290n,
  ownerCut: DEFAULT_OWNER_CUT,
  minerBurned: 1n << 30n,
  movingAlpha: DEFAULT_MOVING_ALPHA,
  halvingBlocks: DEFAULT_HALVING_BLOCKS,
  other: { movingPrice: 4_187_654_321n, minerBurned: 0n, emissionEnabled: true },
};
const SUBNET = newSubnet(
  { taoRao: 20_000n * TAO, alphaRao: 1_500_000n * TAO, taoWeight: 490_123_456_789_012_345n },
  { alphaOutRao: 1_500_000n * TAO, movingPrice: 60_000_000n, blocksSinceStart: 1_000_000 },
);

export default async function bench(emit: Emit): Promise<void> {
  const kinds: readonly (readonly [name: string, world: World])[] = [
    // of its 14 million rao a block little is injected once root holds little
    ['block with chain buy', { ...WORLD, rootTaoRao: 1_000n * TAO }],
    ['block without chain buy', { ...WORLD, rootTaoRao: 6_000_000_000n * TAO }],
  ];
  for (const [name, world] of kinds) {
    const plain = microseconds(20_000, (subnet) => plainBlock(subnet, world));
    const quick = microseconds(400_000, (subnet) => quickBlock(subnet, world));
    emit({ bench: `coinbase ${name}`, metric: 'quick', value: quick, unit: 'us', baseline: plain });
    emit({ bench: `coinbase ${name}`, metric: 'plain', value: plain, unit: 'us' });
  }
}

/** Of a block, the middle one of nine runs over `blocks` blocks, after one to warm up. */
function microseconds(blocks: number, step: (subnet: SubnetState) => SubnetState): number {
  const times: number[] = [];
  for (let run = -1; run < 9; run++) {
    let subnet = SUBNET;
    const start = performance.now();
    for (let i = 0; i < blocks / 9; i++) subnet = step(subnet);
    if (run >= 0) times.push(((performance.now() - start) * 1000) / (blocks / 9));
  }
  return times.sort((a, b) => a - b)[4]!;
}
