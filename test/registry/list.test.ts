import { describe, expect, test } from 'vitest'
import { credentialsOf } from '../../src/config/config.ts'
import { type Answer, askPlace, listed, unanswered } from '../../src/registry/list.ts'
import { recorder } from '../../src/runner/recorder.ts'
import type { Output } from '../../src/runner/runner.ts'
import { exits } from '../../src/shell/engine.ts'
import { configOf, smallest } from '../config/deploy-yml.ts'

const [ecr, team] = credentialsOf(
  configOf(`${smallest}registries:
  ecr: {server: public.ecr.aws, auth: aws-ecr}
  team: {server: ghcr.io/team, username: bot, password: TEAM, description: ask Ann}
`),
)
const { signal } = new AbortController()
const ask = (answer: Partial<Output>) =>
  askPlace({ name: 'web1', engine: 'docker', runner: recorder('web1', () => answer) }, ['a.b'], 'app', signal)
const event = (over: object) =>
  `login ${JSON.stringify({ at: '2026-01-31T10:00:00.000Z', by: 'ann', action: 'registry login', server: 'web1', registry: 'public.ecr.aws', result: 'done', ...over })}\n`

describe('a credential in the list', () => {
  const listing = (answers: Answer[], one = ecr) => one && listed(one, answers)

  test('has its name, kind and user', () => {
    expect(listing([], team)).toEqual({
      name: 'team',
      registry: 'ghcr.io/team',
      username: 'bot',
      auth: 'password',
      description: 'ask Ann',
      logins: [],
    })
  })
  test('says where a login is stored, and where nobody knows', async () => {
    const answers = [
      await ask({ stdout: 'held ghcr.io/team bot\n' }),
      await ask({}),
      await ask({ code: exits.engineMissing }),
      unanswered('web2', undefined),
    ]
    expect(listing(answers, team)?.logins).toEqual([
      { place: 'web1', state: 'held', username: 'bot' },
      { place: 'web1', state: 'none' },
      { place: 'web1', state: 'unknown', reason: 'web1: docker is not installed' },
      { place: 'web2', state: 'unknown', reason: 'it could not be reached' },
    ])
  })
  test('tells the last login, and when what it stored expires', async () => {
    const stdout =
      event({}) + event({ at: '2026-01-31T12:00:00.000Z', by: 'ben' }) + event({ at: '2026-01-31T11:00:00.000Z' })
    expect(listing([await ask({ stdout })])).toMatchObject({
      lastLogin: { at: '2026-01-31T12:00:00.000Z', by: 'ben', server: 'web1' },
      expires: '2026-02-01T00:00:00.000Z',
    })
  })
  test.each([
    ['a login that failed', event({ result: 'failed' })],
    ['a login to another registry', event({ registry: 'ghcr.io' })],
    ['a line that somebody has spoilt', 'login {"at":\nlogin \nlogin null\n'],
  ])('has never been logged in to after %s', async (_, stdout) => {
    expect(listing([await ask({ stdout })])?.lastLogin).toBeUndefined()
  })
  test('may have been logged in to at a time that is none', async () => {
    expect(listing([await ask({ stdout: event({ at: 'yesterday' }) })])?.expires).toBeUndefined()
    expect(listing([await ask({ stdout: event({ at: 5 }) + event({ at: null }) })])?.expires).toBeUndefined()
  })
})
