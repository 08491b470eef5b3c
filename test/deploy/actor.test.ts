import { hostname, userInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import { findActor } from '../../src/deploy/actor.ts'
import { auditEntry } from '../../src/deploy/audit.ts'
import type { Runner } from '../../src/runner/runner.ts'

const here = (email: string): Runner => ({
  server: 'here',
  run: async () => ({ code: email ? 0 : 1, stdout: `${email}\n`, stderr: '' }),
  close: async () => {},
})
const login = `${userInfo().username}@${hostname()}`
const github = {
  GITHUB_ACTIONS: 'true',
  GITHUB_ACTOR: 'octocat',
  GITHUB_REPOSITORY: 'acme/shop',
  GITHUB_RUN_ID: '42',
  GITHUB_WORKFLOW: 'Deploy',
  GITHUB_SERVER_URL: 'https://github.com',
}
const gitlab = {
  GITLAB_USER_LOGIN: 'tanuki',
  CI_PROJECT_PATH: 'acme/shop',
  CI_PIPELINE_ID: '7',
  CI_JOB_NAME: 'deploy',
  CI_JOB_URL: 'https://gitlab.com/acme/shop/-/jobs/9',
}

describe('who changes something', () => {
  test.each<[string, string, Record<string, string>, object]>([
    ['a user', '', {}, { by: userInfo().username, host: hostname(), who: { login } }],
    ['git knows', 'ann@a.b', {}, { by: 'ann@a.b', host: hostname(), who: { login, git: 'ann@a.b' } }],
    [
      'a run of GitHub Actions',
      'bot@a.b',
      github,
      {
        by: 'octocat',
        host: 'GitHub Actions acme/shop/42',
        who: {
          login,
          git: 'bot@a.b',
          ci: {
            name: 'GitHub Actions',
            repository: 'acme/shop',
            run: '42',
            actor: 'octocat',
            workflow: 'Deploy',
            url: 'https://github.com/acme/shop/actions/runs/42',
          },
        },
      },
    ],
    [
      'a pipeline of GitLab',
      '',
      gitlab,
      {
        by: 'tanuki',
        host: 'GitLab CI acme/shop/7',
        who: {
          login,
          ci: {
            name: 'GitLab CI',
            repository: 'acme/shop',
            run: '7',
            actor: 'tanuki',
            workflow: 'deploy',
            url: 'https://gitlab.com/acme/shop/-/jobs/9',
          },
        },
      },
    ],
    ['a CI that says little', '', { GITHUB_ACTOR: 'x' }, { by: userInfo().username, who: { login } }],
  ])('%s', async (_, email, environment, actor) => {
    expect(await findActor(here(email), environment)).toMatchObject(actor)
  })
  test('is on record with the key that the server took', () => {
    const actor = { by: 'ann', host: 'laptop', who: { login: 'ann@laptop' } }
    const address = { user: 'deploy', host: 'web1', port: 22, hostKey: '', key: 'SHA256:abc' }
    const reached = { ...here(''), server: 'web1', forward: () => {}, address } as unknown as Runner
    const deed = { action: 'exec', result: 'begun' } as const
    expect(auditEntry(actor, 'shop', reached, deed)).toEqual({
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      by: 'ann',
      action: 'exec',
      project: 'shop',
      server: 'web1',
      result: 'begun',
      login: 'ann@laptop',
      ssh: { user: 'deploy', key: 'SHA256:abc' },
    })
    expect(auditEntry(actor, 'shop', here(''), deed)).not.toHaveProperty('ssh')
  })
})
