import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { sshSettings } from '../../src/runner/ssh-config.ts'
import { jumpTargets, type SshTarget } from '../../src/runner/ssh-target.ts'

const hasSsh = spawnSync('ssh', ['-V']).error === undefined
const target: SshTarget = { server: 'web1', host: 'web1', keys: [], config: true, strict: false }

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'jiji-ssh-config-'))
  mkdirSync(join(home, '.ssh'))
  return () => rmSync(home, { recursive: true })
})

function settings(config: string, more: Partial<SshTarget> = {}, variables: Record<string, string> = {}) {
  writeFileSync(join(home, '.ssh/config'), config)
  return sshSettings({ ...target, ...more }, { PATH: process.env.PATH, HOME: home, ...variables })
}

describe.skipIf(!hasSsh)('what ~/.ssh/config says', () => {
  test('nothing: defaults', async () => {
    expect(await settings('', {}, { SSH_AUTH_SOCK: '/run/agent' })).toMatchObject({
      host: 'web1',
      port: 22,
      user: userInfo().username,
      knownAs: 'web1',
      agent: '/run/agent',
      identitiesOnly: false,
      strict: false,
      knownHostsFiles: [
        `${home}/.ssh/known_hosts`,
        `${home}/.ssh/known_hosts2`,
        '/etc/ssh/ssh_known_hosts',
        '/etc/ssh/ssh_known_hosts2',
      ],
      identityFiles: expect.arrayContaining([`${home}/.ssh/id_ed25519`, `${home}/.ssh/id_rsa`]),
      warnings: [],
    })
  })
  test('$HOME wins over the home in the password file', async () => {
    expect(await settings('Host web1\n  User from-home\n')).toMatchObject({ user: 'from-home' })
  })
  test('HostName, Port, User and what they are known as', async () => {
    const found = await settings('Host web1\n  HostName %h.example.com\n  Port 2222\n  User deploy\n')
    expect(found).toMatchObject({
      host: 'web1.example.com',
      port: 2222,
      user: 'deploy',
      knownAs: '[web1.example.com]:2222',
    })
  })
  test('what the target says wins', async () => {
    const found = await settings('Host web1\n  Port 2222\n  User deploy\n  ProxyJump a\n', {
      user: 'root',
      port: 22,
      proxy: 'b',
    })
    expect(found).toMatchObject({ port: 22, user: 'root', proxyJump: 'b' })
  })
  test('Match sees the user that the target names', async () => {
    const found = await settings('Match user root\n  Port 2201\n', { user: 'root' })
    expect(found.port).toBe(2201)
  })
  test('Include', async () => {
    writeFileSync(join(home, 'more'), 'Host web1\n  Port 2222\n')
    expect((await settings(`Include ${home}/more\nHost other\n  Port 1\n`)).port).toBe(2222)
  })
  test('HostKeyAlias', async () => {
    expect((await settings('HostKeyAlias Fleet\nPort 2222\n')).knownAs).toBe('fleet')
  })
  test('tokens and ~ in IdentityFile', async () => {
    const found = await settings('User deploy\nIdentityFile ~/keys/%r@%h\nIdentityFile %d/k\n')
    expect(found.identityFiles).toEqual([`${home}/keys/deploy@web1`, `${home}/k`])
  })
  test('IdentitiesOnly', async () => {
    expect((await settings('IdentitiesOnly yes\n')).identitiesOnly).toBe(true)
  })
  test.each([
    ['none', undefined],
    ['SSH_AUTH_SOCK', '/run/agent'],
    ['$OTHER', '/run/other'],
    ['${OTHER}', '/run/other'],
    ['/run/%r.sock', '/run/deploy.sock'],
    ['~/agent.sock', '~/agent.sock'],
  ])('IdentityAgent %s', async (given, agent) => {
    const found = await settings(
      `User deploy\nIdentityAgent ${given}\n`,
      {},
      { SSH_AUTH_SOCK: '/run/agent', OTHER: '/run/other' },
    )
    expect(found.agent).toBe(agent?.replace('~', home))
  })
  test.each([
    ['yes', true],
    ['no', false],
    ['ask', false],
    ['accept-new', false],
  ])('StrictHostKeyChecking %s', async (given, strict) => {
    expect((await settings(`StrictHostKeyChecking ${given}\n`)).strict).toBe(strict)
  })
  test('JIJI_KNOWN_HOSTS is the one file of those who are known', async () => {
    const given = 'UserKnownHostsFile ~/mine\nStrictHostKeyChecking no\n'
    const found = await settings(given, {}, { JIJI_KNOWN_HOSTS: '/job/known_hosts' })
    expect(found).toMatchObject({ knownHostsFiles: ['/job/known_hosts'], strict: true })
  })
  test('strict in the target', async () => {
    expect((await settings('', { strict: true })).strict).toBe(true)
  })
  test('HashKnownHosts and UserKnownHostsFile', async () => {
    const found = await settings('HashKnownHosts yes\nUserKnownHostsFile ~/one /two\nGlobalKnownHostsFile none\n')
    expect(found).toMatchObject({ hashKnownHosts: true, knownHostsFiles: [`${home}/one`, '/two'] })
  })
  test('ProxyJump', async () => {
    expect((await settings('ProxyJump a@b:3,c\n')).proxyJump).toBe('a@b:3,c')
    expect((await settings('ProxyJump none\n')).proxyJump).toBe(undefined)
  })
  test('ProxyCommand with its tokens, unless the target has a proxy', async () => {
    expect(await settings('ProxyCommand nc %h %p # 100%%\n')).toMatchObject({ proxyCommand: 'nc web1 22 # 100%' })
    expect((await settings('ProxyCommand nc %h %p\n', { proxy: 'b' })).proxyCommand).toBe(undefined)
    expect((await settings('ProxyCommand none\n')).proxyCommand).toBe(undefined)
  })
  test('ConnectTimeout', async () => {
    expect((await settings('ConnectTimeout 3\n')).connectTimeout).toBe(3000)
  })
  test('config: false reads no file', async () => {
    expect((await settings('User from-home\n', { config: false })).user).toBe(userInfo().username)
  })
  test('config: a file of its own', async () => {
    writeFileSync(join(home, 'mine'), 'User from-mine\n')
    expect((await settings('User from-home\n', { config: '~/mine' })).user).toBe('from-mine')
  })
  test('what ssh does not understand is an error that says where', async () => {
    await expect(settings('Host web1\n  Prot 22\n')).rejects.toMatchObject({
      code: 'config.invalid',
      server: 'web1',
      message: expect.stringMatching(/line 2.*prot/i),
    })
  })
  test('a configured file that does not exist is an error', async () => {
    await expect(settings('', { config: join(home, 'nowhere') })).rejects.toMatchObject({ code: 'config.invalid' })
  })
})

describe('without an ssh on this machine', () => {
  test('defaults, and a warning that the file is not used', async () => {
    expect(await settings('User x\n', {}, { PATH: '/nowhere' })).toMatchObject({
      user: userInfo().username,
      port: 22,
      knownHostsFiles: expect.arrayContaining([`${home}/.ssh/known_hosts`]),
      identityFiles: expect.arrayContaining([`${home}/.ssh/id_ed25519`]),
      warnings: [expect.stringContaining('/.ssh/config is not used')],
    })
  })
  test('no warning when there is no file, or none is wanted', async () => {
    expect((await settings('', { config: false }, { PATH: '/nowhere' })).warnings).toEqual([])
    rmSync(join(home, '.ssh/config'))
    expect((await sshSettings(target, { HOME: home, PATH: '/nowhere' })).warnings).toEqual([])
  })
})

describe('jump hosts', () => {
  test.each([
    ['b', [{ host: 'b' }]],
    ['a@b:3', [{ host: 'b', user: 'a', port: 3 }]],
    ['a@x@b', [{ host: 'b', user: 'a@x' }]],
    ['[::1]:22', [{ host: '::1', port: 22 }]],
    ['ssh://a@b:3/', [{ host: 'b', user: 'a', port: 3 }]],
    ['a, c:4', [{ host: 'a' }, { host: 'c', port: 4 }]],
    [undefined, []],
  ])('%s', (proxyJump, hops) => {
    const { server, keys, config, strict } = target
    expect(jumpTargets(target, proxyJump)).toEqual(hops.map(hop => ({ server, keys, config, strict, ...hop })))
  })
  test('nonsense is refused', () => {
    expect(() => jumpTargets(target, 'a@')).toThrow(/not a jump host/)
  })
})
