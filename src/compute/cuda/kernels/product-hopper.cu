// Owns: the exact product by what only Hopper has: products of whole warpgroups from shared memory, tiles copied by the card itself,
// blocks in pairs. Does not own: such tiles' descriptions (../driver.ts), the lines that make it Hopper's (scripts/cuda.mjs).
#include "device.h"

/** Two warpgroups multiply, one warp more asks for copies. */
#define GROUPS 2
#define WARPS (4 * GROUPS)
#define THREADS (32 * WARPS + 32)
/** Of a block's tile. The two blocks of a pair lie below each other and share the columns' bytes. */
#define ROWS (64 * GROUPS)
#define COLUMNS 256
#define PAIR_ROWS (2 * ROWS)
/** Bytes of the summed side that a stage holds: a row of 128 bytes, eight of which are one swizzled square. */
#define DEPTH 128
#define SQUARE (8 * DEPTH)
#define STAGES 4
/** What one copy brings: 128 rows. A stage is the block's rows and, in two halves, the pair's columns. */
#define BOX (ROWS * DEPTH)
#define STAGE (3 * BOX)
/** Pairs below each other that are done before the next columns. */
#define BAND 8
/** A stage is there in microseconds. What takes this long never comes: better an error than a card that hangs. */
#define LONGEST_NS 4000000000u

extern SHARED __attribute__((aligned(1024))) u8 stages[];

/** Of the driver's making, opaque. */
struct alignas(64) TensorMap {
  u64 words[16];
};

DEVICE u32 gridX() { return __nvvm_read_ptx_sreg_nctaid_x(); }
DEVICE u32 rankInPair() {
  u32 rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

DEVICE void syncPair() {
  asm volatile("barrier.cluster.arrive.release;" : : : "memory");
  asm volatile("barrier.cluster.wait.acquire;" : : : "memory");
}

DEVICE void beginBarrier(u32 barrier, u32 arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" : : "r"(barrier), "r"(arrivals) : "memory");
}

DEVICE void arriveExpecting(u32 barrier, u32 bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" : : "r"(barrier), "r"(bytes) : "memory");
}

/** At the same barrier of both blocks of the pair: lanes 0 and 1, and no branch, so that the warp stays together. */
DEVICE void arriveAtBoth(u32 barrier, u32 lane) {
  asm volatile("{\n\t.reg .pred mine;\n\t.reg .b32 there;\n\t"
               "setp.lt.u32 mine, %1, 2;\n\t"
               "@mine mapa.shared::cluster.u32 there, %0, %1;\n\t"
               "@mine mbarrier.arrive.release.cluster.shared::cluster.b64 _, [there];\n\t}"
               :
               : "r"(barrier), "r"(lane)
               : "memory");
}

DEVICE bool isPast(u32 barrier, u32 parity) {
  u32 past;
  asm volatile("{\n\t.reg .pred past;\n\t"
               "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 past, [%1], %2;\n\t"
               "selp.b32 %0, 1, 0, past;\n\t}"
               : "=r"(past)
               : "r"(barrier), "r"(parity)
               : "memory");
  return past;
}

DEVICE u32 nanoseconds() {
  u32 now;
  asm volatile("mov.u32 %0, %%globaltimer_lo;" : "=r"(now));
  return now;
}

/** Until the phase of this parity is past. */
DEVICE void waitFor(u32 barrier, u32 parity) {
  if (isPast(barrier, parity)) return;
  u32 from = nanoseconds();
  while (!isPast(barrier, parity))
    if (nanoseconds() - from > LONGEST_NS) asm volatile("trap;");
}

/** 128 bytes of 128 rows from (`at`, `row`); rows beyond the last are zeros. Swizzled as the map says. */
DEVICE void copyBox(u32 to, u64 map, u32 barrier, u32 at, u32 row) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];"
               :
               : "r"(to), "l"(map), "r"(barrier), "r"(at), "r"(row)
               : "memory");
}

/** To the same place of both blocks, each of whose barriers hears of it. */
DEVICE void copyBoxToBoth(u32 to, u64 map, u32 barrier, u32 at, u32 row) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%3, %4}], [%2], %5;"
               :
               : "r"(to), "l"(map), "r"(barrier), "r"(at), "r"(row), "h"((u16)3)
               : "memory");
}

DEVICE void beginProducts() { asm volatile("wgmma.fence.sync.aligned;" : : : "memory"); }
DEVICE void endProducts() { asm volatile("wgmma.commit_group.sync.aligned;" : : : "memory"); }
template <int pending> DEVICE void waitForProducts() { asm volatile("wgmma.wait_group.sync.aligned %0;" : : "n"(pending) : "memory"); }

/** Lower words of descriptors: where the operand begins, in sixteens; the other field has no meaning for swizzled rows of 128 bytes. */
DEVICE u32 operandAt(u32 address) { return (address & 0x3ffff) >> 4 | 1 << 16; }
/** Upper words: eight rows lie behind each other, squares of them as well; swizzled by 128 bytes. */
#define OPERAND_HIGH (SQUARE >> 4 | 1 << 30)

#define SUMS4(i) "+r"(c[i]), "+r"(c[i + 1]), "+r"(c[i + 2]), "+r"(c[i + 3])
#define SUMS16(i) SUMS4(i), SUMS4(i + 4), SUMS4(i + 8), SUMS4(i + 12)
#define SUMS64(i) SUMS16(i), SUMS16(i + 16), SUMS16(i + 32), SUMS16(i + 48)

/** `c += a b` of 64 rows, 256 columns and 32 bytes of the summed side. */
DEVICE void multiply(int (&c)[COLUMNS / 2], u32 a, u32 b) {
  asm volatile("{\n\t.reg .b64 left;\n\t.reg .b64 right;\n\t"
               "mov.b64 left, {%128, %130};\n\t"
               "mov.b64 right, {%129, %130};\n\t"
               "wgmma.mma_async.sync.aligned.m64n256k32.s32.s8.s8 {"
               "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
               "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
               "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
               "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, "
               "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "
               "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "
               "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, "
               "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
               "}, left, right, 1;\n\t}"
               : SUMS64(0), SUMS64(64)
               : "r"(operandAt(a)), "r"(operandAt(b)), "r"(OPERAND_HIGH)
               : "memory");
}

struct Place {
  u32 row, column;
};

/** Of this block in a pair of tiles. */
DEVICE Place tileOf(u32 pair, u32 down, u32 across, u32 rank) {
  u32 first = pair / (across * BAND) * BAND;
  u32 height = down - first < BAND ? down - first : BAND;
  u32 within = pair - first * across;
  return {(first + within % height) * PAIR_ROWS + rank * ROWS, within / height * COLUMNS};
}

/**
 * All tiles of this block, the next one's copies under way while one is stored.
 * @param store called by the threads that multiply, with their sums: four for each eight columns, of which a thread has two
 * neighbours, and the same of the row eight below
 */
template <class Store> DEVICE void multiplyTiles(u64 a, u64 b, u32 rows, u32 n, Store store) {
  u32 thread = threadX(), lane = thread & 31, warp = thread >> 5, rank = rankInPair();
  u32 shared = (sharedAddress(stages) + SQUARE - 1) & ~(SQUARE - 1u);
  u32 filled = shared + STAGES * STAGE, emptied = filled + 8 * STAGES;
  if (thread == 0) {
    for (u32 s = 0; s < STAGES; s++) {
      beginBarrier(filled + 8 * s, 1);
      beginBarrier(emptied + 8 * s, 2 * WARPS); // the columns come to both blocks: both must have read what was there
    }
    asm volatile("fence.mbarrier_init.release.cluster;" : : : "memory");
  }
  syncPair();
  u32 down = (rows + PAIR_ROWS - 1) / PAIR_ROWS, across = n / COLUMNS, pairs = down * across;
  u32 steps = n / DEPTH;
  u32 stage = 0, parity = 0;
  if (warp == WARPS) {
    if (lane == 0)
      for (u32 pair = blockX() / 2; pair < pairs; pair += gridX() / 2) {
        Place tile = tileOf(pair, down, across, rank);
        for (u32 step = 0; step < steps; step++) {
          u32 to = shared + stage * STAGE, barrier = filled + 8 * stage;
          waitFor(emptied + 8 * stage, parity ^ 1); // of the first round: the phase before the first counts as past
          arriveExpecting(barrier, STAGE);
          copyBox(to, a, barrier, step * DEPTH, tile.row);
          copyBoxToBoth(to + (1 + rank) * BOX, b, barrier, step * DEPTH, tile.column + rank * (COLUMNS / 2));
          if (++stage == STAGES) stage = 0, parity ^= 1;
        }
      }
    syncWarp();
  } else {
    u32 mine = shared + (warp >> 2) * (64 * DEPTH);
    for (u32 pair = blockX() / 2; pair < pairs; pair += gridX() / 2) {
      int sums[COLUMNS / 2] = {};
      u32 before = 0;
#pragma unroll 1
      for (u32 step = 0; step < steps; step++) {
        waitFor(filled + 8 * stage, parity);
        syncWarp(); // what follows is for whole warps, and lanes were told one by one
        beginProducts();
#pragma unroll
        for (u32 k = 0; k < DEPTH; k += 32) multiply(sums, mine + stage * STAGE + k, shared + stage * STAGE + BOX + k);
        endProducts();
        waitForProducts<1>();
        if (step > 0) arriveAtBoth(before, lane);
        before = emptied + 8 * stage;
        if (++stage == STAGES) stage = 0, parity ^= 1;
      }
      waitForProducts<0>();
      arriveAtBoth(before, lane);
      Place tile = tileOf(pair, down, across, rank);
      store(sums, Place{tile.row + warp * 16 + (lane >> 2), tile.column});
    }
  }
  syncPair(); // a block that ended would take away what the other one still writes to
}

#define MAP(kernel, index) ({ \
    u64 map; \
    asm("mov.b64 %0, " #kernel "_param_" #index ";\n\tcvta.param.u64 %0, %0;" : "=l"(map)); \
    map; \
  })

KERNEL LAUNCH_BOUNDS(THREADS, 1) void product(TensorMap, TensorMap, int *to, u32 rows, u32 n) {
  multiplyTiles(MAP(product, 0), MAP(product, 1), rows, n, [&](int (&sums)[COLUMNS / 2], Place at) {
    u32 column = at.column + 2 * (threadX() & 3);
#pragma unroll
    for (u32 half = 0; half < 2; half++) {
      u32 row = at.row + 8 * half;
      if (row >= rows) return;
      int *line = to + (u64)row * n + column;
#pragma unroll
      for (u32 j = 0; j < COLUMNS / 8; j++)
        *(Words2 *)(line + 8 * j) = Words2{(u32)sums[4 * j + 2 * half], (u32)sums[4 * j + 2 * half + 1]};
    }
  });
}

/**
 * Four neighbouring lanes hold two bytes each of every eight columns. They exchange them, so that each holds all eight of one in
 * four and what leaves are whole sectors of 32 bytes: shared memory stays with the next tile.
 */
KERNEL LAUNCH_BOUNDS(THREADS, 1) void productFold(TensorMap, TensorMap, u8 *to, u32 n) {
  multiplyTiles(MAP(productFold, 0), MAP(productFold, 1), n, n, [&](int (&sums)[COLUMNS / 2], Place at) {
    u32 quarter = threadX() & 3;
    bool upper = quarter & 2, odd = quarter & 1;
    u32 keptHalves = odd ? 0x7632 : 0x5410, givenHalves = odd ? 0x5410 : 0x7632;
    u32 lower = odd ? 0x1054 : 0x5410, higher = odd ? 0x3276 : 0x7632;
    u32 firstOrder = upper ? higher : lower, secondOrder = upper ? lower : higher;
#pragma unroll
    for (u32 half = 0; half < 2; half++) {
      u8 *line = to + (u64)(at.row + 8 * half) * n + at.column + 8 * quarter;
#pragma unroll
      for (u32 j = 0; j < COLUMNS / 8; j += 4) {
        u32 two[4];
#pragma unroll
        for (u32 k = 0; k < 4; k++) {
          int *pair = &sums[4 * (j + k) + 2 * half];
          two[k] = foldOf(pair[0]) | foldOf(pair[1]) << 8;
        }
        u32 low = two[0] | two[1] << 16, high = two[2] | two[3] << 16;
        u32 kept = upper ? high : low;
        u32 got = fromLane(upper ? low : high, 2);
        u32 mine = permute(kept, got, keptHalves);
        u32 other = fromLane(permute(kept, got, givenHalves), 1);
        *(Words2 *)(line + 8 * j) = Words2{permute(mine, other, firstOrder), permute(mine, other, secondOrder)};
      }
    }
  });
}
