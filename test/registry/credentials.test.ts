import { describe, expect, test } from 'vitest'
import { resolveSecrets } from '../../src/config/secrets.ts'
import { credentialFor, explain, hostCredential, loginFor } from '../../src/registry/credentials.ts'
import { configOf, smallest } from '../config/deploy-yml.ts'

const config = configOf(`${smallest}builder: {registry: {server: ghcr.io, username: Builder, password: BUILDER}}
registries:
  company: {server: ghcr.io/company, username: company, password: COMPANY}
  team: {server: ghcr.io/company/team, username: team, password: TEAM}
  short: {server: ghcr.io/comp, username: short, password: SHORT}
  hub: {server: index.docker.io, username: hub, password: HUB}
  official: {server: docker.io/library, username: official, password: OFFICIAL}
  private: {server: "registry.example.com:5000", username: private, password: PRIVATE}
`)

describe('the credential for an image is the one with the longest key that covers it', () => {
  test.each<[string, string | undefined]>([
    ['ghcr.io/someone/app:1', 'builder.registry'],
    ['ghcr.io/company/app', 'company'],
    ['ghcr.io/company/app@sha256:0123', 'company'],
    ['GHCR.io/Company/App', 'company'],
    ['ghcr.io/company/team/app', 'team'],
    ['ghcr.io/company/team', 'team'],
    ['ghcr.io/company/teams/app', 'company'],
    ['ghcr.io/comp/app', 'short'],
    ['ghcr.io/companyx/app', 'builder.registry'],
    ['redis:7', 'official'],
    ['library/redis', 'official'],
    ['docker.io/redis', 'official'],
    ['owner/app', 'hub'],
    ['registry-1.docker.io/owner/app', 'hub'],
    ['registry.example.com:5000/a/b', 'private'],
    ['registry.example.com/a/b', undefined],
    ['registry.example.com:5001/a', undefined],
    ['quay.io/a/b', undefined],
    ['localhost:9270/app-web:1', undefined],
  ])('%s: %s', (image, name) => expect(credentialFor(config, image)?.name).toBe(name))
})

test('a login carries the secret, and the user name as it was written', async () => {
  const runCommand = async () => ''
  const secrets = await resolveSecrets(config, [config.builder, config.registries], {
    environment: { BUILDER: 'b', COMPANY: 'c', TEAM: 't', SHORT: 's', HUB: 'h', OFFICIAL: 'o', PRIVATE: 'p' },
    runCommand,
  })
  const login = loginFor(config, secrets, 'ghcr.io/someone/app')
  expect(login).toMatchObject({ key: 'ghcr.io', username: 'Builder' })
  expect(login?.password.reveal()).toBe('b')
  expect(loginFor(config, secrets, 'quay.io/a/b')).toBeUndefined()
})

test.each([
  ['pasted\n', 'pasted'],
  ['of Windows\r\n', 'of Windows'],
  ['several\nlines\n\n', 'several\nlines'],
  [' space ', ' space '],
])('the secret %j is the password %j', async (BUILDER, password) => {
  const secrets = await resolveSecrets(config, config.builder, {
    environment: { BUILDER },
    runCommand: async () => '',
  })
  expect(loginFor(config, secrets, 'ghcr.io/someone/app')?.password.reveal()).toBe(password)
})

describe("the image's own registry", () => {
  test('wins over every key', () => {
    expect(credentialFor(config, 'ghcr.io/company/team/app', 'short')?.name).toBe('short')
  })
  test('explains itself', () => {
    const text = `${smallest}  worker: {image: "ghcr.io/company/worker:1", hosts: [web1], registry: other}
registries:
  other: {server: ghcr.io/other, username: o, password: O}
  company: {server: ghcr.io/company, username: c, password: C}
`
    const { credential, because, declared } = explain(configOf(text), 'ghcr.io/company/worker')
    expect([credential?.name, because, [...declared]]).toEqual([
      'other',
      'services.worker.registry names it',
      [['ghcr.io/company', ['company']]],
    ])
  })
})

describe('how a credential is found', () => {
  test.each<[string, string | undefined, string]>([
    ['ghcr.io/company/app', 'company', 'ghcr.io/company is the longest key that covers the name'],
    ['quay.io/a/b', undefined, 'no key that is declared covers the name'],
  ])('%s', (image, name, because) =>
    expect(explain(config, image)).toMatchObject({ because, credential: name && { name } }),
  )
  test('for a host, of several: its own, else the first', () => {
    const all = ['a.b/x', 'ghcr.io/two', 'ghcr.io', 'ghcr.io/one'].map(key => ({ key }))
    expect(hostCredential(all, 'ghcr.io')?.key).toBe('ghcr.io')
    expect(hostCredential(all.slice(0, 2), 'ghcr.io')?.key).toBe('ghcr.io/two')
    expect(hostCredential(all, 'gcr.io')).toBeUndefined()
  })
})
