import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadDawn } from '../../../src/compute/webgpu/dawn.js';
import { CHROMIUM } from '../../support/browser.js';
import { casesOf, DAWN_SIDES, KERNELS } from '../../support/gpu-cases.js';

const KERNEL = fileURLToPath(new URL('../../support/dawn-kernel.ts', import.meta.url));
/** Chromium brings a loader and a software driver of Vulkan, beside its own binary. */
const SOFTWARE = '/usr/lib/chromium';

const driver = driverOfVulkan();
const package_ = await loadDawn().then(
  () => undefined,
  (error: Error) => error.message,
);
const missing =
  package_ ?? (driver ? undefined : `no driver of Vulkan: neither one of the system nor that of ${CHROMIUM}`);
if (missing) console.log(`skipped: kernels through Dawn: ${missing}`);

/** What a process needs to find a driver, or undefined where there is none. */
function driverOfVulkan(): Record<string, string> | undefined {
  const own = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'].some(
    (folder) => existsSync(folder) && readdirSync(folder).length > 0,
  );
  if (own || process.env.VK_DRIVER_FILES) return {};
  const file = `${SOFTWARE}/vk_swiftshader_icd.json`;
  return existsSync(file) ? { VK_DRIVER_FILES: file, LD_LIBRARY_PATH: SOFTWARE } : undefined;
}

function runKernel(kernel: string): Promise<{ output: string; end: number | string | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), KERNEL, kernel], {
      env: { ...process.env, ...driver },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (text: string): void => {
      output += text;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ output, end: signal ?? code }));
  });
}

describe.skipIf(missing)('WGSL through Dawn, one kernel a process', () => {
  test.each(KERNELS)('%s gives the bytes of the plain kernel', async (kernel) => {
    const cases = casesOf(kernel, DAWN_SIDES).length;
    const { output, end } = await runKernel(kernel);
    expect(output).toContain(`${cases} the same on webgpu: `);
    expect(output).not.toContain('differs');
    expect(end).toBe(0);
  });
});
