import { describe, expect, test } from 'vitest'
import type { Event } from '../../src/deploy/event.ts'
import { renderTime } from '../../src/ui/report.ts'
import { placeOf, slowestOf, timeline } from '../../src/ui/timeline.ts'

/** Events at their times. */
function heard(...events: [number, Event][]) {
  let time = 100
  const line = timeline(() => time)
  for (const [at, event] of events) {
    time = 100 + at
    line.hear(event)
  }
  return line.spans()
}
const web = { server: 's1', service: 'web' } as const

describe('a timeline', () => {
  test('has what began and ended, in the order of beginnings', () => {
    expect(
      heard(
        [10, { step: 'build', state: 'begun', service: 'web', detail: 'one' }],
        [5, { step: 'connect', state: 'begun', server: 's1' }],
        [20, { step: 'connect', state: 'done', server: 's1' }],
        [30, { step: 'build', state: 'done', service: 'web', detail: 'one' }],
      ),
    ).toEqual([
      { step: 'connect', server: 's1', from: 5, to: 20, outcome: 'done' },
      { step: 'build', service: 'web', detail: 'one', from: 10, to: 30, outcome: 'done' },
    ])
  })
  test('knows the steps of one script from one to the next', () => {
    const spans = heard(
      [0, { step: 'start', state: 'begun', ...web }],
      [10, { step: 'start', state: 'done', ...web }],
      [40, { step: 'health', state: 'done', ...web }],
      [41, { step: 'switch', state: 'done', ...web }],
      [90, { step: 'stop', state: 'done', ...web }],
    )
    expect(spans.map(({ step, from, to }) => [step, from, to])).toEqual([
      ['start', 0, 10],
      ['health', 10, 40],
      ['switch', 40, 41],
      ['stop', 41, 90],
    ])
  })
  test('keeps places apart, and what happened at no length out', () => {
    const spans = heard(
      [0, { step: 'pull', state: 'begun', server: 's1' }],
      [1, { step: 'pull', state: 'begun', server: 's2' }],
      [2, { step: 'tunnel', state: 'done', server: 's2', detail: 'there is the registry' }],
      [5, { step: 'pull', state: 'done', server: 's2' }],
      [9, { step: 'pull', state: 'done', server: 's1' }],
    )
    expect(spans.map(({ step, server, from, to }) => [step, server, from, to])).toEqual([
      ['pull', 's1', 0, 9],
      ['pull', 's2', 1, 5],
    ])
  })
  test('tells what failed, and what was still going on', () => {
    const spans = heard(
      [0, { step: 'start', state: 'begun', ...web }],
      [3, { step: 'start', state: 'done', ...web }],
      [4, { step: 'pull', state: 'begun', server: 's2' }],
      [9, { step: 'health', state: 'failed', ...web }],
    )
    expect(spans.map(({ step, from, to, outcome }) => [step, from, to, outcome])).toEqual([
      ['start', 0, 3, 'done'],
      ['health', 3, 9, 'failed'],
      ['pull', 4, 9, 'cut off'],
    ])
    expect(slowestOf(spans)?.step).toBe('health')
  })
  test('cuts off what was stopped, then and there', () => {
    const spans = heard(
      [1, { step: 'build', state: 'begun', service: 'web' }],
      [4, { step: 'build', state: 'stopped', service: 'web' }],
      [9, { step: 'lock', state: 'failed' }],
    )
    expect(spans).toEqual([{ step: 'build', service: 'web', from: 1, to: 4, outcome: 'cut off' }])
  })
  test('of nothing has nothing', () => expect([heard(), slowestOf([])]).toEqual([[], undefined]))
})

test('a place is a server and a service, or here', () => {
  expect([placeOf(web), placeOf({ server: 's1' }), placeOf({ service: 'web' }), placeOf({})]).toEqual([
    's1 web',
    's1',
    'here web',
    'here',
  ])
})

test.each([
  [0, '0 ms'],
  [850.4, '850 ms'],
  [1234, '1.2 s'],
  [99_900, '99.9 s'],
  [125_000, '2 min 5 s'],
  [119_900, '2 min 0 s'],
])('%d ms is shown as %s', (time, text) => expect(renderTime(time)).toBe(text))
