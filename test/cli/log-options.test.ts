import { describe, expect, test } from 'vitest'
import { readLogOptions } from '../../src/cli/log-options.ts'
import { Options } from '../../src/cli/options.ts'

const now = new Date('2026-03-01T12:00:00Z')
const read = (given: Record<string, string>) =>
  readLogOptions(new Options(new Map(Object.entries(given).map(([name, value]) => [name, [value]])), {}), now)

describe('which lines are wanted', () => {
  test.each<[Record<string, string>, object]>([
    [{}, { lines: 100, since: undefined }],
    [{ lines: '7' }, { lines: 7, since: undefined }],
    [{ lines: 'all' }, { lines: undefined, since: undefined }],
    [{ grep: 'x' }, { lines: undefined, since: undefined }],
    [
      { since: '10m', lines: '5' },
      { lines: 5, since: '2026-03-01T11:50:00.000Z' },
    ],
    [{ since: '1d2h' }, { lines: undefined, since: '2026-02-28T10:00:00.000Z' }],
    [{ since: '2026-01-31T12:00:00Z' }, { lines: undefined, since: '2026-01-31T12:00:00.000Z' }],
    [{ since: '2026-01-31' }, { lines: undefined, since: new Date(2026, 0, 31).toISOString() }],
  ])('%j', (given, range) => expect(read(given).range).toEqual(range))
  test.each(['yesterday', '10', '-5m', '2026-99-01', '5x'])('--since %s is refused', since => {
    expect(() => read({ since })).toThrow(`--since takes a time or a duration, not ${since}`)
  })
  test.each<[string, string, boolean]>([
    ['error', 'an ERROR', true],
    ['Error', 'an ERROR', false],
    ['Error', 'an Error', true],
    ['.*', 'anything', false],
  ])('--grep %s finds %j: %s', (grep, text, isFound) => expect(read({ grep }).isWanted(text)).toBe(isFound))
})
