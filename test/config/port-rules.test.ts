import { expect, test } from 'vitest'
import { problemsOf } from './deploy-yml.ts'

const found = (one: string, two: string, rest = '') =>
  problemsOf(`project: x
servers: {s1: {host: a}, s2: {host: b}}
services:
  one: {image: a, hosts: [s1], stop_first: true, ${one}}
  two: {image: a, hosts: [s2, s1], stop_first: true, ${two}}
${rest}`).map(({ path, message }) => `${path} ${message}`)

const taken = (port: number, by: string, path = 'services.two.ports.0') =>
  `${path} port ${port} of s1 is taken already by ${by}`

test.each<[string, string, string[]]>([
  ['ports: ["80:1"]', 'ports: ["80:2"]', [taken(80, 'the service one')]],
  ['ports: ["80:1"]', 'ports: ["81:1"]', []],
  ['ports: ["1"]', 'ports: ["1"]', []],
  ['ports: ["80:1/udp"]', 'ports: ["80:1"]', []],
  ['ports: ["127.0.0.1:80:1"]', 'ports: ["80:1"]', [taken(80, 'the service one')]],
  ['ports: ["127.0.0.1:80:1"]', 'ports: ["10.0.0.1:80:1"]', []],
  ['ports: ["80:1", "80:2"]', '', [taken(80, 'this service', 'services.one.ports.1')]],
  ['proxy: {app_port: 1, hosts: [a]}', 'ports: ["443:1/udp"]', [taken(443, 'the proxy')]],
  ['proxy: {app_port: 1, hosts: [a]}', 'ports: ["80:1/udp"]', []],
])('%s and %s', (one, two, expected) => expect(found(one, two)).toEqual(expected))

test('the proxy may have other ports', () => {
  const rest = 'proxy: {http_port: 8080}'
  expect(found('proxy: {app_port: 1, hosts: [a]}', 'ports: ["8080:1"]', rest)).toEqual([taken(8080, 'the proxy')])
  expect(found('proxy: {app_port: 1, hosts: [a]}', 'ports: ["80:1"]', rest)).toEqual([])
})
