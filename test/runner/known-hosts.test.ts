import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  fingerprint,
  judge,
  knownHostLine,
  knownHostsFor,
  parseKnownHosts,
  typeOf,
} from '../../src/runner/known-hosts.ts'

const hasKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined

const ed25519 = wireKey('ssh-ed25519', 'one')
const other = wireKey('ssh-ed25519', 'another')
const ecdsa = wireKey('ecdsa-sha2-nistp256', 'one')

describe('which lines speak of a host', () => {
  const names = ['web1', 'web1.example.com', 'web2.example.com', '10.0.0.7', '[web1]:2222', '[10.0.0.7]:2222', '::1']
  const cases: [hosts: string, matches: string[]][] = [
    ['web1', ['web1']],
    ['WEB1', ['web1']],
    ['web1,10.0.0.7', ['web1', '10.0.0.7']],
    ['*.example.com', ['web1.example.com', 'web2.example.com']],
    ['web?.example.com', ['web1.example.com', 'web2.example.com']],
    ['*.example.com,!web2.example.com', ['web1.example.com']],
    ['!web2.example.com', []],
    ['[web1]:2222', ['[web1]:2222']],
    ['[10.0.0.*]:2222', ['[10.0.0.7]:2222']],
    ['10.0.0.?', ['10.0.0.7']],
    ['::1', ['::1']],
    ['webx1', []],
    ['10.0.0+7', []],
  ]
  test.each(cases)('%s', (hosts, matches) => {
    const all = parseKnownHosts(`${hosts} ssh-ed25519 ${ed25519.toString('base64')}\n`, 'known_hosts')
    expect(names.filter(name => knownHostsFor(all, name).length > 0)).toEqual(matches)
  })
})

describe('what a line says', () => {
  test('comments, empty lines and lines that are no key are passed over, and the numbers stay right', () => {
    const text = `# comment\n\nnonsense\nweb1 ssh-ed25519 ${ed25519.toString('base64')} me@laptop\r\n`
    expect(parseKnownHosts(text, 'file')).toEqual([
      { file: 'file', line: 4, hosts: 'web1', type: 'ssh-ed25519', key: ed25519.toString('base64') },
    ])
  })
  test('a known key is known', () => {
    expect(verdict(line('web1', ed25519), ed25519)).toBe('known')
  })
  test('a key is known when any of several lines has it', () => {
    expect(verdict(line('web1', ed25519) + line('web1', other), other)).toBe('known')
  })
  test('no line: unknown', () => {
    expect(verdict(line('web2', ed25519), ed25519)).toBe('unknown')
  })
  test('another key of the same type: changed', () => {
    expect(verdict(line('web1', ed25519), other)).toBe('changed')
  })
  test('only another type is known: changed', () => {
    expect(verdict(line('web1', ecdsa), ed25519)).toBe('changed')
  })
  test('changed names the line with the same type', () => {
    const lines = knownHostsFor(parseKnownHosts(line('web1', ecdsa) + line('web1', ed25519), 'file'), 'web1')
    expect(judge(lines, other)).toMatchObject({ is: 'changed', known: { line: 2, type: 'ssh-ed25519' } })
  })
  test('a revoked key is revoked, even when another line knows it', () => {
    expect(verdict(line('web1', ed25519) + line('@revoked *', ed25519), ed25519)).toBe('revoked')
  })
  test('a revoked key says nothing about another one', () => {
    expect(verdict(line('@revoked *', ed25519), other)).toBe('unknown')
  })
  test('a certificate authority is no plain key', () => {
    expect(verdict(line('@cert-authority *', ed25519), ed25519)).toBe('unknown')
    expect(verdict(line('@cert-authority *', ed25519), other)).toBe('unknown')
  })
  test('a marker that nobody knows is passed over', () => {
    expect(verdict(line('@novelty web1', ed25519), ed25519)).toBe('unknown')
  })

  function verdict(text: string, shown: Buffer): string {
    return judge(knownHostsFor(parseKnownHosts(text, 'file'), 'web1'), shown).is
  }
})

describe.skipIf(!hasKeygen)('as ssh-keygen has it', () => {
  let folder: string
  let key: Buffer
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'jiji-known-hosts-'))
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
    key = Buffer.from(readFileSync(join(folder, 'key.pub'), 'utf8').split(' ')[1] ?? '', 'base64')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('names that ssh-keygen -H has hashed are found', () => {
    const file = join(folder, 'hashed-by-keygen')
    writeFileSync(file, ['web1', '[web1]:2222', '10.0.0.7'].map(name => line(name, key)).join(''))
    execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' })
    const text = readFileSync(file, 'utf8')
    expect(text).not.toContain('web1')
    const all = parseKnownHosts(text, file)
    expect(
      ['web1', '[web1]:2222', '10.0.0.7', 'web2'].map(name => knownHostsFor(all, name).map(({ line }) => line)),
    ).toEqual([[1], [2], [3], []])
  })
  test.each(['web1', '[web1]:2222'])('ssh-keygen -F finds the line written for %s, hashed and plain', name => {
    for (const hashed of [true, false]) {
      const file = join(folder, `written-${hashed}`)
      writeFileSync(file, knownHostLine(name, key, { hashed }))
      expect(readFileSync(file, 'utf8').includes('web1')).toBe(!hashed)
      expect(execFileSync('ssh-keygen', ['-F', name, '-f', file]).toString()).toContain(key.toString('base64'))
      expect(spawnSync('ssh-keygen', ['-F', 'web9', '-f', file]).status).toBe(1)
    }
  })
  test('fingerprints are the same', () => {
    expect(execFileSync('ssh-keygen', ['-lf', join(folder, 'key.pub')]).toString()).toContain(` ${fingerprint(key)} `)
    expect(fingerprint(key.toString('base64'))).toBe(fingerprint(key))
    expect(typeOf(key)).toBe('ssh-ed25519')
  })
})

function line(hosts: string, key: Buffer): string {
  return `${hosts} ${typeOf(key)} ${key.toString('base64')}\n`
}

function wireKey(type: string, rest: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(type.length)
  return Buffer.concat([length, Buffer.from(type), Buffer.from(rest)])
}
