import { describe, expect, test } from 'vitest'
import { select } from '../../src/config/select.ts'
import { planExchange } from '../../src/deploy/plan/exchange.ts'
import { configOf } from '../config/deploy-yml.ts'
import { observed, twoServers } from './world.ts'

const config = configOf(`${twoServers}proxy: {image: "caddy:3", http_port: 8080}\n`)
const sites = [
  { project: 'app', hosts: [], services: [], certificates: {}, hash: '' },
  { project: 'other', hosts: ['other.example.com'], services: [], certificates: {}, hash: '' },
]
const before = { image: 'caddy:2', http_port: 80, https_port: 443 }
const plan = (action: 'proxy restart' | 'proxy upgrade', detours: string[], web2: string | undefined = undefined) =>
  planExchange(
    action,
    config,
    select(config, {}),
    [observed({ sites }), observed({ server: 'web2', proxy: web2 })],
    new Set(detours),
  )

describe('a proxy', () => {
  test('gets by an upgrade what is configured', () => {
    expect(plan('proxy upgrade', ['web1']).servers).toEqual([
      {
        server: 'web1',
        engine: 'docker',
        from: before,
        to: { image: 'caddy:3', http_port: 8080, https_port: 443 },
        hasGap: false,
        projects: ['other'],
      },
    ])
  })
  test('keeps by a restart what it has, and has a gap where nothing leads past it', () => {
    expect(plan('proxy restart', ['web1'], 'caddy:1 81 444').servers).toMatchObject([
      { to: before, hasGap: false },
      { to: { image: 'caddy:1', http_port: 81, https_port: 444 }, hasGap: true },
    ])
  })
  test('that is nowhere cannot be replaced', () => {
    const none = [observed({ proxy: undefined }), observed({ server: 'web2', proxy: undefined })]
    expect(() => planExchange('proxy upgrade', config, select(config, {}), none, new Set())).toThrow(
      'there is no proxy',
    )
  })
})
