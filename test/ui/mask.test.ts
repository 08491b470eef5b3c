import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { createMask } from '../../src/ui/mask.ts'
import { random } from '../shell/random.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const mask = (values: Record<string, string>) =>
  createMask(Object.entries(values).map(([name, value]) => new Secret(name, value)))

const value = `p@ss/w+rd"\\ é&<1`

describe('a secret is masked', () => {
  test.each<[string, string]>([
    ['plain', value],
    ['twice', `${value} and ${value}`],
    ['in a word', `x${value}y`],
    ['as base64', base64(value)],
    ['as base64 of user and secret', base64(`me:${value}`)],
    ['as base64 of a longer user', base64(`user:${value}`)],
    ['as base64 of another', base64(`robot:${value}`)],
    ['in the middle of base64', base64(`{"password":"${value}","x":"${'y'.repeat(40)}"}`)],
    ['as base64 for URLs', Buffer.from(`me:${value}`).toString('base64url')],
    ['in a URL', `https://me:${encodeURIComponent(value)}@ghcr.io/`],
    ['in the query of a URL', `https://a.b/?${new URLSearchParams({ token: value })}`],
    ['in JSON', JSON.stringify({ a: [value] })],
    ['in JSON as Go writes it', JSON.stringify({ a: value }).replace('&', '\\u0026').replace('<', '\\u003c')],
    ['in JSON as Python writes it', String.raw`{"a": "p@ss/w+rd\"\\ \u00e9&<1"}`],
    ['in JSON as PHP writes it', String.raw`{"a":"p@ss\/w+rd\"\\ \u00e9&<1"}`],
    ['in JSON with slashes escaped', String.raw`{"a":"p@ss\/w+rd\"\\ é&<1"}`],
    ['in a URL as .NET writes it', 'https://a.b/?p=p%40ss%2fw%2brd%22%5c+%c3%a9%26%3c1'],
  ])('%s', (_, text) => {
    const masked = mask({ TOKEN: value })(text)
    expect(masked).toContain('[TOKEN]')
    expect(leaks(masked, value)).toEqual([])
  })

  test.each(['hunter2\n', ' hunter2\r\n', 'hunter2 '])('%j also without what is around it', secret => {
    expect(mask({ TOKEN: secret })('<hunter2>')).toBe('<[TOKEN]>')
    expect(mask({ TOKEN: secret })(base64('me:hunter2'))).not.toContain('aHVudGVyM')
  })
  test.each([
    ['base64', [], 200],
    ['base64', [], 57 * 2],
    ['base64', [], 57 * 2 + 6],
    ['openssl', ['base64'], 200],
  ])('in each line that %s %j wraps, of %i bytes, as it is and as `echo` writes it', (program, words, length) => {
    const secret = Array.from({ length }, (_, index) => String.fromCharCode(33 + ((index * 7) % 90))).join('')
    const hide = mask({ TOKEN: secret })
    for (const input of [secret, `${secret}\n`]) {
      const printed = execFileSync(program, words, { input, encoding: 'utf8' }).trimEnd().split('\n')
      expect(printed.length).toBeGreaterThan(1)
      for (const line of printed.filter(one => one.replace(/=+$/, '').length >= 8))
        expect(hide(`| ${line}`), line).toMatch(/^\| \[TOKEN\]=*$/)
    }
  })
  test('with all of its lines, one by one as well', () => {
    const key = '-----BEGIN KEY-----\nb3BlbnNzaC1rZXktdjE=\r\nAAAABG5vbmUAAAAEbm9uZQ==\n-----END KEY-----\n'
    const hide = mask({ KEY: key })
    expect(hide(`key: ${key}.`)).toBe('key: [KEY].')
    expect(hide('line b3BlbnNzaC1rZXktdjE=')).toBe('line [KEY]')
    expect(hide(JSON.stringify({ key }))).toBe('{"key":"[KEY]"}')
    expect(hide(base64(key))).not.toMatch(/[A-Za-z0-9+/]{12}/)
  })
  test.each(['a.b*c', '(x|y)+', '[a-z]', '$1 $& \\1', '^start$', '{3,}', 'ab\\d', 'x?y?z?'])(
    'also when it is made of %j',
    secret => {
      expect(mask({ TOKEN: secret })(`<${secret}>`)).toBe('<[TOKEN]>')
      expect(mask({ TOKEN: secret })('abc xyz start 111')).toBe('abc xyz start 111')
    },
  )
  test('in JSON as Java writes it', () => {
    expect(mask({ TOKEN: "dG9r'ZW4=" })(String.raw`{"a":"dG9r\u0027ZW4\u003d"}`)).toBe('{"a":"[TOKEN]"}')
  })
  test('under its own name, whatever the name is made of', () => {
    expect(mask({ $1: 'secret1', 'a.b': 'secret2' })('secret1 secret2')).toBe('[$1] [a.b]')
  })
})

describe('several secrets', () => {
  test('where one contains the other, the longer is named', () => {
    expect(mask({ SHORT: 'hunter', LONG: 'hunter2!' })('hunter2! hunter')).toBe('[LONG] [SHORT]')
  })
  test('that overlap leave nothing of either', () => {
    const masked = mask({ A: 'abcd1234', B: '1234efgh', C: 'efghijkl' })('<abcd1234efghijkl>')
    expect(masked).not.toMatch(/abcd|1234|efgh|ijkl/)
    expect(masked).toMatch(/^<\[.*\]>$/)
  })
  test('with the same value are one', () =>
    expect(mask({ A: 'hunter2', B: 'hunter2' })('hunter2')).toMatch(/^\[[AB]\]$/))
})

describe('nothing else is masked', () => {
  test.each<[Record<string, string>, string]>([
    [{}, 'text'],
    [{ EMPTY: '' }, 'text'],
    [{ SHORT: 'abc' }, 'abc'],
    [{ TOKEN: 'hunter2' }, 'hunter3 Hunter2'],
    [{ LINES: '\n\n\n\n\n' }, 'a\nb'],
    [{ LONG: `${'a1b2c3'.repeat(19)}root` }, `${base64('root')} ${base64('a1b2c3')}`],
  ])('%j in %j', (values, text) => expect(mask(values)(text)).toBe(text))
})

test('whatever a secret is made of, its forms are found', () => {
  const { text } = random(3)
  for (let round = 0; round < 500; round++) {
    const secret = `x${text(10)}yz!`
    const hide = mask({ TOKEN: secret })
    const forms = [
      secret,
      base64(secret),
      encodeURIComponent(secret),
      JSON.stringify(secret),
      base64(`u:${secret}`),
      base64(`us:${secret}:x`),
      base64(`use:${secret}:xy`),
    ]
    for (const form of forms) expect(leaks(hide(`<${form}>`), secret), form).toEqual([])
  }
})

/** The forms of a value that can still be read in a text. */
function leaks(text: string, secret: string): string[] {
  const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]
  const decoded = [...text.matchAll(/[A-Za-z0-9+/_-]{8,}/g)].flatMap(([part]) =>
    [0, 1, 2, 3].map(offset => Buffer.from(part.slice(offset), 'base64').toString()),
  )
  return forms.filter(form => [text, ...decoded].some(one => one.includes(form)))
}
