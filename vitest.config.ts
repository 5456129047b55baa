import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    retry: 0,
    // a second, its default, is less than a busy machine may take for a page to open its stream
    expect: { poll: { timeout: 30_000 } },
  },
});
