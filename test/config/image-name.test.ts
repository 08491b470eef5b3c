import { describe, expect, test } from 'vitest'
import type { BuilderRegistry } from '../../src/config/config.ts'
import { canonicalRepository, repositoryOf } from '../../src/config/image-name.ts'
import { imageName } from '../../src/deploy/plan/builds.ts'
import { configOf, smallest } from './deploy-yml.ts'

const ecr = '123456789012.dkr.ecr.eu-west-1.amazonaws.com'

describe('what a built image is called', () => {
  const nameIn = (registry: string) => {
    const text = smallest.replace('image: redis:7', 'build: {}')
    const config = configOf(`${text}builder: {registry: {${registry}}}`)
    return config.services.map(service => imageName(config, service, '1.10'))[0]
  }
  test.each([
    ['server: ghcr.io, username: me, password: T', 'ghcr.io/me/myapp/web:1.10'],
    ['server: docker.io, username: me, password: T', 'docker.io/me/myapp-web:1.10'],
    ['server: index.docker.io, username: me, password: T', 'docker.io/me/myapp-web:1.10'],
    ['server: registry-1.docker.io, username: me, password: T', 'docker.io/me/myapp-web:1.10'],
    ['type: local', 'localhost:9270/myapp-web:1.10'],
    ['port: 5001', 'localhost:5001/myapp-web:1.10'],
    ['server: registry.example.com, username: me, password: T', 'registry.example.com/myapp-web:1.10'],
    ['server: registry.example.com:5000', 'registry.example.com:5000/myapp-web:1.10'],
    [`server: ${ecr}, username: AWS, password: T`, `${ecr}/myapp-web:1.10`],

    ['server: ghcr.io, username: me, password: T, namespace: org', 'ghcr.io/org/myapp/web:1.10'],
    ['server: docker.io, username: me, password: T, namespace: org', 'docker.io/org/myapp-web:1.10'],
    ['server: registry.example.com, namespace: org', 'registry.example.com/org/myapp-web:1.10'],
    ['server: registry.example.com, namespace: org/team', 'registry.example.com/org/team/myapp-web:1.10'],
    ['server: ghcr.io, namespace: org', 'ghcr.io/org/myapp/web:1.10'],

    ['server: ghcr.io/Company, username: me, password: T', 'ghcr.io/company/myapp/web:1.10'],
    ['server: docker.io/company, username: me, password: T', 'docker.io/company/myapp-web:1.10'],
    ['server: registry.example.com/team', 'registry.example.com/team/myapp-web:1.10'],
    ['server: europe-docker.pkg.dev/proj/repo', 'europe-docker.pkg.dev/proj/repo/myapp-web:1.10'],

    ['server: ghcr.io, username: Me, password: T', 'ghcr.io/me/myapp/web:1.10'],
    ['server: GHCR.IO, namespace: My-Org', 'ghcr.io/my-org/myapp/web:1.10'],
    ['server: docker.io, username: ME, password: T', 'docker.io/me/myapp-web:1.10'],
  ])('{%s}: %s', (registry, name) => expect(nameIn(registry)).toBe(name))

  test('a user name itself keeps its case', () => {
    const text = smallest.replace('image: redis:7', 'build: {}')
    const { registry } = configOf(`${text}builder: {registry: {server: ${ecr}, username: AWS, password: T}}`).builder
    expect(registry).toMatchObject({ username: 'AWS' })
  })
  test('an image that is only pulled keeps its name', () => {
    const config = configOf(smallest)
    expect(config.services.map(service => imageName(config, service, '1.10'))).toEqual(['redis:7'])
  })
  test('a local registry is always this machine', () => {
    const registry: BuilderRegistry = { type: 'local', port: 9270, image: 'registry:2' }
    expect(repositoryOf(registry, 'myapp', 'web')).toBe('localhost:9270/myapp-web')
  })
})

describe('the repository that an image is in', () => {
  test.each([
    ['redis', 'docker.io/library/redis'],
    ['redis:7', 'docker.io/library/redis'],
    ['redis@sha256:0123ab', 'docker.io/library/redis'],
    ['redis:7@sha256:0123ab', 'docker.io/library/redis'],
    ['owner/app', 'docker.io/owner/app'],
    ['owner/app:1.0', 'docker.io/owner/app'],
    ['docker.io/redis', 'docker.io/library/redis'],
    ['index.docker.io/owner/app', 'docker.io/owner/app'],
    ['ghcr.io/Company/App:1', 'ghcr.io/company/app'],
    ['ghcr.io/company/app/web@sha256:0123ab', 'ghcr.io/company/app/web'],
    ['registry:5000/app:1', 'registry:5000/app'],
    ['registry:5000/app', 'registry:5000/app'],
    ['localhost/app', 'localhost/app'],
    ['127.0.0.1:9270/a-b:1', '127.0.0.1:9270/a-b'],
    ['[::1]:5000/app:1', '[::1]:5000/app'],
  ])('%s: %s', (image, repository) => expect(canonicalRepository(image)).toBe(repository))
})
