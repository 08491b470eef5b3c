import { describe, expect, test } from 'vitest'
import { configOf, linesOf, problemsOf, smallest } from './deploy-yml.ts'

const withBuilder = (text: string) => `${smallest}builder: {${text}}`

describe('a builder elsewhere', () => {
  test.each<[string, object | undefined]>([
    ['', undefined],
    ['local: true', undefined],
    ['remote: "ssh://build.example.com"', { host: 'build.example.com', user: undefined, port: undefined }],
    ['local: false, remote: "ssh://me@10.0.0.1:2222/"', { host: '10.0.0.1', user: 'me', port: 2222 }],
    ['remote: "ssh://me@[fe80::1]:22"', { host: 'fe80::1', user: 'me', port: 22 }],
    ['remote: ssh://my_alias', { host: 'my_alias', user: undefined, port: undefined }],
  ])('{%s}', (text, remote) => expect(configOf(withBuilder(text)).builder.remote).toEqual(remote))

  const form =
    'builder.remote wrong-value: expected ssh://[user@]host[:port] (for example ssh://builder@build.example.com:22)'
  const password =
    'builder.remote wrong-value: there is a password in the address (ssh logs in with keys: ssh.keys names them, and an agent is asked)'
  test.each<[string, string]>([
    [
      'local: false',
      'builder.local missing-key: remote is missing: without a builder elsewhere, this machine builds (add `remote: ssh://user@host`, or remove `local`)',
    ],
    [
      'local: true, remote: "ssh://a"',
      'builder.remote conflict: local: true and remote exclude each other (write local: false to build there, or remove `remote`)',
    ],
    ['remote: "ssh://me:pa55@host"', password],
    ['remote: "ssh://me:pa55@host/a b"', password],
    ['remote: "ssh://me:@host"', password],
    ['remote: "https://me:pa55@host"', password],
    ['remote: build.example.com', form],
    ['remote: "tcp://host:2375"', form],
    ['remote: "ssh://"', form],
    ['remote: "ssh://-oProxyCommand=x"', form],
    ['remote: "ssh://host:0"', form],
    ['remote: "ssh://host:70000"', form],
    ['remote: "ssh://host/path"', form],
    ['remote: "ssh://ho$(id)st"', form],
  ])('{%s} is refused', (text, line) => {
    const lines = linesOf(problemsOf(withBuilder(text)))
    expect(lines.map(one => one.replace(/^\S+ /, ''))).toEqual([line])
    expect(lines.join()).not.toContain('pa55')
  })
})

describe('keys for a build', () => {
  const built = (ssh: string, builder = '') =>
    `${smallest.replace('image: redis:7', `build: {ssh: ${ssh}}`)}builder: {${builder}}`

  test.each(['[default]', '[default=./key, github=~/.ssh/id_ed25519]', '[]'])('%s', ssh =>
    expect(problemsOf(built(ssh))).toEqual([]),
  )
  test.each(['[other]', '["=x"]', '["a="]', '["-x=y"]', 'default'])('%s is refused', ssh =>
    expect(problemsOf(built(ssh))).toMatchObject([{ path: expect.stringMatching(/build\.ssh/) }]),
  )
  test('are not lent to a builder elsewhere', () => {
    expect(problemsOf(built('[default]', 'remote: "ssh://a"'))).toMatchObject([
      { path: 'services.web.build.ssh', code: 'conflict', message: expect.stringContaining('not lent') },
    ])
  })
})
