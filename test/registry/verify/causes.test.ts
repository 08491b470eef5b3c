import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/config/secret.ts'
import { type Cause, explain, inMinutes } from '../../../src/registry/verify/causes.ts'

const login = { key: 'any', username: 'me', password: new Secret('TOKEN', 'hunter2') }
const facts = { repository: 'team/app', reference: '1.4', login, words: '403 denied' }
const ecr = '123456789012.dkr.ecr.eu-west-1.amazonaws.com'

describe('what to do', () => {
  test.each<[Cause, string, RegExp]>([
    ['wrong-password', 'ghcr.io', /TOKEN[\s\S]*classic[\s\S]*user name is the login/],
    ['no-pull', 'ghcr.io', /read:packages[\s\S]*SSO[\s\S]*fine-grained/],
    ['no-push', 'ghcr.io', /write:packages[\s\S]*org\.opencontainers\.image\.source[\s\S]*SSO/],
    ['wrong-password', ecr, /user name is AWS[\s\S]*12 h[\s\S]*--region eu-west-1\)/],
    ['no-repository', ecr, /^create it: aws ecr create-repository --repository-name team\/app --region eu-west-1$/],
    ['no-push', ecr, /ecr:InitiateLayerUpload/],
    ['wrong-password', '123456789012.dkr-ecr.eu-west-1.on.aws', /user name is AWS/],
    ['wrong-password', 'docker.io', /Docker ID/],
    ['rate-limited', 'docker.io', /pulls of this account/],
    ['wrong-password', 'europe-docker.pkg.dev', /_json_key/],
    ['no-pull', 'gcr.io', /artifactregistry\.reader/],
    ['wrong-password', 'team.azurecr.io', /00000000-0000/],
    ['wrong-password', 'quay.io', /NAMESPACE\+NAME/],
    ['no-push', 'registry.gitlab.com', /write_registry/],
    ['wrong-password', 'nvcr.io', /\$oauthtoken/],
    ['no-pull', 'registry.example.com', /^let me read that repository/],
    ['wrong-password', 'ghcr.io.example.com', /^check the user name[^\n]*$/],
  ])('%s at %s', (cause, host, hint) => expect(explain(cause, { ...facts, host }).hint).toMatch(hint))
})

test.each<[string, RegExp]>([
  [' hunter2', /TOKEN begins or ends with a space/],
  ['hunter2\t', /TOKEN begins or ends with a space/],
  ['hun ter2', /^[^\n]*$/],
])('a password %j that is refused', (value, hint) => {
  const login = { key: 'any', username: 'me', password: new Secret('TOKEN', value) }
  expect(explain('wrong-password', { host: 'registry.example.com', login, words: '401' }).hint).toMatch(hint)
})

describe('what happened', () => {
  const host = 'registry.example.com'
  test.each<[Cause, string]>([
    ['wrong-password', `${host} refused the login of me: 403 denied`],
    ['no-pull', `me may not pull ${host}/team/app: 403 denied`],
    ['no-push', `me may not push to ${host}/team/app: 403 denied`],
    ['no-tag', `${host}/team/app has no 1.4: 403 denied`],
    ['dns', `the name ${host} does not resolve`],
    ['clock-skew', `the certificate of ${host} is not valid by a clock that is 3 h behind: 403 denied`],
  ])('%s', (cause, message) => {
    expect(explain(cause, { ...facts, host, skew: -3 * 3_600_000 }).message).toBe(message)
  })
  test.each([
    [20_000, '1 min ahead'],
    [-900_000, '15 min behind'],
    [86_400_000 * 3, '3 days ahead'],
  ])('%i ms is %s', (skew, words) => expect(inMinutes(skew)).toBe(words))
})
