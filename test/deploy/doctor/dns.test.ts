import { expect, test } from 'vitest'
import { judgeDns, nameIn, routesOf } from '../../../src/deploy/doctor/dns.ts'
import { configOf } from '../../config/deploy-yml.ts'

const addresses = new Map([
  ['web1', ['203.0.113.1', '127.0.0.1', 'fe80::1', '2001:db8::1']],
  ['web2', ['203.0.113.2']],
  ['db', ['203.0.113.3']],
])

test.each<[string, readonly string[], readonly string[] | undefined, string]>([
  ['this server', ['203.0.113.1'], ['203.0.113.1'], 'ok'],
  ['this server, where it cannot be asked', ['203.0.113.1'], undefined, 'ok'],
  ['all of its servers, and both families', ['203.0.113.2', '203.0.113.1', '2001:db8::1'], ['203.0.113.1'], 'ok'],
  ['nothing', [], [], 'problem dns-missing'],
  ['nothing, where it cannot be asked', [], undefined, 'problem dns-missing'],
  ['something only there', [], ['203.0.113.1'], 'warning dns-differs'],
  ['nothing there', ['203.0.113.1'], [], 'warning dns-differs'],
  ['a loopback address', ['127.0.0.1', '::1'], ['127.0.0.1'], 'warning dns-loopback'],
  ['another of its servers', ['203.0.113.2'], ['203.0.113.2'], 'warning dns-not-here'],
  ['a server that it is not on', ['203.0.113.3'], ['203.0.113.3'], 'warning dns-elsewhere'],
  ['a load balancer', ['198.51.100.1'], ['198.51.100.1'], 'warning dns-elsewhere'],
  [
    'this server, but with IPv6 elsewhere',
    ['203.0.113.1', '2001:db8::9'],
    ['203.0.113.1'],
    'warning dns-also-elsewhere',
  ],
])('a name that leads to %s', (_, here, there, expected) => {
  const route = { host: 'app.example.com', ssl: true, servers: ['web1', 'web2'] }
  const known = {
    here: new Map([[route.host, here]]),
    there: there && new Map([[route.host, there]]),
    addresses,
  }
  const { state, cause } = judgeDns('web1', route, known)
  expect([state, cause].filter(Boolean).join(' ')).toBe(expected)
})

test('that does not resolve is a warning without a certificate to get', () => {
  const known = { here: new Map(), there: undefined, addresses }
  const verdict = judgeDns('web1', { host: 'a.example.com', ssl: false, servers: ['web1'] }, known)
  expect(verdict).toMatchObject({ state: 'warning', hint: 'its A record should be 203.0.113.1' })
  const servers = ['web1', 'web2', 'web3']
  for (const server of servers)
    expect(judgeDns(server, { host: 'a.example.com', ssl: false, servers }, known)).toMatchObject({
      hint: 'its A records should be 203.0.113.1, 203.0.113.2, the address of web3, those of its servers',
    })
})

test.each([
  ['shop.localhost', true, 'ok'],
  ['shop.localhost', false, 'warning'],
  ['shop.example.com', true, 'warning'],
])('%s on this machine (%s), which the DNS does not know, is %s', (host, isHere, state) => {
  const known = { here: new Map(), there: undefined, addresses, isHere }
  expect(judgeDns('web1', { host, ssl: false, servers: ['web1'] }, known)).toMatchObject({ state })
})

test('routes are those of the configuration, each name once', () => {
  const config = configOf(`project: app
servers: {web1: {host: a}, web2: {host: b}}
services:
  web: {image: x, hosts: [web1, web2], proxy: {app_port: 1, hosts: [App.example.com], ssl: true, redirect_from: [www.example.com]}}
  all: {image: x, hosts: [web2], proxy: {app_port: 1, hosts: ["*.example.com"]}}
  worker: {image: x, hosts: [web1]}
`)
  expect(routesOf(config)).toEqual([
    { host: 'app.example.com', ssl: true, servers: ['web1', 'web2'] },
    { host: 'www.example.com', ssl: true, servers: ['web1', 'web2'] },
    { host: '*.example.com', ssl: false, servers: ['web2'] },
  ])
  expect(nameIn('*.example.com')).toBe('jiji-doctor.example.com')
})
