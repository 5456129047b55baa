/* NVIDIA's matrix library for tests: the calls that a baseline of the benchmarks makes, for 8-bit whole numbers, the left one
 * turned. It counts by columns, and does its work at once. FAKE_LIBRARY=1 makes its last value wrong. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct { int type; uint64_t rows, columns; int64_t stride; } layout;
typedef struct { int compute, scale; int32_t turned; } description;

int cublasLtCreate(void **handle) { *handle = malloc(1); return 0; }
int cublasLtDestroy(void *handle) { free(handle); return 0; }
int cublasLtMatmulDescCreate(description **how, int compute, int scale) {
  *how = calloc(1, sizeof **how);
  (*how)->compute = compute, (*how)->scale = scale;
  return compute == 72 && scale == 10 ? 0 : 7;
}
int cublasLtMatmulDescSetAttribute(description *how, int attribute, const void *value, size_t bytes) {
  if (attribute != 3 || bytes != 4) return 7;
  memcpy(&how->turned, value, 4);
  return 0;
}
int cublasLtMatrixLayoutCreate(layout **to, int type, uint64_t rows, uint64_t columns, int64_t stride) {
  *to = malloc(sizeof **to);
  **to = (layout){type, rows, columns, stride};
  return 0;
}
int cublasLtMatmulPreferenceCreate(uint64_t **limits) { *limits = calloc(1, 8); return 0; }
int cublasLtMatmulPreferenceSetAttribute(uint64_t *limits, int attribute, const uint64_t *value, size_t bytes) {
  if (attribute != 1 || bytes != 8) return 7;
  *limits = *value;
  return 0;
}
int cublasLtMatmulAlgoGetHeuristic(void *handle, description *how, layout *a, layout *b, layout *c, layout *d, uint64_t *limits,
                                   int wanted, char *results, int *count) {
  (void)handle, (void)b, (void)c, (void)limits;
  if (how->turned != 1 || a->type != 3 || d->type != 10) return 15;
  *count = wanted < 2 ? wanted : 2;
  for (int i = 0; i < *count; i++) results[96 * i] = (char)(7 + i);
  return 0;
}
int cublasLtMatmul(void *handle, description *how, const int32_t *alpha, const int8_t *a, layout *la, const int8_t *b, layout *lb,
                   const int32_t *beta, const int32_t *c, layout *lc, int32_t *d, layout *ld, const char *way, void *workspace,
                   size_t bytes, void *stream) {
  (void)handle, (void)how;
  if (*alpha != 1 || *beta != 0 || c != d || lc != ld || (way[0] != 7 && way[0] != 8) || !workspace != !bytes || !stream) return 7;
  if (la->rows != lb->rows || la->columns != ld->rows || lb->columns != ld->columns) return 7;
  for (uint64_t column = 0; column < ld->columns; column++)
    for (uint64_t row = 0; row < ld->rows; row++) {
      int32_t sum = 0;
      for (uint64_t k = 0; k < la->rows; k++) sum += a[row * la->stride + k] * b[column * lb->stride + k];
      d[column * ld->stride + row] = sum;
    }
  const char *wrong = getenv("FAKE_LIBRARY");
  if (wrong) d[(ld->columns - 1) * ld->stride + ld->rows - 1] ^= 1;
  return 0;
}
