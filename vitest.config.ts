import { basename } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** One that begins last would be alone for minutes at the end. */
const longest = [
  'services',
  'seeds',
  'struck',
  'examples',
  'lock',
  'on-call',
  'rollback',
  'tending',
  'lost',
  'replicas',
  'stalls',
  'deploy',
  'rollout',
  'full-disk',
  'registry-stops',
  'registry-port',
  'archs',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = longest.indexOf(basename(moduleId, '.test.ts'))
      return index === -1 ? longest.length : index
    }
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other))
  }
}

/** What ends in seconds here takes a minute on a machine that others use as well. */
const patience = { timeout: 60_000 }

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.{ts,mjs}'],
          exclude: ['test/e2e/**'],
          maxWorkers: '100%', // one core would be left idle otherwise, of two
          expect: { poll: patience },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          maxWorkers: 2, // each file has servers of its own, and mostly waits; three would be too much for a small machine
          sequence: { groupOrder: 1 }, // not together with the unit tests, of which more run at once
          expect: { poll: { ...patience, interval: 200 } },
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
