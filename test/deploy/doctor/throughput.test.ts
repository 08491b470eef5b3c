import { describe, expect, test } from 'vitest'
import { nextSize, rateOf } from '../../../src/deploy/doctor/throughput.ts'

const round = (bytes: number, milliseconds: number) => ({ bytes, milliseconds })
const begun = (roundTrip: number) => [round(0, roundTrip), round(0, roundTrip + 2)]
const kib = 1024
const mib = 1024 * kib

describe('what is sent next', () => {
  test.each([
    ['first nothing', [], 0],
    ['nothing again', [round(0, 1)], 0],
    ['a little', begun(1), 16 * kib],
    ['more, on a fast way', [...begun(1), round(16 * kib, 2)], 256 * kib],
    ['32 MiB at most', [...begun(1), round(16 * kib, 2), round(256 * kib, 3), round(4 * mib, 20)], 32 * mib],
    ['no more than that', [...begun(1), round(32 * mib, 100)], undefined],
    ['no more, on a slow way', [...begun(50), round(16 * kib, 900)], undefined],
    ['no more, when the time is over', [...begun(1), round(16 * kib, 2), round(256 * kib, 1000)], undefined],
  ])('%s', (_, rounds, bytes) => expect(nextSize(rounds)).toBe(bytes))
  test('fits into what is left of a second', () => {
    const rounds = [...begun(50), round(16 * kib, 60), round(256 * kib, 250)]
    const { bytesPerSecond } = rateOf(rounds)
    const left = 1000 - rounds.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
    expect(nextSize(rounds)).toBeLessThan((bytesPerSecond * left) / 1000)
  })
})

test('the rate is that of the longest round, without the way there and back', () =>
  expect(rateOf([...begun(50), round(16 * kib, 51), round(10_000_000, 550)])).toEqual({
    bytesPerSecond: 20_000_000,
    roundTrip: 50,
  }))
