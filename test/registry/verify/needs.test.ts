import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/config/secret.ts'
import type { Secrets } from '../../../src/config/secrets.ts'
import { type Need, needsFor, needsHere, needsOn } from '../../../src/registry/verify/needs.ts'
import { configOf } from '../../config/deploy-yml.ts'

const config = configOf(`project: shop
builder: {registry: {server: ghcr.io, username: You, password: A}}
registries:
  company: {server: ghcr.io/company, username: bot, password: B}
  spare: {server: ghcr.io/company, username: spare, password: C}
servers: {web1: {host: a}, web2: {host: b}}
services:
  web: {build: {}, hosts: [web1, web2]}
  worker: {image: "ghcr.io/company/worker:1.4", registry: spare, hosts: [web1]}
  twin: {image: "ghcr.io/company/worker:1.4", registry: spare, hosts: [web1]}
  cache: {image: "redis@sha256:${'0'.repeat(64)}", hosts: [web2]}
`)
const known = new Map(['A', 'B', 'C'].map(name => [name, new Secret(name, name)]))
const secrets = { of: ({ text }: { text: string }) => known.get(text) } as unknown as Secrets
const from = { config, secrets, services: config.services, version: 'v1' }
const told = ({ image, host, repository, reference, login, isBuilt, pull, push }: Need) =>
  [image, host, repository, reference, login?.username ?? '-', { isBuilt, pull, push }] as const

const web = ['ghcr.io/you/shop/web:v1', 'ghcr.io', 'you/shop/web', 'v1', 'You'] as const
const digest = `sha256:${'0'.repeat(64)}`

describe('what must be proved', () => {
  test('here is the push of what is built', () => {
    expect(needsHere(from).map(told)).toEqual([[...web, { isBuilt: true, pull: false, push: true }]])
  })
  test('on a server is the pull of what it runs, once, with the credential that each names', () => {
    expect(needsOn('web1', from).map(told)).toEqual([
      [...web, { isBuilt: true, pull: true, push: false }],
      [
        'ghcr.io/company/worker:1.4',
        'ghcr.io',
        'company/worker',
        '1.4',
        'spare',
        { isBuilt: false, pull: true, push: false },
      ],
    ])
    expect(needsOn('web2', from).map(told)[1]).toEqual([
      `redis@${digest}`,
      'docker.io',
      'library/redis',
      digest,
      '-',
      { isBuilt: false, pull: true, push: false },
    ])
  })
  test('of an image that is named is its pull, and the push of what is built here', () => {
    const built = needsFor('ghcr.io/you/shop/web', from)
    expect([built.here, built.there].map(({ push, pull, isBuilt }) => [push, pull, isBuilt])).toEqual([
      [true, true, true],
      [false, true, true],
    ])
    const other = needsFor('ghcr.io/company/other', from)
    expect([other.here.push, other.here.login?.username, other.here.reference]).toEqual([false, 'bot', 'latest'])
    expect(needsFor('ghcr.io/company/worker:1.4', from).there.login?.username).toBe('spare')
    expect(needsFor('registry.example.com:5000/x', from).there).toMatchObject({
      host: 'registry.example.com:5000',
      reference: 'latest',
    })
  })
  test('of the local registry is nothing', () => {
    const local = configOf('project: shop\nservers: {a: {host: a}}\nservices: {web: {build: {}, hosts: [a]}}\n')
    const all = { config: local, secrets, services: local.services }
    expect([needsHere(all), needsOn('a', all)]).toEqual([[], []])
  })
})
