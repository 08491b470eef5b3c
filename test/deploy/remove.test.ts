import { describe, expect, test } from 'vitest'
import { select } from '../../src/config/select.ts'
import { excessOf } from '../../src/deploy/plan/excess.ts'
import { planRemove } from '../../src/deploy/plan/remove.ts'
import { configOf } from '../config/deploy-yml.ts'
import { observed, siteOf, twoServers } from './world.ts'

const config = configOf(
  twoServers.replace('worker: {image: worker,', 'worker: {image: worker, volumes: ["data:/data", "/etc:/etc"],'),
)
const host = 'app.example.com'
const old = { isRunning: false }
const situation = {
  containers: [
    { service: 'web', release: 'r1', hosts: host, ...old },
    { service: 'web', release: 'r2', hosts: host },
    { service: 'worker', release: 'r1', ...old },
    { service: 'worker', release: 'r2' },
    { service: 'worker', release: 'r2', project: 'other' },
  ],
  releases: { r1: { worker: 'app-worker-r1' }, r2: { web: 'app-web-r2', worker: 'app-worker-r2' } },
  current: 'r2',
  sites: [
    siteOf(config),
    { project: 'other', hosts: ['other.example.com'], services: [], certificates: {}, hash: 'x' },
  ],
}

describe('services that are removed', () => {
  const removalOf = (services: string[], over: object = {}) =>
    planRemove(config, select(config, { services, hosts: ['web1'] }), [observed({ ...situation, ...over })], {
      isWithVolumes: false,
    }).servers[0]

  test('go with the containers of all releases, and what is remembered of them', () => {
    const removal = removalOf(['worker'])
    expect(removal?.services).toEqual([
      { service: 'worker', containers: ['app-worker-r1', 'app-worker-r2'], volumes: ['app-worker-data'] },
    ])
    expect(removal?.images).toEqual(['worker:r1', 'worker:r2'])
    expect(removal?.keep).toEqual(['web:r1', 'web:r2'])
    expect(removal?.releases.drop).toEqual(['r1'])
    expect(removal?.releases.rewrite.map(({ id, services }) => [id, Object.keys(services)])).toEqual([['r2', ['web']]])
  })
  test('take their routes along, and no others', () => {
    expect(removalOf(['worker'])).toMatchObject({ unrouted: [] })
    expect(removalOf(['worker'])).not.toHaveProperty('site')
    const removal = removalOf(['web'])
    expect([removal?.site?.hosts, removal?.unrouted]).toEqual([[], [host]])
  })
  test('do so also where the proxy runs with other settings', () => {
    expect(removalOf(['web'], { proxy: 'caddy:1 81 444' })?.unrouted).toEqual([host])
  })
  test('leave an image that another service has', () => {
    const containers = [
      { service: 'web', release: 'r2', image: 'same:1' },
      { service: 'worker', release: 'r2', image: 'same:1' },
    ]
    expect(removalOf(['worker'], { containers })).toMatchObject({ images: [], keep: ['same:1'] })
  })
})

describe('what exceeds the releases that are retained', () => {
  const retaining = (retain: number) => configOf(`${twoServers}deploy: {retain: ${retain}}\n`)
  const containers = ['r1', 'r2', 'r3', 'r4'].map(release => ({
    service: 'worker',
    release,
    isRunning: release === 'r4',
  }))
  const releases = Object.fromEntries(containers.map(({ release }) => [release, { worker: `app-worker-${release}` }]))
  const excess = (retain: number, over: object = {}) => {
    const one = observed({ containers, releases, current: 'r4', ...over })
    return excessOf(retaining(retain), select(config, { hosts: ['web1'] }), [one])[0]
  }

  test('is what is older than so many, the current one included', () => {
    expect(excess(2)).toMatchObject({
      containers: ['app-worker-r1', 'app-worker-r2'],
      images: ['worker:r1', 'worker:r2'],
      releases: ['r2', 'r1'],
      keep: ['worker:r3', 'worker:r4'],
    })
    expect(excess(4)).toMatchObject({ containers: [], images: [], releases: [] })
  })
  test('is nothing that runs', () => {
    const running = containers.map(one => ({ ...one, isRunning: true }))
    expect(excess(1, { containers: running })).toMatchObject({
      containers: [],
      images: [],
      releases: ['r3', 'r2', 'r1'],
    })
  })
})
