import { describe, expect, test } from 'vitest'
import { previousOf, replicasOf, runningOf, titlesOf } from '../../src/deploy/standing.ts'
import { observed } from './world.ts'

const two = [1, 2, 10].map(replica => ({ service: 'web', release: 'r2', replica, name: `app-web-r2-${replica}` }))
const observation = observed({
  containers: [
    ...two.toReversed(),
    { service: 'web', release: 'r3', name: 'app-web-r3' },
    { service: 'web', release: 'r1', isRunning: false, finishedAt: '2026-01-03T00:00:00Z' },
    { service: 'web', release: 'r0', isRunning: false, finishedAt: '2026-01-02T00:00:00Z' },
    { service: 'worker', release: 'r2', isRunning: false },
    { service: 'web', project: 'other', name: 'other-web-r2' },
  ],
  releases: { r2: { web: 'app-web-r2-1', worker: 'app-worker-r2' } },
  current: 'r2',
})
const names = (containers: { name: string }[]) => containers.map(({ name }) => name)

describe('the containers of a service', () => {
  test('are all that run of the live release, or the one that last ran', () => {
    expect(names(replicasOf(observation, 'app', 'web'))).toEqual(names(two))
    expect(names(replicasOf(observation, 'app', 'worker'))).toEqual(['app-worker-r2'])
    expect(replicasOf(observation, 'app', 'nothing')).toEqual([])
  })
  test('that ran before are those of the release that ended last', () => {
    expect(names(previousOf(observation, 'app', 'web'))).toEqual(['app-web-r1'])
    expect(previousOf(observation, 'app', 'worker')).toEqual([])
  })
  test('that run are those of a new release too', () => {
    expect(names(runningOf(observation, 'app', 'web'))).toEqual([...names(two), 'app-web-r3'])
  })
  test('have numbers where several of one release run', () => {
    expect([...titlesOf(runningOf(observation, 'app', 'web')).values()]).toEqual(['web.1', 'web.2', 'web.3', 'web'])
  })
})
