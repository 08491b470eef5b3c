import { defineConfig } from 'vitest/config'

/** End-to-end tests that run beside the others: each set takes about as long, and mostly waits. */
const apart = [
  ...['doctor', 'four-layers', 'full-disk', 'local-registry', 'lost', 'many', 'registry-port', 'registry-stops'],
  ...['registry-tunnel', 'rollback', 'routes', 'seeds', 'stalls', 'struck', 'tending', 'two-laptops'],
].map(name => `test/e2e/${name}.test.ts`)

// Each file has servers of its own; more than two files at once would be too much for a small machine.
const endToEnd = { fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.{ts,mjs}'],
          exclude: ['test/e2e/**'],
          testTimeout: 30_000,
        },
      },
      { test: { ...endToEnd, name: 'e2e', include: ['test/e2e/**/*.test.ts'], exclude: apart } },
      { test: { ...endToEnd, name: 'e2e-apart', include: apart } },
    ],
  },
})
