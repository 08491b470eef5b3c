import { describe, expect, test } from 'vitest'
import { configOf, smallest } from './deploy-yml.ts'

const warnings = (text: string, over?: string) =>
  configOf(text, over)
    .warnings.filter(({ code }) => code === 'no-effect')
    .map(({ line, column, path, message }) => `${line}:${column} ${path} ${message.replace('it does nothing: ', '')}`)

describe('a key that does nothing', () => {
  test.each<[string, string[]]>([
    ['deploy: {drain_timeout: 10s}', ['6:10 deploy.drain_timeout no service is behind the proxy']],
    ['proxy: {http_port: 8080}', ['6:9 proxy.http_port no service is behind the proxy']],
    ['builder: {cache: false, engine: podman}', ['6:11 builder.cache no service is built']],
    [
      'builder: {registry: {server: a.b, username: u, password: P}}',
      ['6:11 builder.registry nothing is built, and no image comes from a.b'],
    ],
    [
      'builder: {registry: {server: docker.io, username: u, password: P, port: 5000}}',
      ['6:67 builder.registry.port it is that of a local registry, and this one is remote'],
    ],
    [
      'registries: {a: {server: ghcr.io/x, username: u, password: P}}',
      ['6:14 registries.a no image comes from ghcr.io/x, or another credential is nearer to it'],
    ],
    ['registries: {a: {server: docker.io, username: u, password: P}}', []],
    ['deploy: {settle: 5s, retain: 3, stop_timeout: 5s, wait: 1s, parallel: 2}', []],
    [
      'environment: {clear: {A: 1, B: 2}, secrets: [A]}',
      ['6:23 environment.clear.A A is one of `secrets` too, and that wins'],
    ],
  ])('%s', (text, expected) => expect(warnings(`${smallest}${text}\n`)).toEqual(expected))

  const service = (keys: string) => `project: x
servers: {one: {host: a}, two: {host: b}, here: {host: local, user: me}}
services: {web: {image: "a:1", hosts: [one, two, here], ${keys}}}
`
  const ofUser = '2:63 servers.here.user host: local is this machine, without SSH'
  test.each<[string, string[]]>([
    ['', [ofUser]],
    [
      'proxy: {app_port: 1, hosts: [a.b], ssl_redirect: true}',
      [ofUser, '3:92 services.web.proxy.ssl_redirect there is no HTTPS without `ssl`'],
    ],
    ['proxy: {app_port: 1, hosts: [a.b], ssl: true, ssl_redirect: true}', [ofUser]],
    [
      'proxy: {targets: [{app_port: 1, hosts: [a.b], strip_path_prefix: true}]}',
      [ofUser, '3:103 services.web.proxy.targets.0.strip_path_prefix there is no prefix to be taken off'],
    ],
    [
      'healthcheck: {command: "true"}}}\ndeploy: {settle: 1s}\nx-end: {y: {',
      [ofUser, '4:10 deploy.settle every service has a health check of its own'],
    ],
  ])('in a service with %s', (keys, expected) => expect(warnings(service(keys))).toEqual(expected))

  test('a server that nothing uses, or that is named twice', () => {
    const text = smallest.replace('services:', '  web2: {host: b}\n  seed: {host: c, seed: false}\nservices:')
    expect(warnings(text.replace('[web1]', '[web1, web1]'))).toEqual([
      '4:3 servers.web2 no service runs there',
      '5:3 servers.seed no service runs there',
      '7:39 services.web.hosts.1 web1 is in this list already',
    ])
  })

  test('is one of the file that was asked for: a base serves other environments too', () => {
    const base = `${smallest}deploy: {drain_timeout: 10s}\n`
    expect(warnings(base, 'deploy: {settle: 1s}\n')).toEqual([])
    expect(warnings(base, 'deploy: {drain_timeout: 1s}\n')).toEqual([
      '1:10 deploy.drain_timeout no service is behind the proxy',
    ])
  })
})
