import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { lines, quote, type Script, sh } from '../../src/shell/script.ts'
import { random } from './random.ts'
import { shells } from './shells.ts'

describe('a word', () => {
  test.each([
    ['plain', 'plain'],
    ['a/b.c:d=e,f@g%h+i-j_k', 'a/b.c:d=e,f@g%h+i-j_k'],
    ['', "''"],
    ['two words', "'two words'"],
    ["it's", "'it'\\''s'"],
    ['$(id)', "'$(id)'"],
    ['`id`', "'`id`'"],
    ['~', "'~'"],
    ['a\nb', "'a\nb'"],
    ['-n', '-n'],
    ['é', "'é'"],
    ['!', "'!'"],
    ['#', "'#'"],
    ['a{b,c}', "'a{b,c}'"],
  ])('%j is written as %s', (text, quoted) => expect(quote(text)).toBe(quoted))

  test('cannot hold a NUL byte', () => expect(() => quote('a\0b')).toThrow('NUL'))
})

describe('any text comes back byte for byte', () => {
  const { text } = random(42)
  const texts = Array.from({ length: 2000 }, (_, index) => (index % 4 === 0 ? '-' : '') + text(12))

  test.each(shells.map(shell => [shell.join(' '), shell] as const))('from %s', (_, [program, ...words]) => {
    const script = lines(
      sh`printf '%s\\0' ${texts}`,
      ...texts.map(one => sh`printf '%s\\0' ${one} ${new Secret('TOKEN', one)}`),
    )
    const { stdout, stderr, status } = spawnSync(program, words, {
      input: script.render(),
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    expect([status, stderr]).toEqual([0, ''])
    const back = stdout.split('\0').slice(0, -1)
    expect(back.length).toBe(texts.length * 3)
    expect(back).toEqual([...texts, ...texts.flatMap(one => [one, one])])
  })
})

describe('a script', () => {
  test.each<[Script, string]>([
    [sh`echo ${'a b'} ${3}`, "echo 'a b' 3"],
    [sh`echo ${['a b', 'c', 4]}`, "echo 'a b' c 4"],
    [sh`echo ${[]}`, 'echo '],
    [sh`if ${sh`test ${'-f'} x`}; then :; fi`, 'if test -f x; then :; fi'],
    [sh`${[sh`echo ${1}`, sh`echo ${2}`]}`, 'echo 1\necho 2'],
    [sh`echo "$a"/${'b c'}`, `echo "$a"/'b c'`],
    [sh`printf '%s\\n' ${'x'}`, "printf '%s\\n' x"],
    [lines(sh`a`, sh`b`), 'a\nb\n'],
    [sh`echo ${'${x}'}`, "echo '${x}'"],
  ])('%#', (script, text) => {
    expect(script.render()).toBe(text)
    expect(String(script)).toBe(text)
  })

  test('holds a secret that only a runner sees', () => {
    const script = sh`login ${new Secret('TOKEN', "it's")} ${[new Secret('OTHER', 'a b')]}`
    expect(script.render()).toBe(`login 'it'\\''s' 'a b'`)
    expect(String(script)).toBe('login [TOKEN] [OTHER]')
    expect(`${lines(script)}`).toBe('login [TOKEN] [OTHER]\n')
    expect(sh`${script}; ${[script]}`.toString()).not.toMatch(/it's|a b/)
  })

  test.each<[string, () => unknown]>([
    ['"', () => sh`echo "${'x'}"`],
    ["'", () => sh`echo '${'x'}'`],
    ['`', () => sh`echo \`${'x'}\``],
    ['" after a word', () => sh`echo ${'x'} "${'y'}"`],
  ])('with a value after %s is a fault', (_, make) => expect(make).toThrow('must not stand in quotes'))

  test.each<[string, () => unknown]>([
    ['inside "…"', () => sh`echo "a ${'x'}"`],
    ["inside '…'", () => sh`echo 'a ${'x'} b'`],
    ['inside the second "…"', () => sh`echo "a" "$b ${'x'}"`],
    ['inside "…" after an escaped quote', () => sh`echo "a \\" ${'x'}"`],
    ['in a comment', () => sh`# it ${'x'}`],
  ])('with a value %s is a fault', (_, make) => expect(make).toThrow('must not stand in'))
})
