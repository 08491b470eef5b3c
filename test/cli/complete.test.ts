import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { catalogue } from '../../src/cli/catalogue.ts'
import { candidatesFor, type Known } from '../../src/cli/complete.ts'
import { completionScripts } from '../../src/cli/completion-scripts.ts'
import { configOf } from '../config/deploy-yml.ts'
import { folderWith } from '../config/folder.ts'

const config = configOf(`project: shop
builder: {registry: {server: ghcr.io, username: me, password: TOKEN}}
registries: {company: {server: ghcr.io/company, username: me, password: OTHER}}
servers: {web1: {host: one}, web2: {host: two}, db: {host: three}}
services: {web: {image: a, hosts: [web1, web2]}, worker: {image: b, hosts: [web1]}}
`)
const known: Known = {
  config: () => config,
  environments: () => ['staging', 'production'],
  keys: () => [{ word: 'services' }, { word: 'servers' }],
}
const wordsFor = (line: string, of: Known = known) =>
  candidatesFor(catalogue, line.split(' '), of).map(({ word }) => word)

describe('what may stand at the cursor', () => {
  test.each<[string, string[]]>([
    ['dep', ['deploy']],
    ['re', ['registry']],
    ['registry log', ['login', 'logout']],
    ['lock ', ['status', 'acquire', 'release']],
    ['deploy --skip-u', ['--skip-unreachable']],
    ['deploy -H ', ['web1', 'web2', 'db']],
    ['deploy --hosts web1,', ['web1,web1', 'web1,web2', 'web1,db']],
    ['deploy -S wo', ['worker']],
    ['-e st', ['staging']],
    ['deploy -e ', ['staging', 'production']],
    ['status -o ', ['table', 'json']],
    ['exec ', ['web', 'worker']],
    ['exec -i w', ['web', 'worker']],
    ['service restart web ', ['worker']],
    ['service scale wo', ['worker=']],
    ['registry login ', ['ghcr.io', 'company']],
    ['config ser', ['services', 'servers']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['deploy -c ', []],
    ['server restore ', []],
    ['nothing ', []],
    ['comple', ['completion']],
  ])('after %j', (line, words) => expect(wordsFor(line)).toEqual(words))
  test('begins with all commands that there are for people', () => {
    expect(wordsFor('')).toEqual(expect.arrayContaining(['init', 'deploy', 'registry', 'service', 'completion']))
    expect(wordsFor('')).not.toContain('complete')
  })
  test('is nothing of a configuration that cannot be read', () => {
    const nothing = { ...known, config: () => undefined }
    expect(wordsFor('deploy -H ', nothing)).toEqual([])
    expect(wordsFor('exec ', nothing)).toEqual([])
  })
  test('says what each is for', () => {
    expect(candidatesFor(catalogue, ['deploy', '-H', 'd'], known)).toEqual([{ word: 'db', about: 'three' }])
  })
})

/** What bash would show, with a jiji that says which words it was asked for. */
function inBash(words: string[], answer: string): string[] {
  const folder = folderWith({})
  writeFileSync(join(folder, 'jiji'), `#!/bin/sh\nprintf '<%s>' "$@" >&2\nprintf '${answer}'\n`, { mode: 0o755 })
  const script = `${completionScripts.bash.replace('2>/dev/null', '2>asked')}
COMP_WORDS=(${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
compopt() { :; }
_jiji; printf '%s|' "\${COMPREPLY[@]}"; cat asked`
  const said = execFileSync('bash', ['-c', script], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: `${folder}:${process.env.PATH}` },
  })
  return said.split('|')
}

describe('bash', () => {
  test('asks for the words, and takes what is before the tab', () => {
    expect(inBash(['jiji', 'deploy', '-H', 'we'], 'web1\\tone of them\\nweb2\\n')).toEqual([
      'web1',
      'web2',
      '<complete><--><deploy><-H><we>',
    ])
  })
  test('puts together what it takes apart at an equals sign', () => {
    expect(inBash(['jiji', 'deploy', '--hosts', '=', 'we'], 'web1\\n').at(-1)).toBe(
      '<complete><--><deploy><--hosts><we>',
    )
    expect(inBash(['jiji', 'deploy', '--hosts', '='], 'web1\\n').at(-1)).toBe('<complete><--><deploy><--hosts><>')
  })
})
