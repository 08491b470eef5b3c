import { Chalk } from 'chalk'
import { describe, expect, test } from 'vitest'
import type { Event } from '../../src/deploy/event.ts'
import { goingOn } from '../../src/ui/going-on.ts'
import { renderLive } from '../../src/ui/live-lines.ts'
import { widthOf } from '../../src/ui/text-width.ts'

const colour = new Chalk({ level: 0 })
const style = { width: 79, height: 20, colour, shown: (text: string) => text }
const progress = { there: 2, parts: 5, wanted: 200e6, sent: 40e6, rate: 31e6, left: 5.2 }

/** What is shown at a time, in seconds, after events at others. */
function linesAt(seconds: number, events: readonly [number, Event][], over: Partial<typeof style> = {}): string[] {
  let at = 0
  const going = goingOn(() => at)
  for (const [time, event] of events) {
    at = time * 1000
    going.hear(event)
  }
  return renderLive(going.scenes(), seconds * 1000, { ...style, ...over })
}

const of = (
  server: string,
  step: Event['step'],
  state: Event['state'] = 'begun',
  more: Partial<Event> = {},
): Event => ({
  ...{ step, state, server },
  ...more,
})
const web = { service: 'web' }

describe('what is going on', () => {
  test('is a line for each server: what, on which service, and for how long', () => {
    const events: [number, Event][] = [
      [0, of('s1', 'connect')],
      [0, of('web-2', 'connect')],
      [0, of('s3', 'connect')],
      [1, of('s1', 'connect', 'done')],
      [1, of('s3', 'connect', 'done')],
      [2, of('s1', 'start', 'begun', { ...web, detail: 'shop-web-1' })],
      [9, of('s1', 'start', 'done', web)],
    ]
    expect(linesAt(12.9, events)).toEqual([
      's1      3s  web asking until it is healthy',
      'web-2  12s  connecting',
      's3          connected',
    ])
  })
  test('of a script that says only what is done is the step after that', () => {
    const events: [number, Event][] = [[0, of('s1', 'start', 'begun', web)]]
    const then = (step: Event['step']) => {
      events.push([0, of('s1', step, 'done', web)])
      return linesAt(1, events)
    }
    expect(linesAt(1, events)).toEqual(['s1   1s  web starting'])
    expect(then('start')).toEqual(['s1   1s  web asking until it is healthy'])
    expect(then('health')).toEqual(['s1   1s  web switching'])
    expect(then('switch')).toEqual(['s1   1s  web draining'])
    expect(then('drain')).toEqual(['s1   1s  web stopping what ran before'])
    expect(then('stop')).toEqual(['s1       web done'])
  })
  test.each<[number, string]>([
    [0, '0s'],
    [59.9, '59s'],
    [125, '2m 5s'],
    [3720, '1h 2m'],
  ])('for %s seconds ticks: %s', (seconds, age) => {
    expect(linesAt(seconds, [[0, of('s1', 'pull', 'begun', { detail: 'web' })]])).toEqual([
      `s1 ${age.padStart(4)}  pulling web`,
    ])
  })
  test('says how far a transfer is, once something has been asked for', () => {
    const pulling = (wanted: number) =>
      linesAt(1, [[0, of('s1', 'pull', 'begun', { detail: 'web', progress: () => ({ ...progress, wanted }) })]])
    expect(pulling(0)).toEqual(['s1   1s  pulling web'])
    expect(pulling(200e6)).toEqual(['s1   1s  pulling: 40 MB of 200 MB, 31 MB/s, 6 s left'])
  })
  test('on this machine comes first, a line for each thing, with the last words of a build', () => {
    const build = (detail: string, state: Event['state'] = 'begun'): Event => ({ step: 'build', state, ...web, detail })
    const events: [number, Event][] = [
      [0, of('s1', 'connect')],
      [0, build('shop-web:v1-amd64')],
      [1, build('shop-web:v1-arm64')],
    ]
    expect(linesAt(2, events)).toEqual([
      'here   2s  web building shop-web:v1-amd64',
      'here   1s  web building shop-web:v1-arm64',
      's1     2s  connecting',
    ])
    events.push([2, build('shop-web:v1-amd64', 'done')], [2, build('#7 [3/4] RUN npm ci', 'note')])
    expect(linesAt(2, events)).toEqual(['here   1s  web building: #7 [3/4] RUN npm ci', 's1     2s  connecting'])
    events.push([2, build('shop-web:v1-arm64', 'done')])
    expect(linesAt(2, events)).toEqual(['s1   2s  connecting'])
  })
  test('and several things at once on a server share its line', () => {
    const events: [number, Event][] = [
      [0, of('s1', 'pull', 'begun', { detail: 'web', progress: () => progress })],
      [3, of('s1', 'proxy')],
    ]
    expect(linesAt(4, events)).toEqual(['s1   4s  pulling: 40 MB of 200 MB, 31 MB/s, 6 s left, starting the proxy'])
  })
  test('is no more what has failed, and of a lost server that it is connected to again', () => {
    const events: [number, Event][] = [
      [0, of('s1', 'start', 'begun', web)],
      [0, of('s1', 'start', 'done', web)],
      [0, of('s2', 'start', 'begun', web)],
      [0, of('s3', 'connect')],
      [5, of('s1', 'health', 'failed', { service: 'sidecar' })],
      [5, of('s2', 'connect', 'lost', { detail: 's2: the connection was lost' })],
      [5, of('s3', 'connect', 'lost', { detail: 'cannot reach s3' })],
    ]
    expect(linesAt(7, events)).toEqual([
      's1       sidecar health failed',
      's2   2s  connecting',
      's3       cannot reach s3',
    ])
  })
  test('is not what a hook writes, which stays above', () => {
    const hook = { step: 'hook', detail: 'pre-deploy' } as const
    const events: [number, Event][] = [
      [0, { ...hook, state: 'begun' }],
      [1, { ...hook, state: 'note', detail: 'pre-deploy: a line' }],
    ]
    expect(linesAt(2, events)).toEqual(['here   2s  running the hook pre-deploy'])
  })
  test('goes on for as long as it does when it is begun anew, and nobody waits for what is held', () => {
    const events: [number, Event][] = [
      [0, of('s1', 'lock')],
      [4, of('s1', 'lock')],
      [4, of('s1', 'tunnel', 'held')],
    ]
    expect(linesAt(5, events)).toEqual(['s1   5s  locking'])
  })
})

describe('of forty servers', () => {
  const names = Array.from({ length: 40 }, (_, index) => `w${index + 1}`)
  const begun = (step: Event['step'], some: readonly string[], at = 0): [number, Event][] =>
    some.map(name => [at, of(name, step, 'begun', { detail: 'web' })])
  const done = (some: readonly string[]): [number, Event][] => some.map(name => [1, of(name, 'pull', 'done')])

  test('there is a line each where they fit', () => {
    const lines = linesAt(2, begun('pull', names), { height: 40 })
    expect(lines).toHaveLength(40)
    expect(lines[39]).toBe('w40   2s  pulling web')
  })
  test('those that do the same share a line, busy ones first, and few are named', () => {
    const events = [...begun('pull', names), ...done(names.slice(0, 36)), ...begun('proxy', ['w39', 'w40'], 3)]
    expect(linesAt(5, events)).toEqual([
      'w37, w38     5s  pulling web',
      'w39, w40     5s  pulling web, starting the proxy web',
      '36 servers       pulled',
    ])
  })
  test('what they transfer is added up', () => {
    const events = names.map((name): [number, Event] => [
      0,
      of(name, 'pull', 'begun', { detail: 'web', progress: () => progress }),
    ])
    expect(linesAt(5, events)).toEqual(['40 servers   5s  pulling: 1.6 GB of 8 GB, 1.2 GB/s, 6 s left'])
  })
  test('of which no two do the same the last line counts those that do not fit', () => {
    const events = names.map((name, index): [number, Event] =>
      index < 30 ? [0, of(name, 'pull', 'begun', { detail: name })] : [0, of(name, 'pull', 'lost', { detail: name })],
    )
    const lines = linesAt(5, events, { height: 6 })
    expect(lines).toHaveLength(6)
    expect(lines[5]).toBe('and 35 more, 25 of them busy')
    expect(linesAt(5, events, { height: 1 })).toEqual(['40 places, 30 of them busy'])
    expect(linesAt(5, events.slice(25), { height: 6 }).at(-1)).toBe('and 10 more, none of them busy')
  })
})

test.each([10, 20, 39, 79])('no line is wider than %s columns', width => {
  const events: [number, Event][] = [
    [0, of('a-server-with-a-long-name', 'pull', 'begun', { detail: 'web '.repeat(40) })],
    [0, of('日本のサーバー', 'build', 'begun', { service: 'web', detail: '日本'.repeat(40) })],
    ...Array.from({ length: 9 }, (_, index): [number, Event] => [
      0,
      of(`s${index}`, 'pull', 'begun', { detail: `${index}` }),
    ]),
  ]
  for (const line of linesAt(9, events, { width, height: 5 })) expect(widthOf(line)).toBeLessThanOrEqual(width)
})
test('what is cut off is marked, in characters that the terminal has', () => {
  const events: [number, Event][] = [[0, of('s1', 'pull', 'begun', { detail: 'x'.repeat(80) })]]
  expect(linesAt(1, events, { width: 24 })).toEqual(['s1   1s  pulling xxxxxx…'])
  const shown = (text: string) => text.replaceAll('…', '...')
  expect(linesAt(1, events, { width: 24, shown })).toEqual(['s1   1s  pulling xxxx...'])
})
