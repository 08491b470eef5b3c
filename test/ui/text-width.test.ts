import { describe, expect, test } from 'vitest'
import { cut, pad, widthOf } from '../../src/ui/text-width.ts'

describe('a text', () => {
  test.each<[string, number]>([
    ['', 0],
    ['web1', 4],
    ['ünï', 3],
    ['u\u0308', 1],
    ['日本', 4],
    ['한국', 4],
    ['🦜', 2],
    ['👨‍👩‍👧', 2],
    ['a\u200bb', 2],
    ['…→', 2],
    ['ｆｕｌｌ', 8],
    ['ﾊﾝｶｸ', 4],
    ['\u001b[31mred\u001b[39m', 3],
  ])('%j is %i wide', (text, width) => expect(widthOf(text)).toBe(width))
  test.each<[string, number, string]>([
    ['web', 3, 'web'],
    ['webserver', 5, 'webs…'],
    ['web server', 5, 'web…'],
    ['日本語', 5, '日本…'],
    ['日本語', 4, '日…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
    ['web', 0, ''],
    ['web', -3, ''],
  ])('%j in %i columns is %j', (text, width, shown) => expect(cut(text, width, '…')).toBe(shown))
  test.each<[string, number, string]>([
    ['plain', 3, 'pla'],
    ['日本語', 3, '日'],
    ['cafe\u0301s', 4, 'cafe\u0301'],
    ['a b', 2, 'a '],
    ['\u001b[31mred\u001b[39m', 2, '\u001b[31mre\u001b[39m'],
    ['ab', 0, ''],
  ])('%j in %i columns, without a mark, is %j', (text, width, shown) => expect(cut(text, width)).toBe(shown))
  test('is filled up to a width', () => expect(pad('日本', 6)).toBe('日本  '))
})
