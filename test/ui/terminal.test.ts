import { describe, expect, test } from 'vitest'
import { columnsOf, hasUtf8, inCharactersOf, isColoured, rowsOf } from '../../src/ui/terminal.ts'

type Environment = Record<string, string>

describe('the width', () => {
  test.each<[{ isTTY?: boolean; columns?: number }, Environment, number | undefined]>([
    [{ isTTY: true, columns: 80 }, {}, 80],
    [{ isTTY: true, columns: 80 }, { COLUMNS: '40' }, 80],
    [{ isTTY: true, columns: 0 }, { COLUMNS: '40' }, 40],
    [{ isTTY: true, columns: 0 }, {}, undefined],
    [{}, { COLUMNS: '40' }, 40],
    [{ columns: 80 }, {}, undefined],
    [{}, { COLUMNS: '' }, undefined],
    [{}, { COLUMNS: '0' }, undefined],
    [{}, { COLUMNS: '-5' }, undefined],
    [{}, { COLUMNS: 'wide' }, undefined],
    [{}, { COLUMNS: '1e3' }, undefined],
  ])('of %j with %j: %s', (stream, environment, columns) => expect(columnsOf(stream, environment)).toBe(columns))
  test('and the height are found alike', () => {
    expect(rowsOf({ isTTY: true, rows: 24 }, { LINES: '10' })).toBe(24)
    expect(rowsOf({ isTTY: true, rows: 0 }, { LINES: '10' })).toBe(10)
  })
})

describe('UTF-8', () => {
  test.each<[Environment, boolean]>([
    [{ LANG: 'en_US.UTF-8' }, true],
    [{ LANG: 'C.utf8' }, true],
    [{ LANG: 'de_DE.UTF-8@euro' }, true],
    [{ LC_CTYPE: 'UTF-8' }, true],
    [{}, false],
    [{ LANG: 'C' }, false],
    [{ LANG: 'de_DE.ISO-8859-15' }, false],
    [{ LC_ALL: 'C', LC_CTYPE: 'C.UTF-8', LANG: 'C.UTF-8' }, false],
    [{ LC_ALL: '', LC_CTYPE: 'POSIX', LANG: 'C.UTF-8' }, false],
    [{ LC_ALL: '', LC_CTYPE: '', LANG: 'C.UTF-8' }, true],
    [{ LC_ALL: 'C.UTF-8', LANG: 'C' }, true],
  ])('with %j: %s', (environment, has) => expect(hasUtf8(environment)).toBe(has))
  test('is missed by nothing of ours', () => {
    expect(inCharactersOf({ LANG: 'C' }, 'a → b …, ünï')).toBe('a -> b ..., ünï')
    expect(inCharactersOf({ LANG: 'C.UTF-8' }, 'a → b …')).toBe('a → b …')
  })
})

describe('colour', () => {
  test.each<[boolean, Environment, boolean]>([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { NO_COLOR: '0' }, false],
    [true, { TERM: 'dumb' }, false],
    [true, { TERM: 'dumb', FORCE_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '3' }, true],
    [false, { FORCE_COLOR: 'true' }, true],
    [false, { FORCE_COLOR: '' }, false],
    [true, { FORCE_COLOR: '0' }, false],
    [true, { FORCE_COLOR: 'false' }, false],
    [true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ])('on a terminal (%s) with %j: %s', (isTTY, environment, is) => expect(isColoured({ isTTY }, environment)).toBe(is))
})
