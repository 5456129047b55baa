/* A driver for tests: the calls of the real one over the host's memory, the kernels in plain C by the names that ours have (it
 * reads nothing else of their PTX), and `fill`. What it pretends is in its environment: FAKE_DRIVER (version), FAKE_CARDS,
 * FAKE_ROOM (bytes), FAKE_FAIL ("cuCtxCreate_v2=46": that call fails with that code), FAKE_BUSY (queries until a kernel
 * is done; -1 never), FAKE_TRAP (a file: as long as it is there, the next product fails on the card, and the file is gone), FAKE_KILL (such a file: the process is gone too),
 * FAKE_WRONG (a name: that kernel gives another bit), FAKE_HOPPER (1: kernels for sm_90a load, and fail when
 * they are started; the process has no card after that). */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long number(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text ? atol(text) : otherwise;
}
static int failing(const char *call) {
  const char *text = getenv("FAKE_FAIL");
  size_t length = strlen(call);
  return text && strncmp(text, call, length) == 0 && text[length] == '=' ? atoi(text + length + 1) : 0;
}
/* Once for each time that the file is made. */
static int spent(const char *name) {
  const char *file = getenv(name);
  return file && unlink(file) == 0;
}
/* what failed on the card stays with its context */
static int gone;
#define CALL(name, ...) int name(__VA_ARGS__) { int code = failing(#name); if (code || (code = gone)) return code;

static size_t used;
/* of what is at work, how many queries it still takes; launches that there were, and of those that are done */
static long busy, launched, done;
static void look(void) {
  if (done == launched || busy < 0) return;
  if (busy > 0) busy--;
  if (busy == 0 && ++done < launched) busy = number("FAKE_BUSY", 3);
}
/* as large as what drivers align to */
struct block { size_t bytes, unused; };

#include "kernels.h"

CALL(cuInit, unsigned flags) return flags ? 1 : 0; }
CALL(cuDriverGetVersion, int *version) *version = (int)number("FAKE_DRIVER", 12040); return 0; }
CALL(cuDeviceGetCount, int *count) *count = (int)number("FAKE_CARDS", 1); return 0; }
CALL(cuDeviceGet, int *device, int ordinal) *device = 100 + ordinal; return 0; }
CALL(cuDeviceGetName, char *name, int bytes, int device) snprintf(name, (size_t)bytes, "Test Card %d", device - 100); return 0; }
CALL(cuDeviceTotalMem_v2, size_t *bytes, int device) (void)device; *bytes = 141ull * 1000 * 1000 * 1000; return 0; }
CALL(cuDeviceGetAttribute, int *value, int attribute, int device)
  (void)device;
  switch (attribute) {
    case 13: *value = 1980000; return 0;
    case 16: *value = 132; return 0;
    case 32: *value = 1; return 0;
    case 36: *value = 3201000; return 0;
    case 37: *value = 6144; return 0;
    case 75: *value = (int)number("FAKE_MAJOR", 9); return 0;
    case 76: *value = 0; return 0;
    case 97: *value = 232448; return 0;
    default: return 1;
  }
}
CALL(cuCtxCreate_v2, void **context, unsigned flags, int device) (void)flags; (void)device; *context = &used; return 0; }
CALL(cuCtxDestroy_v2, void *context) if (context != &used) return 201;
  used = 0; done = launched; return 0; }
CALL(cuStreamCreate, void **stream, unsigned flags) (void)flags; *stream = &busy; return 0; }
CALL(cuStreamSynchronize, void *stream) if (stream != &busy) return 400; done = launched; return 0; }
CALL(cuEventCreate, long **event, unsigned flags) if (flags != 2) return 1; *event = malloc(sizeof **event); return 0; }
CALL(cuEventRecord, long *event, void *stream) if (stream != &busy) return 400; *event = launched; return 0; }
CALL(cuEventQuery, long *event) look(); return done < *event ? 600 : 0; }
CALL(cuMemGetInfo_v2, size_t *available, size_t *total)
  *total = (size_t)number("FAKE_ROOM", 1 << 30); *available = *total - used; return 0; }
CALL(cuMemAlloc_v2, uint64_t *address, size_t bytes)
  if (used + bytes > (size_t)number("FAKE_ROOM", 1 << 30)) return 2;
  struct block *block = malloc(sizeof *block + 8 + bytes);
  block->bytes = bytes;
  used += bytes;
  memset(block + 1, 0xaa, 8 + bytes);
  *address = (uint64_t)(uintptr_t)(block + 1);
  return 0;
}
CALL(cuMemFree_v2, uint64_t address)
  struct block *block = (struct block *)(uintptr_t)address - 1;
  used -= block->bytes;
  free(block);
  return 0;
}
CALL(cuMemsetD8Async, uint64_t to, unsigned char value, size_t bytes, void *stream)
  if (stream != &busy) return 400;
  memset((void *)(uintptr_t)to, value, bytes); return 0; }
CALL(cuMemcpyHtoDAsync_v2, uint64_t to, const void *from, size_t bytes, void *stream)
  if (stream != &busy) return 400;
  memcpy((void *)(uintptr_t)to, from, bytes); return 0; }
CALL(cuMemcpyDtoHAsync_v2, void *to, uint64_t from, size_t bytes, void *stream)
  if (stream != &busy) return 400;
  memcpy(to, (void *)(uintptr_t)from, bytes); return 0; }
CALL(cuMemcpyDtoDAsync_v2, uint64_t to, uint64_t from, size_t bytes, void *stream)
  if (stream != &busy) return 400;
  memcpy((void *)(uintptr_t)to, (void *)(uintptr_t)from, bytes); return 0; }
CALL(cuModuleLoadDataEx, void **module, const char *image, unsigned count, const int *options, void **values)
  int hopper = strstr(image, ".target sm_90a") != 0;
  if (hopper && !number("FAKE_HOPPER", 0)) return 209; /* instructions that its C does not have */
  if (strncmp(image, "// fine", 7) == 0 || strstr(image, ".version 7.") || hopper) { *module = strdup(image); return 0; }
  for (unsigned i = 0; i + 1 < count; i++)
    if (options[i] == 5 && options[i + 1] == 6)
      snprintf(values[i], (size_t)(uintptr_t)values[i + 1], "line 1: expected fine, got %.5s", image);
  return 218;
}
CALL(cuModuleGetFunction, void **function, void *module, const char *name)
  if (!strstr(module, name)) return 500;
  *function = strdup(name); return 0; }
/* opaque to whoever asks for it: here, all that was asked for, in order */
CALL(cuTensorMapEncodeTiled, uint64_t *map, int type, unsigned rank, uint64_t address, const uint64_t *sizes, const uint64_t *strides,
     const uint32_t *box, const uint32_t *steps, int interleave, int swizzle, int promotion, int fill)
  if ((uintptr_t)map % 64 || rank != 2) return 1;
  const uint64_t asked[16] = {(uint64_t)type, address, sizes[0], sizes[1], strides[0], box[0], box[1], steps[0], steps[1],
                              (uint64_t)interleave, (uint64_t)swizzle, (uint64_t)promotion, (uint64_t)fill};
  memcpy(map, asked, sizeof asked);
  return 0;
}
CALL(cuFuncSetAttribute, void *function, int attribute, int value) (void)function; return attribute == 8 && value <= 232448 ? 0 : 1; }
CALL(cuLaunchKernel, const char *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
     unsigned shared, void *stream, void **params, void **extra)
  (void)shared;
  if (stream != &busy || params || (uintptr_t)extra[0] != 1 || (uintptr_t)extra[2] != 2 || extra[4]) return 1;
  if (done == launched++) busy = number("FAKE_BUSY", 3);
  int product = strncmp(function, "productFold", 11) == 0;
  if (product && spent("FAKE_KILL")) raise(SIGKILL);
  if (strcmp(function, "outside") == 0 || (product && spent("FAKE_TRAP"))) {
    gone = 700; /* the launch itself is fine: whoever asks next is told */
    return 0;
  }
  code = run_kernel(function, extra[1], *(size_t *)extra[3], gx * gy * gz * bx * by * bz);
  if (code && number("FAKE_HOPPER", 0)) gone = 719;
  return code;
}
int cuGetErrorName(int code, const char **text) { *text = code == 46 ? "CUDA_ERROR_DEVICE_UNAVAILABLE" : code == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : code == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR_OTHER"; return 0; }
int cuGetErrorString(int code, const char **text) { *text = code == 700 ? "an illegal memory access was encountered" : code == 46 ? "the device is busy or unavailable" : "something else"; return 0; }
