import { afterEach, expect, test, vi } from 'vitest';
import { withoutReports } from '../../../src/model/onnxruntime.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('reports of onnxruntime are off, unless somebody said otherwise', () => {
  vi.stubEnv('ORT_DISABLE_TELEMETRY', undefined);
  withoutReports();
  expect(process.env.ORT_DISABLE_TELEMETRY).toBe('1');

  vi.stubEnv('ORT_DISABLE_TELEMETRY', '0');
  withoutReports();
  expect(process.env.ORT_DISABLE_TELEMETRY).toBe('0');
});
