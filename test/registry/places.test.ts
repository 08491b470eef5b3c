import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { atPlace, logInAt, loginsAt, logOutAt, type Row } from '../../src/registry/places.ts'
import { recorder } from '../../src/runner/recorder.ts'
import type { Output } from '../../src/runner/runner.ts'
import { exits } from '../../src/shell/engine.ts'
import { sh } from '../../src/shell/script.ts'

const { signal } = new AbortController()
const place = (answer: Partial<Output>) => ({
  name: 'web1',
  engine: 'docker' as const,
  runner: recorder('web1', () => answer),
})
const login = { key: 'localhost:1/owner', username: 'me', password: new Secret('TOKEN', 'hunter2') }
const row = { registry: 'localhost:1/owner', place: 'web1' }

describe('a login at one place', () => {
  test('is a row', async () => {
    expect(await logInAt(place({}), login, signal)).toEqual({ ...row, username: 'me', state: 'done' })
  })
  test.each<[Partial<Output>, string, string]>([
    [{ code: exits.engineMissing }, 'engine.missing', 'web1: docker is not installed'],
    [{ code: exits.engineDenied }, 'engine.denied', 'web1: this user may not use docker'],
    [{ code: 1, stderr: 'WARNING\nno route\n' }, 'failed', 'web1: the login to localhost:1 failed: no route'],
  ])('that fails (%j) is a row too', async (answer, code, reason) => {
    expect(await logInAt(place(answer), login, signal)).toMatchObject({
      ...row,
      state: 'failed',
      reason,
      error: { code },
    })
  })
  test('here says why a registry cannot be asked, and what to do', async () => {
    const here = { ...place({ code: 1, stderr: 'dial tcp: lookup\n' }), name: 'here' }
    expect(await logInAt(here, login, signal)).toMatchObject({
      reason: 'here: nothing listens at localhost:1',
      error: { code: 'registry.unreachable', hint: expect.stringContaining('is the port right') },
    })
  })
  test.each<[Partial<Output>, object]>([
    [{ stdout: 'done\n' }, { state: 'done' }],
    [{ stdout: 'already\n' }, { state: 'already' }],
    [
      { code: 1, stderr: 'no\n' },
      { state: 'failed', reason: 'web1: no', error: { code: 'engine.failed' } },
    ],
    [{ code: exits.engineMissing }, { state: 'failed', error: { code: 'engine.missing' } }],
  ])('ends: %j', async (answer, expected) => {
    expect(await logOutAt(place(answer), login, signal)).toMatchObject({ ...row, ...expected })
  })
})

describe('registries at a place', () => {
  const targets = ['ghcr.io/one', 'a.b', 'ghcr.io/two', 'ghcr.io'].map(key => ({ key, username: `of ${key}` }))
  const done = async ({ name }: { name: string }, { key }: { key: string }): Promise<Row> => ({
    registry: key,
    place: name,
    state: 'done',
  })
  test('are one per host with Docker, which keeps no more', async () => {
    const rows = await atPlace(place({}), targets, done)
    expect(rows.map(({ registry, state }) => `${registry} ${state}`)).toEqual([
      'ghcr.io/one skipped',
      'a.b done',
      'ghcr.io/two skipped',
      'ghcr.io done',
    ])
    expect(rows[0]?.reason).toBe(
      'Docker keeps one login per host, and here that is the one for ghcr.io (of ghcr.io); a deploy uses each for its own images',
    )
  })
  test('are all of them with Podman, one after the other', async () => {
    const rows = await atPlace({ ...place({}), engine: 'podman' }, targets, done)
    expect(rows.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done'])
  })
  test.each<[string, [string, string | undefined][]]>([
    ['', []],
    ['held a.b\nnoise\n', [['a.b', undefined]]],
    [
      'held ghcr.io/one me and you\nheld a.b\nheld\n',
      [
        ['ghcr.io/one', 'me and you'],
        ['a.b', undefined],
      ],
    ],
  ])('are held: %j', async (stdout, held) => {
    expect([...(await loginsAt(place({ stdout }), ['a.b'], sh`:`, signal)).held]).toEqual(held)
  })
})
