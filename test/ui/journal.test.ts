import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { journal } from '../../src/ui/journal.ts'
import { createMask, type Mask } from '../../src/ui/mask.ts'
import { folderWith } from '../config/folder.ts'

function journalIn(state: string, { command = 'deploy', environment = {}, mask = (text => text) as Mask } = {}) {
  const about = { command, title: `jiji 1: ${command}`, environment: { XDG_STATE_HOME: state, ...environment }, mask }
  return journal(about)
}

function begun(state: string, how?: Parameters<typeof journalIn>[1]) {
  const log = journalIn(state, how)
  log.begin('shop')
  const { file = '', failure } = log.place() ?? {}
  return { log, file, failure, text: () => readFileSync(file, 'utf8').replace(/^\S+Z /gm, '') }
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('the log of a run', () => {
  test('is written as it goes, for its user alone and for no repository', () => {
    const state = folderWith({})
    const { log, file, text } = begun(state)
    log.tell('one\ntwo')
    expect(text()).toBe('jiji 1: deploy\none\n  two\n')
    const execution = log.execution('s1', "sh <<'EOF'\nls\nEOF")
    execution.line('a')
    execution.line('b', 'stderr')
    expect(text()).toContain("s1 #1 runs:\nsh <<'EOF'\nls\nEOF\ns1 #1 | a\ns1 #1 ! b\n")
    execution.end('ended with 0')
    expect(text()).toMatch(/s1 #1 ended with 0 after \d+ ms\n$/)
    const all = join(state, 'jiji-logs')
    expect([file, join(all, 'shop'), all].map(modeOf)).toEqual(['600', '700', '700'])
    expect(readFileSync(join(all, '.gitignore'), 'utf8')).toBe('*\n')
    expect(readFileSync(file, 'utf8')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z jiji 1/)
  })
  test('has nothing in it before the secrets are known, and masks what was told before', () => {
    const state = folderWith({})
    let mask: Mask = text => text
    const log = journalIn(state, { mask: text => mask(text) })
    log.tell('early hunter2')
    expect([log.place(), readdirSync(state)]).toEqual([undefined, []])
    mask = createMask([new Secret('TOKEN', 'hunter2')])
    log.begin('shop')
    log.execution('s1', 'echo hunter2').line(`${'x'.repeat(9_997)}hunter2`)
    log.conclude('late hunter2')
    const text = readFileSync(log.place()?.file ?? '', 'utf8')
    expect(text).not.toMatch(/hunter2|x+hun/)
    expect(text).toMatch(/early \[TOKEN\]\n[\s\S]*echo \[TOKEN\]\n[\s\S]*late \[TOKEN\]\n$/)
  })
  test('shows what would control a terminal instead of doing it', () => {
    const { log, text } = begun(folderWith({}))
    log.tell('\u001b[31mred\u001b[0m \u001b]0;title\u0007 \r over')
    for (const control of ['\u001b', '\u0007', '\r']) expect(text()).not.toContain(control)
    expect(text()).toContain('red ')
  })
  test('is one of the last five of its command, and nothing else is taken away', () => {
    const state = folderWith({ 'jiji-logs/shop/notes.txt': 'mine' })
    begun(state, { command: 'registry login' })
    const all = Array.from({ length: 7 }, () => begun(state).file)
    const left = readdirSync(join(state, 'jiji-logs/shop'))
    expect(new Set(all).size).toBe(7)
    expect(left.filter(name => name.includes('-deploy-'))).toHaveLength(5)
    expect(left.filter(name => name.includes('-registry-login-'))).toHaveLength(1)
    expect(left).toContain('notes.txt')
  })
  test('of two runs at once are two', () => {
    const state = folderWith({})
    const [one, other] = [begun(state), begun(state)]
    one.log.tell('one')
    other.log.tell('other')
    expect([one.text(), other.text()]).toEqual(['jiji 1: deploy\none\n', 'jiji 1: deploy\nother\n'])
  })
  test.each(['jiji-logs', 'jiji-logs/shop'])('is not put where a link leads: %s', name => {
    const state = folderWith({ 'elsewhere/file': '' })
    if (name.includes('/')) mkdirSync(join(state, 'jiji-logs'))
    symlinkSync(join(state, 'elsewhere'), join(state, name))
    const { log, file, failure } = begun(state)
    log.tell('more')
    expect([file, failure]).toEqual(['', expect.stringContaining('is a link')])
    expect(readdirSync(join(state, 'elsewhere'))).toEqual(['file'])
  })
  test('closes its folder to others', () => {
    const state = folderWith({ 'jiji-logs/shop/notes.txt': '' })
    for (const name of ['jiji-logs', 'jiji-logs/shop']) chmodSync(join(state, name), 0o777)
    begun(state)
    expect(['jiji-logs', 'jiji-logs/shop'].map(name => modeOf(join(state, name)))).toEqual(['700', '700'])
  })
  test.each<[Record<string, string>, string]>([
    [{ XDG_STATE_HOME: '', HOME: 'HERE' }, '.local/state/jiji-logs/shop'],
    [{ XDG_STATE_HOME: 'relative', HOME: 'HERE' }, '.local/state/jiji-logs/shop'],
    [{ XDG_STATE_HOME: 'HERE/own', HOME: 'HERE' }, 'own/jiji-logs/shop'],
  ])('lies where the environment says: %j', (environment, folder) => {
    const here = folderWith({})
    const entries = Object.entries(environment).map(([name, value]) => [name, value.replace('HERE', here)])
    const { file } = begun('', { environment: Object.fromEntries(entries) })
    expect(file.startsWith(`${join(here, folder)}/`)).toBe(true)
  })
  test.each<[string, Record<string, string>, RegExp]>([
    ['no folder', { XDG_STATE_HOME: '', HOME: '' }, /neither XDG_STATE_HOME nor HOME/],
    ['a folder that takes nothing', { XDG_STATE_HOME: '/proc/nowhere' }, /ENOENT/],
    ['a file in its way', { XDG_STATE_HOME: '/etc/passwd' }, /ENOTDIR|EEXIST/],
  ])('that cannot be kept, since there is %s, says why and breaks nothing', (_, environment, why) => {
    const { log, file, failure } = begun('', { environment })
    log.tell('more')
    log.execution('s1', 'ls').line('x')
    expect([file, failure]).toEqual(['', expect.stringMatching(why)])
  })
  test('has an end to its size, and room for how it ended', () => {
    const { log, text } = begun(folderWith({}))
    for (let i = 0; i < 12; i++) {
      const execution = log.execution('s1', 'noise')
      for (let line = 0; line < 1200; line++) execution.line('x'.repeat(1000))
    }
    log.conclude('error: it failed')
    const written = text()
    expect(written.length).toBeLessThan(11_000_000)
    expect(written).toContain('(and more)')
    expect(written.trimEnd().split('\n').slice(-2)).toEqual([
      'the log has become too long: what follows is left out, but for the end',
      'error: it failed',
    ])
  })
})
