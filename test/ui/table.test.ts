import { describe, expect, test } from 'vitest'
import { renderTable } from '../../src/ui/table.ts'
import { widthOf } from '../../src/ui/text-width.ts'

const head = ['service', 'server', 'state', 'certificate', 'routes']
const rows = [
  ['web', 's1', 'running', '-', 'http://app.example.com http://www.example.com'],
  ['worker', 's2', 'running', '-', ''],
]
const widest = (text: string) => Math.max(...text.split('\n').map(widthOf))

describe('a table', () => {
  test('has columns as wide as their widest cell', () => {
    expect(
      renderTable(
        ['name', 'state'],
        [
          ['web', 'running'],
          ['worker', '-'],
        ],
      ),
    ).toBe('NAME    STATE\nweb     running\nworker  -')
  })
  test('without rows has its head', () => {
    for (const width of [undefined, 40]) expect(renderTable(['a', 'b'], [], width)).toBe('A  B')
  })
  test('may have empty cells', () => expect(renderTable(['a', 'b', 'c'], [['', 'x', '']])).toBe('A  B  C\n   x'))
  test('keeps each row on one line', () => {
    expect(renderTable(['a', 'b'], [['1', 'one\ntwo\r\nthree']]).split('\n')).toEqual(['A  B', '1  one two three'])
  })
  test('for a program has all its columns, and whole values in them', () => {
    expect(renderTable(head, rows)).toBe(`SERVICE  SERVER  STATE    CERTIFICATE  ROUTES
web      s1      running  -            http://app.example.com http://www.example.com
worker   s2      running  -`)
    expect(renderTable(['a'], [['x'.repeat(500)]])).toBe(`A\n${'x'.repeat(500)}`)
  })
  test('for somebody who has room for it leaves out only what is empty everywhere', () => {
    expect(renderTable(head, rows, 200)).toBe(`SERVICE  SERVER  STATE    ROUTES
web      s1      running  http://app.example.com http://www.example.com
worker   s2      running`)
  })
  test('that is a little too wide goes on below, in the column that is the widest', () => {
    expect(renderTable(head, rows, 60)).toBe(`SERVICE  SERVER  STATE    ROUTES
web      s1      running  http://app.example.com
                          http://www.example.com
worker   s2      running`)
  })
  test('that is far too wide is a list for each row, without what is not there', () => {
    expect(renderTable(head, rows, 40)).toBe(`service: web
server:  s1
state:   running
routes:  http://app.example.com
         http://www.example.com

service: worker
server:  s2
state:   running`)
  })
  test('whose rows have nothing but a name keeps its columns, which say what there is not', () => {
    expect(renderTable(['server', 'images'], [['s1', '-']], 40)).toBe('SERVER  IMAGES\ns1      -')
  })
  test('does not let a long sentence fill the screen, and never breaks a value', () => {
    const sentence = Array.from({ length: 60 }, (_, index) => `word${index}`).join(' ')
    const text = renderTable(['when', 'result'], [['2026-01-31', sentence]], 80)
    expect(text.split('\n')).toHaveLength(1 + 4)
    expect(text).toMatch(/\.\.\.$/)
    expect(widest(text)).toBeLessThanOrEqual(80)
    const digest = `sha256:${'0'.repeat(64)}`
    expect(renderTable(['image', 'digest'], [['web', digest]], 60)).toBe(`image:  web\ndigest: ${digest}`)
  })
  test('breaks a word of a sentence that is wider than the column', () => {
    const url = `https://example.com/${'path/'.repeat(10)}`
    const text = renderTable(['when', 'result'], [['2026-01-31', `failed: ${url}`]], 40)
    expect(widest(text)).toBeLessThanOrEqual(40)
    expect(
      text
        .split('\n')
        .map(line => line.slice(12))
        .join(''),
    ).toContain(url)
  })
  test.each([40, 80, 200])('is no wider than %i columns, with characters of any width', width => {
    const names = ['web', '网站服务', '🚀 launch', 'cafe\u0301', 'サーバー一号']
    const wide = names.map(name => [name, 's1', `${name} läuft seit einer Weile, ${name.repeat(3)}`, 'x'])
    const text = renderTable(['service', 'server', 'state', 'health'], wide, width)
    expect(widest(text)).toBeLessThanOrEqual(width)
    if (width < 80) return
    const columns = text
      .split('\n')
      .flatMap(line => (/ s1 /.test(line) ? widthOf(line.slice(0, line.indexOf(' s1 '))) : []))
    expect(columns).toHaveLength(names.length)
    expect(new Set(columns).size).toBe(1)
  })
})
