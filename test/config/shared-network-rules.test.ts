import { describe, expect, test } from 'vitest'
import { select } from '../../src/config/select.ts'
import { withSharers } from '../../src/config/shared-network.ts'
import { configOf, linesOf, problemsOf } from './deploy-yml.ts'

const written = (side: string, app = '', more = '') => `project: shop
servers: {web1: {host: a}, web2: {host: b}}
services:
  app: {image: a, hosts: [web1, web2]${app}}
  side: {image: b, hosts: [web1], network_mode: "service:app"${side}}
${more}`
const messagesOf = (text: string) => linesOf(problemsOf(text))

describe('a service that shares the network of another', () => {
  test.each([
    written(''),
    written(', stop_first: true, healthcheck: {command: x}', ', proxy: {app_port: 80, hosts: [a.b]}'),
    written('', ', ports: ["80:80"], stop_first: true, extra_hosts: ["a:1.2.3.4"]'),
    written('', '', 'deploy: {order: [app]}\n'),
  ])('may be %#', text => expect(messagesOf(text)).toEqual([]))

  test.each<[string, string]>([
    [
      written('').replace('service:app', 'service:ap'),
      'services.side.network_mode unknown-service: there is no service ap (did you mean service:app?)',
    ],
    [
      written('').replace('service:app', 'service:side'),
      'services.side.network_mode conflict: a service cannot share its own network (remove `network_mode`)',
    ],
    [
      written('', ', network_mode: host, stop_first: true'),
      'services.side.network_mode conflict: app is on the network of the server (write network_mode: host here too)',
    ],
    [
      written('', '', '  third: {image: c, hosts: [web1], network_mode: "service:side"}\n'),
      'services.third.network_mode conflict: side has no network of its own: it shares that of app (write service:app)',
    ],
    [
      written('').replace('hosts: [web1],', 'hosts: [web1, web2],').replace('[web1, web2]}', '[web1]}'),
      'services.side.hosts.1 conflict: app, whose network side shares, does not run on web2 (add it to services.app.hosts, or remove it here)',
    ],
    [
      written(', replicas: 2'),
      'services.side.replicas conflict: side shares the network of one container of app (remove it, or remove `network_mode` of side)',
    ],
    [
      written('', ', replicas: 2'),
      'services.app.replicas conflict: side shares the network of one container of app (remove it, or remove `network_mode` of side)',
    ],
    [
      written(', ports: ["80"]'),
      'services.side.ports conflict: the network is that of app (write them at services.app.ports)',
    ],
    [
      written(', proxy: {app_port: 80, hosts: [a.b]}'),
      'services.side.proxy conflict: the network is that of app (write it at services.app.proxy, as one of its `targets`, perhaps)',
    ],
    [
      written(', extra_hosts: ["a:1.2.3.4"]'),
      'services.side.extra_hosts conflict: the network is that of app (write them at services.app.extra_hosts)',
    ],
    [
      written(', options: {hostname: x, init: true}'),
      'services.side.options.hostname conflict: the network is that of app (write it at services.app.options)',
    ],
    [
      written(', hooks: {pre_deploy: migrate}'),
      'services.side.hooks.pre_deploy conflict: there is no network yet when it runs: the network is that of app (write it at services.app.hooks)',
    ],
    [
      written('', '', 'deploy: {order: [app, side]}\n'),
      'deploy.order.1 conflict: side is replaced together with app, whose network it shares (remove it here: the place of app is its own)',
    ],
  ])('is refused where %#', (text, message) =>
    expect(messagesOf(text).map(line => line.replace(/^\S+ /, ''))).toEqual([message]),
  )

  test('in a circle is refused at both ends', () => {
    expect(messagesOf(written('', ', network_mode: "service:side"'))).toEqual([
      expect.stringContaining(
        'services.app.network_mode conflict: side has no network of its own: it shares that of app (one of',
      ),
      expect.stringContaining(
        'services.side.network_mode conflict: app has no network of its own: it shares that of side (one of',
      ),
    ])
  })

  test('is selected with it, on the servers that are', () => {
    const config = configOf(written('').replace('hosts: [web1],', 'hosts: [web1, web2],'))
    const chosen = (services: string[], hosts?: string[]) =>
      withSharers(config, select(config, { services, hosts })).services.map(one => `${one.name} ${one.servers}`)
    expect(chosen(['app'])).toEqual(['app web1,web2', 'side web1,web2'])
    expect(chosen(['app'], ['web2'])).toEqual(['app web2', 'side web2'])
    expect(chosen(['side'], ['web1'])).toEqual(['side web1'])
  })
})
