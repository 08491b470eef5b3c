import { describe, expect, test } from 'vitest'
import { resolveSecrets } from '../../src/config/secrets.ts'
import { credentialFor, loginFor } from '../../src/registry/credentials.ts'
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
