import { parse } from 'dotenv'
import { describe, expect, test } from 'vitest'
import { addVariables } from '../../src/config/env-lines.ts'

const add = (source: string, value: string) => addVariables(source, [{ name: 'NEW', value }])

describe('a value is written so that it is read again to the byte', () => {
  test.each<[string, string]>([
    ['ghp_abc123', 'NEW=ghp_abc123\n'],
    ['a+b/c=d==', 'NEW=a+b/c=d==\n'],
    ['a b', "NEW='a b'\n"],
    ['a#b', "NEW='a#b'\n"],
    ['$HOME ${x} $(id)', "NEW='$HOME ${x} $(id)'\n"],
    ['"x"', 'NEW=\'"x"\'\n'],
    ["it's", 'NEW="it\'s"\n'],
    [`it's "so"`, 'NEW=`it\'s "so"`\n'],
    ['  around  ', "NEW='  around  '\n"],
    ['back\\slash\\n', "NEW='back\\slash\\n'\n"],
    ['one\ntwo\n', "NEW='one\ntwo\n'\n"],
    ['one\r\ntwo', 'NEW="one\\r\\ntwo"\n'],
    ['{"a": "b\\n"}\n', 'NEW=\'{"a": "b\\n"}\n\'\n'],
    ['pässwörd 😀', "NEW='pässwörd 😀'\n"],
    ['\\', "NEW='\\'\n"],
    ["\\'", 'NEW="\\\'"\n'],
    ['', "NEW=''\n"],
    ['`', "NEW='`'\n"],
  ])('%j', (value, text) => {
    expect(add('', value)).toEqual({ text, lost: [] })
    expect(parse(text)).toEqual({ NEW: value })
  })
  test.each(['\'"`', 'it\'s `"', '\r"\'`'])('also %j, which only dotenv itself reads so', value => {
    expect(parse(add('A=1\n', value).text)).toEqual({ A: '1', NEW: value })
  })
  test.each(['\r\\n', '\r\\r'])('but for %j, which is left out', value => {
    expect(add('A=1\n', value)).toEqual({ text: 'A=1\n', lost: ['NEW'] })
  })
})

describe('what is in the file stays', () => {
  test.each<[string, string]>([
    ['A=1', 'A=1\nNEW=x\n'],
    ['# c\n\nA="b # c" # d\n', '# c\n\nA="b # c" # d\nNEW=x\n'],
    ['A=1\r\nB=2\r\n', 'A=1\r\nB=2\r\nNEW=x\r\n'],
    ['\ufeffA=1\n', '\ufeffA=1\nNEW=x\n'],
  ])('%j', (source, text) => expect(add(source, 'x')).toEqual({ text, lost: [] }))

  test('also a quote that was never closed, which must not reach as far as ours', () => {
    for (const quote of ['"', "'", '`']) {
      const source = `A=${quote}b\n`
      const { text, lost } = add(source, 'c d')
      expect(lost).toEqual([])
      expect(parse(text)).toEqual({ ...parse(source), NEW: 'c d' })
    }
  })
  test('and several are added one after the other', () => {
    const variables = ['a', '\r\\n', 'b c'].map((value, index) => ({ name: `N${index}`, value }))
    expect(addVariables('', variables)).toEqual({ text: "N0=a\nN2='b c'\n", lost: ['N1'] })
  })
})

test('whatever the value, it is right or it is left out', () => {
  const pieces = ["'", '"', '`', '\\', 'n', '$', '#', ' ', '\n', '\r', '=', 'a', '{', '\t', 'ü']
  for (let seed = 1; seed < 1000; seed++) {
    let rest = seed * 2_654_435_761
    let value = ''
    for (let length = seed % 9; length > 0; length--) {
      value += pieces[rest % pieces.length]
      rest = Math.floor(rest / 7) + seed * length
    }
    const { text, lost } = add("A='1'\nB=2\n", value)
    expect(parse(text)).toEqual({ A: '1', B: '2', ...(lost.length > 0 ? {} : { NEW: value }) })
  }
})
