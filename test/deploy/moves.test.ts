import { describe, expect, test } from 'vitest'
import { select } from '../../src/config/select.ts'
import { buildsOf } from '../../src/deploy/plan/builds.ts'
import { imagesToFind } from '../../src/deploy/plan/moves.ts'
import type { Move } from '../../src/deploy/plan/plan.ts'
import type { Stored } from '../../src/registry/local/contents.ts'
import { renderMove } from '../../src/ui/moves.ts'
import { renderPlan } from '../../src/ui/plan.ts'
import { configOf } from '../config/deploy-yml.ts'
import { observed, planFor } from './world.ts'

const config = configOf(`project: app
servers: {web1: {host: a}, web2: {host: b}, here: {host: local}}
services:
  web: {build: {}, hosts: [web1, web2, here]}
  worker: {build: {}, hosts: [web1]}
  cache: {image: "redis:7", hosts: [web1]}
`)

type Parts = Record<string, number>

/** A repository, and its images: `DIGEST TAG... TIME`. */
function stored(repository: string, images: Record<string, Parts>): Stored {
  const versions = Object.entries(images).map(([name, parts]) => {
    const [digest = '', ...rest] = name.split(' ')
    const created = rest.pop() ?? ''
    return { digest, tags: rest, created, parts: new Map(Object.entries(parts)), manifests: [] }
  })
  return { repository, versions }
}

const standing = (service: string, version: string, isRunning = true) => ({
  service,
  version,
  release: `r${version}`,
  digest: `d${version}`,
  image: `localhost:9270/app-${service}:${version}`,
  isRunning,
})

const v8 = { base: 60, app8: 14 }
const v7 = { base: 60, app7: 12 }

describe('what is about to move to a server', () => {
  const moving = (web1: ReturnType<typeof standing>[], web2: ReturnType<typeof standing>[], all: readonly Stored[]) =>
    planFor(
      config,
      [observed({ containers: web1 }), observed({ server: 'web2', containers: web2 }), observed({ server: 'here' })],
      { stored: all },
    ).servers.map(({ moves }) => moves?.find(({ service }) => service === 'web')?.image)

  const web = (images: Record<string, Parts>) => [stored('app-web', images)]
  test.each<[string, ReturnType<typeof standing>[], ReturnType<typeof standing>[], readonly Stored[], Move['image'][]]>(
    [
      ['is not known where the registry has nothing', [standing('web', '8')], [], [], [undefined, undefined]],
      [
        'is what changed, or all of it where there is nothing',
        [standing('web', '8')],
        [],
        web({ 'd8 8 2': v8 }),
        [
          { version: '8', size: 74, missing: 0 },
          { version: '8', size: 74, missing: 74 },
        ],
      ],
      [
        'is also what an older one lacks, whether it runs or not',
        [standing('web', '8'), standing('web', '7', false)],
        [standing('web', '7', false)],
        web({ 'd7 7 1': v7, 'd8 2': v8 }),
        [
          { version: '8', size: 74, missing: 0 },
          { version: '8', size: 74, missing: 14 },
        ],
      ],
      [
        'is reckoned from what was deployed, and not from what was built later',
        [standing('web', '7')],
        [],
        web({ 'd7 7 1': v7, 'd8 8 2': v8 }),
        [
          { version: '7', size: 72, missing: 0 },
          { version: '7', size: 72, missing: 72 },
        ],
      ],
      [
        'is reckoned from what was built last where nothing was deployed',
        [],
        [],
        web({ 'd7 7 1': v7, 'd8 8 2': v8 }),
        [
          { version: '8', size: 74, missing: 74 },
          { version: '8', size: 74, missing: 74 },
        ],
      ],
      [
        'is exact for a version that was built before',
        [standing('web', '8')],
        [],
        web({ 'd8 8 2': v8, 'd9 9 1': { base: 60, app9: 5 } }),
        [
          { version: '9', size: 65, missing: 5 },
          { version: '9', size: 65, missing: 65 },
        ],
      ],
      [
        'does not count what another project has brought',
        [{ ...standing('web', '8'), image: 'localhost:9999/other-web:8' }],
        [],
        [stored('other-web', { 'd8 2': { base: 60 } }), ...web({ 'd9 9 1': { base: 60, app9: 5 } })],
        [
          { version: '9', size: 65, missing: 5 },
          { version: '9', size: 65, missing: 65 },
        ],
      ],
    ],
  )('%s', (_, web1, web2, all, expected) => {
    expect(moving(web1, web2, all)).toEqual([...expected, undefined])
  })

  test('counts what services share once, and only what is built', () => {
    const all = [stored('app-web', { 'd8 8 2': v8 }), stored('app-worker', { 'e8 8 2': { base: 60, work: 3 } })]
    const { moves } = planFor(config, [observed()], { stored: all, selection: { hosts: ['web1'] } }).servers[0] ?? {}
    expect(moves).toEqual([
      { service: 'web', image: { version: '8', size: 74, missing: 74 } },
      { service: 'worker', image: { version: '8', size: 63, missing: 3 } },
    ])
  })
  test('is not told where nobody has asked, nor of images from elsewhere', () => {
    const remote = configOf(
      'project: app\nbuilder: {registry: {server: a.b}}\nservers: {web1: {host: a}}\nservices: {web: {build: {}, hosts: [web1]}}\n',
    )
    expect(planFor(remote, [observed()], { stored: [] }).servers[0]).not.toHaveProperty('moves')
    expect(planFor(config, [observed()], { selection: { hosts: ['web1'] } }).servers[0]).not.toHaveProperty('moves')
  })
  test('is part of the plan that is shown', () => {
    const plan = planFor(config, [observed()], { stored: [], selection: { hosts: ['web1'], services: ['web'] } })
    expect(renderPlan(plan)).toContain(
      '    web: start localhost:9270/app-web:9\n      how much moves is not known before the first build',
    )
  })
})

test('what is asked of the registry is this version, and all that runs', () => {
  const containers = [standing('web', '8'), standing('web', '7', false), { ...standing('x', '1'), image: 'redis:7' }]
  const other = { ...standing('web', '5'), image: 'localhost:9999/other-web:5' }
  const observations = [
    observed({ containers }),
    observed({ server: 'web2', containers: [standing('web', '8'), other] }),
  ]
  expect(
    imagesToFind(buildsOf(config, select(config, { services: ['web', 'cache'] }), '9', 'amd64'), observations),
  ).toEqual([
    { repository: 'app-web', tags: ['9'], digests: ['d8', 'd7'] },
    { repository: 'other-web', tags: [], digests: ['d5'] },
  ])
})

test.each<[Move['image'], string]>([
  [undefined, 'how much moves is not known before the first build'],
  [{ version: '8', size: 74e6, missing: 0 }, 'only what changed since 8 moves, of 74 MB'],
  [{ version: '8', size: 74e6, missing: 14e6 }, 'about 14 MB and what changed since 8 move, of 74 MB'],
  [{ version: '8', size: 74e6, missing: 74e6 }, 'about 74 MB move, like 8'],
  [{ version: '9', size: 65e6, missing: 0 }, 'nothing moves if 9 is built as it was: all 65 MB are there'],
  [{ version: '9', size: 65e6, missing: 5e6 }, '5 MB of 65 MB move if 9 is built as it was'],
])('%j is said as: %s', (image, text) => {
  expect(renderMove({ service: 'web', ...(image ? { image } : {}) }, '9')).toBe(text)
})
