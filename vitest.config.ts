import { basename } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** One that begins last would be alone for minutes at the end. */
const longest = [
  'struck',
  'seeds',
  'services',
  'lost',
  'examples',
  'replicas',
  'lock',
  'on-call',
  'deploy',
  'tending',
  'stalls',
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

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.{ts,mjs}'],
          exclude: ['test/e2e/**'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          maxWorkers: 2, // each file has servers of its own, and mostly waits; three would be too much for a small machine
          sequence: { groupOrder: 1 }, // not together with the unit tests, of which more run at once
          // What ends in seconds here takes a minute on a machine that others use as well.
          expect: { poll: { timeout: 60_000, interval: 200 } },
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
