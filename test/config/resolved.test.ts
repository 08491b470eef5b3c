import { describe, expect, test } from 'vitest'
import { readLayers } from '../../src/config/layers.ts'
import { loadConfig } from '../../src/config/load.ts'
import { resolved, valueAt } from '../../src/config/resolved.ts'
import { yamlText, yamlWithComments } from '../../src/config/yaml-text.ts'
import { smallest } from './deploy-yml.ts'
import { folderWith } from './folder.ts'

const whole = `project: shop
builder: {registry: {server: ghcr.io, username: me, password: hunter2}}
registries:
  named: {server: a.example.com, username: me, password: A_TOKEN}
  made: {server: b.example.com, username: me, password: $(print token)}
  key: {server: c.example.com, auth: gcp-service-account, key: '{"a secret": 1}'}
ssh: {keys: [~/.ssh/id, DEPLOY_KEY], config: false}
servers: {web1: {host: one}, web2: {host: two, seed: false}}
x-anchor: &clear {VERSION: 1.10, "ON": yes, LONG: "a\\nb #c"}
services:
  web:
    build: {context: .}
    hosts: [web1]
    environment: {clear: *clear}
    command: run it
    labels: {}
    files: ["a:/a", {local: b, remote: /b}]
    proxy: {app_port: 3000, hosts: [a.example.com], forward_headers: [10.0.0.0/8], ssl: {certificate_pem: CERT, private_key_pem: KEY}}
`
const files = { Dockerfile: '', a: '', b: '' }
const read = (text: string, over?: string) => {
  const directory = folderWith({
    ...files,
    '.jiji/deploy.yml': text,
    ...(over === undefined ? {} : { '.jiji/deploy.staging.yml': over }),
  })
  const wanted = { directory, environment: over === undefined ? undefined : 'staging' }
  loadConfig(wanted)
  return resolved(readLayers(wanted))
}

describe('a configuration in full', () => {
  test('has defaults, with their own types, and what was written as it was written', () => {
    const { data } = read(whole)
    expect(data).toMatchObject({
      builder: { engine: 'docker', cache: true, registry: { port: 9270 } },
      ssh: { config: false, strict: false },
      servers: { web2: { seed: false } },
      services: {
        web: {
          replicas: 1,
          command: 'run it',
          environment: { clear: { VERSION: '1.10', ON: 'yes', LONG: 'a\nb #c' } },
          files: ['a:/a', { local: 'b', remote: '/b' }],
          proxy: { app_port: 3000, forward_headers: ['10.0.0.0/8'], healthcheck: { path: '/up', interval: '500ms' } },
        },
      },
      deploy: { parallel: 'all', wait: '0s', retain: 5 },
    })
  })
  test('has no defaults that are empty, but what was written to be so', () => {
    const web = valueAt(read(whole).data, ['services', 'web'])
    expect(web).toHaveProperty('labels', {})
    for (const key of ['tmpfs', 'ulimits', 'hooks', 'healthcheck.command', 'build.args'])
      expect(web).not.toHaveProperty(key)
  })
  test('shows the names of secrets and no secret', () => {
    const { data } = read(whole)
    expect(data).toMatchObject({
      builder: { registry: { password: '[builder.registry.password]' } },
      registries: {
        named: { password: 'A_TOKEN' },
        made: { password: '$(print token)' },
        key: { key: '[registries.key.key]' },
      },
      ssh: { keys: ['~/.ssh/id', 'DEPLOY_KEY'] },
    })
    expect(JSON.stringify(data)).not.toMatch(/hunter2|a secret/)
  })
  test('means what the files mean', () => {
    const once = read(whole.replace('hunter2', 'TOKEN').replace(`'{"a secret": 1}'`, 'GCP_KEY'))
    const again = read(yamlText(once.data))
    expect(again.data).toEqual(once.data)
  })
  test('knows where each value comes from', () => {
    const { data, originOf } = read(smallest, 'services:\n  web:\n    replicas: 3\n')
    const place = (path: readonly (string | number)[]) => {
      const origin = originOf(path)
      return origin ? `${origin.file.replace(/.*\.jiji\//, '')}:${origin.line}` : 'default'
    }
    expect(place(['services', 'web', 'replicas'])).toBe('deploy.staging.yml:3')
    expect(place(['services', 'web', 'hosts', 0])).toBe('deploy.yml:5')
    expect(place(['services', 'web', 'restart'])).toBe('default')
    const text = yamlWithComments(valueAt(data, ['services', 'web']), path => place(['services', 'web', ...path]))
    expect(text).toContain('hosts:\n  - web1 # deploy.yml:5\nrestart: unless-stopped # default\n')
    expect(text).toContain('replicas: 3 # deploy.staging.yml:3\n')
  })
})
