import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // who hangs is found out by them; no test is near them on a machine that has several things to do at once
    testTimeout: 120_000,
    hookTimeout: 120_000,
    retry: 0,
    // a second, its default, is less than a busy machine may take for a page to open its stream
    expect: { poll: { timeout: 30_000 } },
  },
});
