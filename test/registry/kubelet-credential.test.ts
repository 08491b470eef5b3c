import { describe, expect, test } from 'vitest'
import { type Credential, credentialsOf } from '../../src/config/config.ts'
import { Secret } from '../../src/config/secret.ts'
import { JijiError } from '../../src/errors.ts'
import type { Declared } from '../../src/registry/credential-helper.ts'
import { answerKubelet } from '../../src/registry/kubelet-credential.ts'
import { configOf, smallest } from '../config/deploy-yml.ts'
import { random } from '../shell/random.ts'

const apiVersion = 'credentialprovider.kubelet.k8s.io/v1'
const ecr = '123456789012.dkr.ecr.eu-west-1.amazonaws.com'
const config = configOf(`${smallest}registries:
  host: {server: ghcr.io, username: host, password: HOST}
  company: {server: ghcr.io/company, username: company, password: COMPANY}
  hub: {server: docker.io, username: hub, password: HUB}
  spaces: {server: quay.io/ours, username: ours, password: OURS}
  ecr: {server: ${ecr}, auth: aws-ecr}
`)
const declared: Declared = {
  credentials: credentialsOf(config),
  file: 'deploy.yml',
  secretOf: async ({ username }: Credential) => new Secret('A', `secret of ${username}`),
}

const ask = (image: unknown, more: object = {}) =>
  answerKubelet(JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion, image, ...more }), declared)

async function answered(image: string, more?: object) {
  const { text, isError } = await ask(image, more)
  const { kind, apiVersion: version, ...rest } = JSON.parse(text)
  expect([kind, version, isError]).toEqual(['CredentialProviderResponse', apiVersion, false])
  return rest
}

const login = (username: string) => ({ username, password: `secret of ${username}` })

describe('a kubelet that asks for an image gets', () => {
  test.each<[string, string, object]>([
    [
      'the credential with the longest key, for this image alone where the host has namespaces',
      'ghcr.io/company/app:1',
      { cacheKeyType: 'Image', auth: { 'ghcr.io/company': login('company') } },
    ],
    [
      "the host's own beside them",
      'ghcr.io/companyx/app@sha256:0123',
      { cacheKeyType: 'Image', auth: { 'ghcr.io': login('host') } },
    ],
    [
      'one for all images of the host where it has no namespaces',
      'docker.io/library/redis:7',
      { cacheKeyType: 'Registry', auth: { 'docker.io': login('hub') } },
    ],
    ['one for a bare name', 'redis', { cacheKeyType: 'Registry', auth: { 'docker.io': login('hub') } }],
    [
      'a token for half of its life',
      `${ecr}/app`,
      { cacheKeyType: 'Registry', cacheDuration: '21600s', auth: { [ecr]: login('AWS') } },
    ],
    ['none', 'quay.io/theirs/app', { cacheKeyType: 'Image', cacheDuration: '0s', auth: {} }],
    ['none', 'registry.example.com/app', { cacheKeyType: 'Image', cacheDuration: '0s', auth: {} }],
  ])('%s: %s', async (_, image, expected) => expect(await answered(image)).toEqual(expected))

  test('the same with what later kubelets add', async () => {
    const more = { serviceAccountToken: 'x', serviceAccountAnnotations: { a: 'b' } }
    expect(await answered('redis', more)).toMatchObject({ auth: { 'docker.io': login('hub') } })
  })
})

describe('an error, which does not repeat what was asked', () => {
  test.each<[string, string]>([
    ['nothing', ''],
    ['what is no JSON', '{"serviceAccountToken":"hunter2"'],
    ['a list', '["hunter2"]'],
    ['null', 'null'],
    ['no image', JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion, token: 'hunter2' })],
    ['another kind', JSON.stringify({ kind: 'Pod', apiVersion, image: 'hunter2' })],
    ['an image that is a number', JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion, image: 5 })],
  ])('for %s', async (_, input) => {
    const error = await answerKubelet(input, declared).catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: 'usage',
      message: expect.stringContaining('expected a CredentialProviderRequest'),
    })
    expect(String(error)).not.toContain('hunter2')
  })
  test('for another version, with the one to ask for', async () => {
    const error = await ask('redis', { apiVersion: 'credentialprovider.kubelet.k8s.io/v1beta1' }).catch(error => error)
    expect(error).toMatchObject({ code: 'usage', hint: expect.stringContaining(`apiVersion: ${apiVersion}`) })
  })
})

test('whatever is asked, there is an answer or an error of its own', async () => {
  const { next, pick, text } = random(5)
  for (let round = 0; round < 3000; round++) {
    const image = pick(['ghcr.io/', 'redis', '', 'a.b:5/']) + text(8)
    const whole = JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion, image })
    const input = pick([whole, whole.slice(0, next() * whole.length), text(20)])
    try {
      expect(JSON.parse((await answerKubelet(input, declared)).text).kind).toBe('CredentialProviderResponse')
    } catch (error) {
      expect(error).toBeInstanceOf(JijiError)
    }
  }
})
