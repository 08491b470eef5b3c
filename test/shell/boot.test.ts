import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Service } from '../../src/config/config.ts'
import { noteRunning, noteStopped, startAtBoot, startNothingAtBoot } from '../../src/shell/boot.ts'
import type { Script } from '../../src/shell/script.ts'

let folder: string
const service = (name: string, restart = 'unless-stopped') => ({ name, restart }) as Service
const run = (script: Script) => {
  const text = script
    .render()
    .replaceAll('state=/var/lib/jiji', `state=${folder}/jiji`)
    .replaceAll('/run/systemd/system', `${folder}/none`)
  return execFileSync('sh', ['-c', text], { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: folder } })
}
const noted = (where: string) =>
  readdirSync(join(folder, 'jiji/shop', where)).map(name =>
    readFileSync(join(folder, 'jiji/shop', where, name), 'utf8'),
  )
const up = () => noted('up')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jiji-boot-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('what Podman runs', () => {
  test('is what was noted last of each service', () => {
    run(noteRunning('podman', 'shop', service('web'), ['shop-web-1']))
    run(noteRunning('podman', 'shop', service('db', 'always'), ['shop-db-1']))
    run(noteRunning('podman', 'shop', service('web'), ['shop-web-2', 'shop-web-2-2']))
    expect(up()).toEqual(['shop-db-1\n', 'shop-web-2\nshop-web-2-2\n'])
  })

  test('is nothing of a service that is not restarted, or was stopped', () => {
    run(noteRunning('podman', 'shop', service('web'), ['shop-web-1']))
    run(noteRunning('podman', 'shop', service('web', 'no'), ['shop-web-2']))
    expect(up()).toEqual([])
    run(noteRunning('podman', 'shop', service('web'), ['shop-web-3']))
    run(noteStopped('podman', 'shop', ['shop-web']))
    expect(up()).toEqual(['shop-web-3\n'])
    run(noteStopped('podman', 'shop', ['shop-db-1', 'shop-web-3']))
    expect(up()).toEqual([])
  })

  test('is started with the server, whatever cannot be', () => {
    run(noteRunning('podman', 'shop', service('web'), ['gone']))
    run(noteRunning('podman', 'blog', service('web'), ['blog-web', 'blog-web-2']))
    run(startAtBoot('podman', 'shop'))
    const podman = 'podman() { echo "$*" >>"$HOME/calls"; [ "$2" != gone ]; }'
    const text = readFileSync(join(folder, 'jiji/start'), 'utf8').replaceAll(/\$\{0%\/\*\}/g, `${folder}/jiji`)
    expect(() =>
      execFileSync('sh', ['-c', `${podman}\n${text}`], { env: { HOME: folder, PATH: process.env.PATH } }),
    ).toThrow()
    expect(readFileSync(join(folder, 'calls'), 'utf8')).toBe(
      'start jiji-proxy\nnetwork inspect --format {{.NetworkInterface}} jiji\nstart blog-web blog-web-2\nstart gone\n',
    )
  })

  test('leaves nothing of its own when the last project has gone', () => {
    run(noteRunning('podman', 'shop', service('web'), ['shop-web-1']))
    run(startAtBoot('podman', 'shop'))
    expect(readdirSync(join(folder, 'jiji'))).toEqual(['shop', 'start'])
    run(startNothingAtBoot('podman', 'shop'))
    expect(readdirSync(join(folder, 'jiji'))).toEqual(['shop'])
  })
})

describe('what Docker runs', () => {
  const shares = { ...service('log'), network_mode: 'service:web' } as Service

  test('needs no note, but for what shares a network', () => {
    run(noteRunning('docker', 'shop', service('web'), ['shop-web-1']))
    run(startAtBoot('docker', 'shop'))
    expect(readdirSync(folder)).toEqual([])
    run(noteRunning('docker', 'shop', shares, ['shop-log-1']))
    expect(noted('sharing')).toEqual(['shop-log-1\n'])
    run(noteRunning('docker', 'shop', service('log'), ['shop-log-2']))
    expect(noted('sharing')).toEqual([])
  })

  test('is started when that is there whose network it shares', () => {
    run(noteRunning('docker', 'shop', shares, ['shop-log-1']))
    run(startAtBoot('docker', 'shop'))
    const docker = 'sleep() { :; }; docker() { echo "$*" >>"$HOME/calls"; [ "$(wc -l <"$HOME/calls")" -gt 3 ]; }'
    const text = readFileSync(join(folder, 'jiji/start-docker'), 'utf8').replaceAll(/\$\{0%\/\*\}/g, `${folder}/jiji`)
    execFileSync('sh', ['-c', `${docker}\n${text}`], { env: { HOME: folder, PATH: process.env.PATH } })
    const calls = readFileSync(join(folder, 'calls'), 'utf8')
    expect(calls).toBe(`${'version\n'.repeat(4)}start shop-log-1\n`)
    run(startNothingAtBoot('docker', 'shop'))
    expect(readdirSync(join(folder, 'jiji'))).toEqual(['shop'])
  })
})
