/* A management library for tests: two cards, one of them cut in slices, a third that is lost. FAKE_UNIFIED: cards without memory of
 * their own, or a mode for who may compute. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { int index; int slice; } device;
static device devices[] = {{0, 0}, {1, 0}, {2, 0}, {1, 1}, {1, 2}};
static int started;

int nvmlInit_v2(void) { const char *fail = getenv("FAKE_NVML"); if (fail) return atoi(fail); started++; return 0; }
int nvmlShutdown(void) { started--; return 0; }
const char *nvmlErrorString(int code) { return code == 9 ? "Driver Not Loaded" : code == 15 ? "GPU is lost" : code == 3 ? "Not Supported" : "Unknown Error"; }
int nvmlSystemGetDriverVersion(char *text, unsigned bytes) { snprintf(text, bytes, "550.54.15"); return started == 1 ? 0 : 1; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12040; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, device **to) { if (index == 2) return 15; *to = &devices[index]; return 0; }
int nvmlDeviceGetName(device *d, char *text, unsigned bytes) { snprintf(text, bytes, "Test Card %d", d->index); return 0; }
int nvmlDeviceGetUUID(device *d, char *text, unsigned bytes) {
  if (d->slice) snprintf(text, bytes, "MIG-%d-%d", d->index, d->slice);
  else snprintf(text, bytes, "GPU-%d", d->index);
  return 0;
}
int nvmlDeviceGetPciInfo_v3(device *d, char *info) { memset(info, 0, 68); snprintf(info + 36, 32, "00000000:%02X:00.0", 0x17 + d->index); return 0; }
int nvmlDeviceGetMemoryInfo(device *d, uint64_t *memory) {
  if (getenv("FAKE_UNIFIED") && !d->slice) return 3;
  memory[0] = d->slice ? 20000000000ull : 80000000000ull; memory[1] = 1; memory[2] = 5000000000ull; return 0; }
int nvmlDeviceGetCudaComputeCapability(device *d, int *major, int *minor) { *major = d->index ? 8 : 9; *minor = 0; return 0; }
int nvmlDeviceGetMaxClockInfo(device *d, unsigned clock, unsigned *mhz) { (void)d; *mhz = clock == 1 ? 1980 : 2619; return 0; }
int nvmlDeviceGetClockInfo(device *d, unsigned clock, unsigned *mhz) { (void)d; *mhz = clock == 1 ? 345 : 2619; return 0; }
int nvmlDeviceGetMaxPcieLinkGeneration(device *d, unsigned *to) { (void)d; *to = 5; return 0; }
int nvmlDeviceGetMaxPcieLinkWidth(device *d, unsigned *to) { (void)d; *to = 16; return 0; }
int nvmlDeviceGetEccMode(device *d, int *now, int *pending) { if (d->index) return 3; *now = *pending = 1; return 0; }
int nvmlDeviceGetMigMode(device *d, unsigned *now, unsigned *pending) { *now = *pending = d->index == 1; return 0; }
int nvmlDeviceGetMaxMigDeviceCount(device *d, unsigned *count) { (void)d; *count = 7; return 0; }
int nvmlDeviceGetMigDeviceHandleByIndex(device *d, unsigned index, device **to) { (void)d; if (index != 0 && index != 3) return 6; *to = &devices[index ? 4 : 3]; return 0; }
int nvmlDeviceGetComputeMode(device *d, int *mode) { if (getenv("FAKE_UNIFIED")) return 3; *mode = d->index ? 3 : 0; return 0; }
int nvmlDeviceGetTemperature(device *d, unsigned sensor, unsigned *celsius) { (void)d; *celsius = sensor == 0 ? 41 : 0; return 0; }
int nvmlDeviceGetPowerUsage(device *d, unsigned *mw) { (void)d; *mw = 123500; return 0; }
int nvmlDeviceGetEnforcedPowerLimit(device *d, unsigned *mw) { (void)d; *mw = 700000; return 0; }
int nvmlDeviceGetUtilizationRates(device *d, unsigned *rates) { if (d->index) return 3; rates[0] = 37; rates[1] = 12; return 0; }
int nvmlDeviceGetComputeRunningProcesses_v3(device *d, unsigned *count, char *processes) {
  (void)d; if (*count < 2) return 7; *count = 2; *(unsigned *)processes = 4242; *(unsigned *)(processes + 24) = 4343; return 0; }
