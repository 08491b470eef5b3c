import { execFileSync } from 'node:child_process'
import { hostname, userInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import { findActor } from '../../src/deploy/actor.ts'
import { type Event, reported } from '../../src/deploy/event.ts'
import { settled, together } from '../../src/deploy/failure.ts'
import { replacementLimit } from '../../src/deploy/limits.ts'
import { sourceUrl } from '../../src/deploy/source-url.ts'
import { readTree, versionOf } from '../../src/deploy/version.ts'
import { JijiError } from '../../src/errors.ts'
import { localRunner } from '../../src/runner/local.ts'
import { recorder } from '../../src/runner/recorder.ts'
import { folderWith, write } from '../config/folder.ts'
import { config, serviceIn } from './world.ts'

const now = new Date('2026-01-31T12:34:56.789Z')

describe('the version of a release', () => {
  const here = localRunner('here')
  const git = (folder: string, ...words: string[]) =>
    execFileSync(
      'git',
      ['-c', 'user.name=x', '-c', 'user.email=x@example.com', '-c', 'init.defaultBranch=main', ...words],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    ).trim()
  const repository = (files: Record<string, string>) => {
    const folder = folderWith({ ...files, '.gitignore': 'ignored\n' })
    git(folder, 'init', '-q')
    git(folder, 'add', '.')
    git(folder, 'commit', '-q', '-m', 'first')
    return { folder, commit: git(folder, 'rev-parse', '--short', 'HEAD') }
  }

  const findVersion = async (folder: string) => versionOf(await readTree(here, folder), undefined, now)

  test.each(['1.10', 'v2', '12345e7', '_x', 'a'.repeat(128)])('is %s where it is asked for', wanted => {
    expect(versionOf({ version: 'other' }, wanted, now)).toBe(wanted)
  })
  test.each(['', '-1', '.1', 'a b', 'a/b', 'a:b', 'a'.repeat(129), 'ü', '$(id)'])('cannot be %j', wanted => {
    expect(() => versionOf({}, wanted, now)).toThrow(expect.objectContaining({ code: 'usage' }))
  })
  test('is the commit where the tree is clean', async () => {
    const { folder, commit } = repository({ a: '1' })
    write(folder, { ignored: 'x' })
    expect(await findVersion(folder)).toBe(commit)
  })
  test('is another for each change, and the same for the same', async () => {
    const { folder, commit } = repository({ a: '1' })
    const versions: string[] = []
    for (const text of ['2', '3', '2']) {
      write(folder, { a: text })
      versions.push(await findVersion(folder))
    }
    for (const version of versions) expect(version).toMatch(new RegExp(`^${commit}-dirty-[0-9a-f]{7}$`))
    expect(versions[2]).toBe(versions[0])
    expect(versions[1]).not.toBe(versions[0])
  })
  test('is another for each file that git does not know yet, by name and by content', async () => {
    const { folder } = repository({ a: '1' })
    const versions: string[] = []
    for (const files of [{ b: 'x' }, { b: 'y' }, { b: 'y', 'with space': 'z' }]) {
      write(folder, files)
      versions.push(await findVersion(folder))
    }
    expect(new Set(versions).size).toBe(3)
  })
  test('does not know of changes outside the project', async () => {
    const { folder, commit } = repository({ 'app/a': '1', 'other/b': '1' })
    write(folder, { 'other/b': '2' })
    expect(await findVersion(`${folder}/app`)).toBe(commit)
  })
  test('is the time where there is no git', async () => {
    expect(await findVersion(folderWith({}))).toBe('20260131T123456')
  })
  test('is the time where there is no commit yet', async () => {
    const folder = folderWith({})
    git(folder, 'init', '-q')
    expect(await findVersion(folder)).toBe('20260131T123456')
  })
  test('has a revision that says as truly what it was', async () => {
    const { folder, commit } = repository({ a: '1' })
    git(folder, 'remote', 'add', 'upstream', 'https://ann:t0ken@github.com/acme/shop.git')
    const source = 'https://github.com/acme/shop'
    const revision = git(folder, 'rev-parse', 'HEAD')
    expect(await readTree(here, folder)).toEqual({ version: commit, revision, source })
    write(folder, { b: 'x' })
    const dirty = await readTree(here, folder)
    expect(dirty.revision).toBe(revision + dirty.version?.slice(commit.length))
    expect(dirty.version).toMatch(/-dirty-[0-9a-f]{7}$/)
  })
})

describe('the source of an image', () => {
  test.each<[string, string | undefined]>([
    ['https://github.com/acme/shop.git', 'https://github.com/acme/shop'],
    ['https://x-access-token:t0ken@github.com/acme/shop', 'https://github.com/acme/shop'],
    ['https://git.example.com:8443/a/b.git/', 'https://git.example.com:8443/a/b'],
    ['https://gitlab.com/a/b?private_token=t0ken#x', 'https://gitlab.com/a/b'],
    ['git@github.com:acme/shop.git', 'https://github.com/acme/shop'],
    ['github.com:acme/shop', 'https://github.com/acme/shop'],
    ['ssh://git@github.com:22/acme/shop.git', 'https://github.com/acme/shop'],
    ['git://example.com/a', 'https://example.com/a'],
    ['/srv/git/shop.git', undefined],
    ['../shop', undefined],
    ['file:///srv/git/shop.git', undefined],
    ['C:\\repos\\shop', undefined],
    ['', undefined],
  ])('%j is %s', (remote, url) => expect(sourceUrl(remote)).toBe(url))
})

describe('who deploys', () => {
  const mail = recorder('here', () => ({ stdout: 'ann@example.com\n' }))
  const nobody = recorder('here', () => ({ code: 1 }))
  test.each<[string, ReturnType<typeof recorder>, Record<string, string>, object]>([
    ['is the git identity', mail, {}, { by: 'ann@example.com', host: hostname() }],
    ['is the login name without one', nobody, {}, { by: userInfo().username, host: hostname() }],
    [
      'is the CI run where there is one',
      mail,
      { GITHUB_ACTOR: 'bob', GITHUB_REPOSITORY: 'o/r', GITHUB_RUN_ID: '7' },
      { by: 'bob', host: 'GitHub Actions o/r/7' },
    ],
    ['is not just anybody called GITHUB_ACTOR', mail, { GITHUB_ACTOR: 'bob' }, { by: 'ann@example.com' }],
  ])('%s', async (_, here, environment, actor) => expect(await findActor(here, environment)).toMatchObject(actor))
})

describe('failures of several servers', () => {
  const failure = (server: string) =>
    new JijiError('server.unreachable', `${server} is off`, { server, hint: `switch ${server} on` })
  test.each<[string[], number, object]>([
    [['a'], 1, { code: 'server.unreachable', message: 'a is off', hint: 'switch a on' }],
    [['a'], 3, { code: 'servers.partial', exitStatus: 7, message: '1 of 3 servers failed' }],
    [['a', 'b'], 3, { code: 'servers.partial', output: 'a is off\n  switch a on\nb is off\n  switch b on' }],
    [['a', 'b'], 2, { code: 'server.unreachable', exitStatus: 4, message: '2 of 2 servers failed' }],
  ])('%j of %i', (servers, total, expected) => {
    expect(together(servers.map(failure), total)).toMatchObject(expected)
  })
})

describe('work that goes on together', () => {
  test('gives all results', async () => {
    expect(await settled([Promise.resolve(1), Promise.resolve('b')])).toEqual([1, 'b'])
  })
  test('fails with the first failure in order, when none is running any more', async () => {
    const ended: string[] = []
    const slow = new Promise(resolve => setTimeout(() => resolve(ended.push('slow')), 20))
    const work = settled([slow, Promise.reject(new Error('second')), Promise.reject(new Error('third'))])
    await expect(work).rejects.toThrow('second')
    expect(ended).toEqual(['slow'])
  })
  test('is reported from its beginning to its end', async () => {
    const events: Event[] = []
    const step = (work: () => Promise<unknown>) =>
      reported(event => events.push(event), { step: 'pull', server: 'a' }, work)
    await step(async () => 1)
    await step(() => Promise.reject(new Error('no'))).catch(() => {})
    expect(events.map(({ state }) => state)).toEqual(['begun', 'done', 'begun', 'failed'])
  })
  test('has not failed when something else has it stop', async () => {
    const events: Event[] = []
    const work = () => Promise.reject(new JijiError('interrupted', 'the deploy ended'))
    await reported(event => events.push(event), { step: 'build' }, work).catch(() => {})
    expect(events.map(({ state }) => state)).toEqual(['begun', 'stopped'])
  })
})

test('a replacement may take what its settings say, and a minute', () => {
  const timing = { settle: 3000, drain_timeout: 30_000, stop_timeout: 10_000 }
  expect(replacementLimit({ service: serviceIn(config, 'web'), timing })).toBe(60_000 + 3000 + 30_000 + 20_000 + 60_000)
})
