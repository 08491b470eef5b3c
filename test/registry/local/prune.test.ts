import { createServer } from 'node:http'
import { describe, expect, test } from 'vitest'
import { clientOfLocal } from '../../../src/registry/local/client.ts'
import type { Stored, Version } from '../../../src/registry/local/contents.ts'
import { type Choice, deleteManifests, planPrune, projectOf } from '../../../src/registry/local/prune.ts'
import { freeVolume, readVolume, type Volume } from '../../../src/registry/local/volume.ts'
import { recorder } from '../../../src/runner/recorder.ts'
import type { Output } from '../../../src/runner/runner.ts'
import { exits } from '../../../src/shell/engine.ts'
import { digestOf, localImages } from '../local-images.ts'
import { listen } from '../servers.ts'

const { signal } = new AbortController()

/** An image that shares a base with all others; its time is a day of January. */
const version = (tag: string, day: number | undefined, over: Partial<Version> = {}): Version => ({
  digest: tag,
  tags: [tag],
  parts: new Map([
    ['base', 1000],
    [tag, 10],
  ]),
  manifests: [],
  ...(day === undefined ? {} : { created: new Date(Date.UTC(2026, 0, day)).toISOString() }),
  project: 'shop',
  ...over,
})
const empty: Volume = { port: 1, used: 0, pushed: new Map(), revisions: [] }
const plan = (versions: Version[] | Stored[], choice: Partial<Choice> = {}, volume: Partial<Volume> = {}) => {
  const contents = versions.map(one => ('digest' in one ? undefined : one)).filter(one => one !== undefined)
  const web = versions.filter((one): one is Version => 'digest' in one)
  const all = web.length > 0 ? [{ repository: 'shop-web', versions: web }] : contents
  return planPrune(all, { ...empty, ...volume }, { covers: () => true, retain: 2, ...choice })
}
const tagsOf = ({ removals }: ReturnType<typeof planPrune>) => removals.flatMap(({ version }) => version.tags)
const january = (day: number) => Date.UTC(2026, 0, day)

describe('of the local registry goes', () => {
  test('what is not among the newest, with what no other shares', () => {
    const planned = plan([version('a', 1), version('d', 4), version('b', 2), version('c', 3)])
    expect(tagsOf(planned)).toEqual(['a', 'b'])
    expect(planned.size).toBe(20)
    expect(planned.manifests).toEqual(['a', 'b'].map(digest => ({ repository: 'shop-web', digest })))
  })
  test('what was pushed first, whenever it was built', () => {
    const pushed = new Map([
      ['shop-web:a', january(9)],
      ['shop-web:b', january(8)],
      ['shop-web:c', january(7)],
    ])
    expect(tagsOf(plan([version('a', 1), version('b', 2), version('c', 3)], {}, { pushed }))).toEqual(['c'])
  })
  test('never an image that one of its tags keeps', () => {
    const pushed = new Map([['shop-web:new', january(9)]])
    const both = version('old', 1, { tags: ['old', 'new'] })
    expect(tagsOf(plan([both, version('b', 2), version('c', 3)], {}, { pushed }))).toEqual(['b'])
  })
  test('nothing of which nobody knows how old it is', () => {
    const odd = [version('a', undefined), version('b', undefined), version('c', 1), version('d', 2)]
    expect(tagsOf(plan(odd))).toEqual(['c', 'd'])
    expect(tagsOf(plan(odd, { before: january(20) }))).toEqual(['c', 'd'])
  })
  test('what is too old, be it the last', () => {
    const all = [version('a', 1), version('b', 2), version('c', 3)]
    expect(tagsOf(plan(all, { before: january(3) }))).toEqual(['a', 'b'])
    expect(tagsOf(plan(all, { before: january(4) }))).toEqual(['a', 'b', 'c'])
  })
  test('nothing of one environment for the sake of another', () => {
    const staging = [5, 6, 7].map(day => version(`s${day}`, day, { project: 'shop-staging' }))
    expect(tagsOf(plan([version('a', 1), version('b', 2), ...staging]))).toEqual(['s5'])
  })
  test('nothing of another project', () => {
    const contents = ['shop-web', 'other-web'].map(repository => ({
      repository,
      versions: [version('a', 1), version('b', 2), version('c', 3)],
    }))
    const planned = plan(contents, { covers: repository => repository === 'other-web' })
    expect(planned.removals.map(({ repository }) => repository)).toEqual(['other-web'])
    expect(planned.size).toBe(0)
  })
  test('what lost its tag, where all images of the repository are covered', () => {
    const revisions = ['c', 'lost'].map(digest => ({ repository: 'shop-web', digest, at: january(5) }))
    const lost = [{ repository: 'shop-web', digest: 'lost' }]
    const mixed = [version('c', 3), version('d', 4, { project: 'hers' })]
    const covers: Choice['covers'] = (_, project) => project === 'shop'
    expect(plan([version('c', 3)], {}, { revisions }).manifests).toEqual(lost)
    expect(plan([version('c', 3)], { before: january(5) }, { revisions }).manifests).not.toContainEqual(lost[0])
    expect(plan([version('c', 3)], { before: january(6) }, { revisions }).manifests).toEqual([
      { repository: 'shop-web', digest: 'c' },
      ...lost,
    ])
    expect(plan(mixed, { covers }, { revisions }).manifests).toEqual([])
    expect(plan([], {}, { revisions: lost.map(one => ({ ...one, at: 0 })) }).manifests).toEqual(lost)
  })
  test('as many of each architecture where a version has a tag for each', () => {
    const all = ['1', '2', '3'].flatMap((name, day) => [
      version(`${name}-amd64`, day + 1),
      version(`${name}-arm64`, day + 1),
    ])
    const { removals } = plan(all, { retain: 2 })
    expect(removals.map(one => one.version.digest)).toEqual(['1-amd64', '1-arm64'])
  })
  test('no part of an image for several platforms that stays, and all of one that goes', () => {
    const multi = (tag: string, day: number, ...manifests: string[]) => version(tag, day, { manifests })
    const all = [multi('a', 1, 'amd', 'arm'), multi('b', 2, 'amd', 'risc'), version('c', 3)]
    const revisions = ['a', 'b', 'c', 'amd', 'arm', 'risc'].map(digest => ({ repository: 'shop-web', digest, at: 0 }))
    expect(plan(all, {}, { revisions }).manifests.map(({ digest }) => digest)).toEqual(['a', 'arm'])
  })
})

test.each<[string, string | undefined, string | undefined]>([
  ['shop-web', 'shop', 'shop'],
  ['shop-web', 'shop-staging', 'shop'],
  ['shop-admin-web', 'shop-admin', 'shop-admin'],
  ['shop-web', 'shop-admin', 'shop'],
  ['shop-web', 'other', undefined],
  ['shopping-web', 'shop', undefined],
  ['shop-web', undefined, undefined],
  ['-web', '', undefined],
])('%s with the label %s is of the project %s', (repository, label, project) => {
  expect(projectOf(repository, label)).toBe(project)
})

describe('manifests', () => {
  const deleteFrom = async (status: number) => {
    const { listener, deleted } = localImages()
    const server = createServer((request, response) =>
      status === 202 ? listener(request, response) : response.writeHead(status).end(),
    )
    const client = clientOfLocal(Number((await listen(server)).split(':')[1]))
    await deleteManifests(
      client,
      ['one', 'two'].map(one => ({ repository: 'a/b', digest: digestOf(one) })),
    )
    return deleted
  }
  test('are deleted, and may be gone already', async () => {
    expect(await deleteFrom(202)).toEqual([`a/b@${digestOf('one')}`, `a/b@${digestOf('two')}`])
    expect(await deleteFrom(404)).toEqual([])
  })
  test('are not deleted where that is switched off', async () => {
    await expect(deleteFrom(405)).rejects.toMatchObject({
      code: 'engine.failed',
      hint: expect.stringContaining('jiji registry remove'),
    })
  })
})

describe('the disk of the local registry', () => {
  const here = (answer: Partial<Output>) => recorder('here', () => answer)
  test('tells what was pushed when, and what has no tag', async () => {
    const hash = '0'.repeat(64)
    const stdout = `port 9271
used 12	/var/lib/registry
tag 1700000000 ./shop-web/_manifests/tags/v1/current/link
tag 1700000001 ./a/b/_manifests/tags/v.2/current/link
revision 1700000002 ./a/b/_manifests/revisions/sha256/${hash}/link
tag x ./shop-web/_manifests/tags/v1/current/link
`
    expect(await readVolume(here({ stdout }), 'docker', signal)).toEqual({
      port: 9271,
      used: 12 * 1024,
      pushed: new Map([
        ['shop-web:v1', 1_700_000_000_000],
        ['a/b:v.2', 1_700_000_001_000],
      ]),
      revisions: [{ repository: 'a/b', digest: `sha256:${hash}`, at: 1_700_000_002_000 }],
    })
    expect(await readVolume(here({ stdout: 'port 1\n' }), 'docker', signal)).toEqual({ ...empty, used: undefined })
  })
  test.each<[Partial<Output>, string]>([
    [{}, 'nothing.running'],
    [{ code: exits.notOurs }, 'name.taken'],
    [{ code: exits.engineMissing }, 'engine.missing'],
    [{ code: 1, stderr: 'no\n' }, 'engine.failed'],
  ])('cannot be read: %j', async (answer, code) => {
    await expect(readVolume(here(answer), 'docker', signal)).rejects.toMatchObject({ code })
  })
  test('is freed, and says how much is left', async () => {
    expect(await freeVolume(here({ stdout: 'used 7\t/\n' }), 'docker', signal)).toBe(7 * 1024)
    expect(await freeVolume(here({}), 'docker', signal)).toBeUndefined()
    await expect(freeVolume(here({ code: 1, stderr: 'no\n' }), 'docker', signal)).rejects.toMatchObject({
      code: 'engine.failed',
      message: 'the disk of the local registry could not be cleaned: no',
    })
  })
})
