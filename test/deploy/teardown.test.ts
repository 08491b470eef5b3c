import { describe, expect, test } from 'vitest'
import { select } from '../../src/config/select.ts'
import { planTeardown } from '../../src/deploy/plan/teardown.ts'
import { configOf } from '../config/deploy-yml.ts'
import { observed, twoServers } from './world.ts'

const config = configOf(
  twoServers.replace('worker: {image: worker,', 'worker: {image: worker, volumes: ["data:/data"],'),
)
const own = { service: 'worker', release: 'r1' }
const sites = [{ project: 'app', hosts: ['app.example.com'], services: [], certificates: {}, hash: '' }]
const belongings = new Map([
  ['web1', { images: ['app-worker:r1'], volumes: ['app-worker-data', 'app-old-data'], folder: '/var/lib/jiji/app' }],
])
const teardownOf = (situation: Parameters<typeof observed>[0]) =>
  planTeardown(config, select(config, { hosts: ['web1'] }), [observed(situation)], belongings, { isWithVolumes: false })
    .servers[0]

describe('all of a project', () => {
  test('is what it has on a server, and what the last one there leaves', () => {
    expect(teardownOf({ containers: [own], sites })).toMatchObject({
      containers: ['app-worker-r1'],
      routes: ['app.example.com'],
      images: ['app-worker:r1', 'worker:r1'],
      volumes: ['app-worker-data', 'app-old-data'],
      folder: '/var/lib/jiji/app',
      isLast: true,
      others: [],
    })
  })
  test.each([
    [{ containers: [own, { ...own, project: 'other' }] }],
    [
      {
        containers: [own],
        sites: [...sites, { project: 'other', hosts: ['other.example.com'], services: [], certificates: {}, hash: '' }],
      },
    ],
  ])('is not what another project has too', situation => {
    expect(teardownOf(situation)).toMatchObject({ containers: ['app-worker-r1'], isLast: false, others: ['other'] })
  })
  test('is not what a project had that has gone', () => {
    const gone = { project: 'other', hosts: [], services: [], certificates: {}, hash: '' }
    expect(teardownOf({ containers: [own], sites: [...sites, gone] })).toMatchObject({ isLast: true })
  })
})
