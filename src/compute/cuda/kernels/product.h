// Owns: tiles of an exact product on tensor cores: what is in flight, where it lies, which tile comes when, how sums leave. Does
// not own: the instruction that multiplies (the .cu files, which set COLUMNS and say how; STAGES is one where copies can overlap).
#pragma once
#include "device.h"

#define THREADS 256
/** Of a tile. Eight warps lie in it two by four. */
#define ROWS 128
/** Bytes of the summed side that a stage holds. */
#define DEPTH 64
#define STAGE ((ROWS + COLUMNS) * DEPTH)
/** Squares of an instruction, 16 x 8, that a warp holds. */
#define DOWN 4
#define ACROSS (COLUMNS / 32)
/** Tiles of this many rows are done before the next columns: neighbours share what comes from memory. */
#define BAND 16
/** Of a row of folds in shared memory: four banks further than the one before. */
#define FOLD_PITCH (COLUMNS + 16)

extern SHARED __attribute__((aligned(128))) u8 stages[];

struct Place {
  u32 row, column;
};

/** Of this block: tiles lie in bands of `BAND` rows of tiles, column by column in each. */
DEVICE Place tileOf(u32 rows, u32 n) {
  u32 down = (rows + ROWS - 1) / ROWS, across = n / COLUMNS;
  u32 first = blockX() / (across * BAND) * BAND;
  u32 height = down - first < BAND ? down - first : BAND;
  u32 within = blockX() - first * across;
  return {(first + within % height) * ROWS, within / height * COLUMNS};
}

/** Four squares of 8 rows by 16 bytes; lane l names row l % 8 of square l / 8 and gets four bytes of row l / 4 of each. */
DEVICE void loadSquares(u32 (&to)[4], u32 address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
}

/** What a warp multiplies at once: 32 bytes of the summed side. */
struct Operands {
  u32 a[DOWN][4];
  u32 b[ACROSS / 2][4];
};

#if STAGES > 1
DEVICE void copy16(u32 to, const u8 *from) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" : : "r"(to), "l"(from) : "memory");
}
DEVICE void endGroup() { asm volatile("cp.async.commit_group;" : : : "memory"); }
template <int pending> DEVICE void waitForGroups() { asm volatile("cp.async.wait_group %0;" : : "n"(pending) : "memory"); }
#endif

/**
 * Sums of one tile into `unit`. Sixteen bytes c of row r of a stage lie at place c ^ (r / 2 % 4) of that row: eight rows of one c
 * meet eight times four banks.
 */
template <class Unit> DEVICE void multiplyTile(const u8 *a, const u8 *b, u32 rows, u32 n, Place tile, Unit &unit) {
  u32 thread = threadX(), lane = thread & 31, warp = thread >> 5;
  u32 shared = sharedAddress(stages);

  // what this thread copies: 16 bytes of every 64th row
  u32 row = thread >> 2, part = thread & 3;
  u32 put = shared + row * DEPTH + 16 * (part ^ (row >> 1 & 3));
  const u8 *rowsFrom[ROWS / 64];
#pragma unroll
  for (u32 k = 0; k < ROWS / 64; k++) {
    u32 r = tile.row + row + 64 * k;
    rowsFrom[k] = a + (u64)(r < rows ? r : rows - 1) * n + 16 * part; // those beyond are multiplied and not stored
  }
  const u8 *columnsFrom = b + (u64)(tile.column + row) * n + 16 * part;
  u32 stride = 64 * n;

  // what this lane names of the squares that its warp multiplies
  u32 turn = lane >> 1 & 3;
  u32 aFrom = shared + ((warp & 1) * (16 * DOWN) + (lane & 15)) * DEPTH + 16 * ((lane >> 4) ^ turn);
  u32 bRow = (warp >> 1) * (8 * ACROSS) + (lane & 7) + (lane >> 4) * 8;
  u32 bFrom = shared + (ROWS + bRow) * DEPTH + 16 * ((lane >> 3 & 1) ^ turn);
  auto read = [&](Operands &to, u32 stage, u32 half) {
#pragma unroll
    for (u32 i = 0; i < DOWN; i++) loadSquares(to.a[i], ((aFrom + i * 16 * DEPTH) ^ half * 32) + stage);
#pragma unroll
    for (u32 j = 0; j < ACROSS / 2; j++) loadSquares(to.b[j], ((bFrom + j * 16 * DEPTH) ^ half * 32) + stage);
  };

  u32 steps = n / DEPTH;
  Operands operands[2];
#if STAGES > 1
  auto copy = [&](u32 step) {
    u32 to = put + step % STAGES * STAGE;
    u32 at = step * DEPTH;
#pragma unroll
    for (u32 k = 0; k < ROWS / 64; k++) copy16(to + k * 64 * DEPTH, rowsFrom[k] + at);
#pragma unroll
    for (u32 k = 0; k < COLUMNS / 64; k++) copy16(to + (ROWS + k * 64) * DEPTH, columnsFrom + k * stride + at);
  };
  for (u32 step = 0; step < STAGES - 1; step++) {
    copy(step);
    endGroup();
  }
  waitForGroups<STAGES - 2>();
  syncBlock();
  read(operands[0], 0, 0);
  for (u32 step = 0; step < steps; step++) {
    read(operands[1], step % STAGES * STAGE, 1);
    // over the stage of the step before, which nobody reads since the last wait
    if (step + STAGES - 1 < steps) copy(step + STAGES - 1);
    endGroup();
    unit.multiply(operands[0]);
    waitForGroups<STAGES - 2>();
    syncBlock();
    read(operands[0], (step + 1) % STAGES * STAGE, 0); // of the last step nobody needs it
    unit.multiply(operands[1]);
    unit.endStep(step);
  }
  unit.end();
#else
  // without copies that overlap: the next stage waits in registers while this one is multiplied
  Words4 next[(ROWS + COLUMNS) / 64];
  auto fetch = [&](u32 at) {
#pragma unroll
    for (u32 k = 0; k < ROWS / 64; k++) next[k] = *(const Words4 *)(rowsFrom[k] + at);
#pragma unroll
    for (u32 k = 0; k < COLUMNS / 64; k++) next[ROWS / 64 + k] = *(const Words4 *)(columnsFrom + k * stride + at);
  };
  auto store = [&](u32 stage) {
#pragma unroll
    for (u32 k = 0; k < (ROWS + COLUMNS) / 64; k++) storeShared(put + stage + k * 64 * DEPTH, next[k]);
  };
  fetch(0);
  store(0);
  syncBlock();
  for (u32 step = 0; step < steps; step++) {
    u32 stage = step % 2 * STAGE;
    if (step + 1 < steps) fetch((step + 1) * DEPTH);
    read(operands[0], stage, 0);
    read(operands[1], stage, 1);
    unit.multiply(operands[0]);
    unit.multiply(operands[1]);
    unit.endStep(step);
    if (step + 1 < steps) store(STAGE - stage);
    syncBlock();
  }
  unit.end();
#endif
}

/** In a square of 16 x 8 sums a lane holds two neighbours of row lane / 4 and the two that lie eight rows below. */
template <class Unit> DEVICE void storeSums(Unit &unit, int *to, u32 rows, u32 n, Place tile) {
  u32 lane = threadX() & 31, warp = threadX() >> 5;
  u32 row = tile.row + (warp & 1) * (16 * DOWN) + (lane >> 2);
  u32 column = tile.column + (warp >> 1) * (8 * ACROSS) + 2 * (lane & 3);
#pragma unroll
  for (u32 i = 0; i < 2 * DOWN; i++) {
    if (row + 8 * i >= rows) return;
    int *line = to + (u64)(row + 8 * i) * n + column;
#pragma unroll
    for (u32 j = 0; j < ACROSS; j++) {
      int *two = &unit.sums[i / 2][j][i % 2 * 2];
      *(Words2 *)(line + 8 * j) = Words2{(u32)two[0], (u32)two[1]};
    }
  }
}

/** Through shared memory, so that whole lines leave: a lane holds two bytes in a row. */
template <class Unit> DEVICE void storeFolds(Unit &unit, u8 *to, u32 n, Place tile) {
  u32 lane = threadX() & 31, warp = threadX() >> 5;
  u32 row = (warp & 1) * (16 * DOWN) + (lane >> 2);
  u32 column = (warp >> 1) * (8 * ACROSS) + 2 * (lane & 3);
  syncBlock();
#pragma unroll
  for (u32 i = 0; i < 2 * DOWN; i++)
#pragma unroll
    for (u32 j = 0; j < ACROSS; j++) {
      int *two = &unit.sums[i / 2][j][i % 2 * 2];
      *(u16 *)(stages + (row + 8 * i) * FOLD_PITCH + column + 8 * j) = foldOf(two[0]) | foldOf(two[1]) << 8;
    }
  syncBlock();
  const u32 parts = COLUMNS / 16;
#pragma unroll
  for (u32 k = 0; k < ROWS * parts / THREADS; k++) {
    u32 r = k * (THREADS / parts) + threadX() / parts, part = threadX() % parts;
    Words4 bytes = *(const Words4 *)(stages + r * FOLD_PITCH + 16 * part);
    *(Words4 *)(to + (u64)(tile.row + r) * n + tile.column + 16 * part) = bytes;
  }
}
