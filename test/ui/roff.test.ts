import { describe, expect, test } from 'vitest'
import { bold, definition, heading, paragraphs, renderManPage, usage, verbatim } from '../../src/ui/roff.ts'

const bodyOf = (text: string) => paragraphs(text)[0]

describe('text in a page for man', () => {
  test.each([
    ['a backslash', 'C:\\new\\fBold', 'C:\\(rsnew\\(rsfBold'],
    ['options, which are copied', '--dry-run', '\\-\\-dry\\-run'],
    ['a dot that begins a line', '.jiji/deploy.yml', '\\&.jiji/deploy.yml'],
    ['a quote that begins a line', "'tis", '\\&\\(aqtis'],
    ['a dot inside', 'in .env', 'in .env'],
    ['quotes, which are copied', `"a" 'b' \`c\``, '\\(dqa\\(dq \\(aqb\\(aq \\(gac\\(ga'],
    ['what a font may draw otherwise', '~/x ^', '\\(ti/x \\(ha'],
    ['letters of all the world', 'service … ü 🚀', 'service \\[u2026] \\[u00FC] \\[u1F680]'],
    ['a line break, after which a request could stand', 'one\n.so /etc/passwd', 'one .so /etc/passwd'],
    ['control characters', 'a\u001b[1mb', 'a\\[u001B][1mb'],
  ])('%s stays what it is', (_, text, written) => expect(bodyOf(text)).toBe(written))

  test('stands where an argument of a macro ends with a quote', () => {
    expect(heading('say "a" .so')).toEqual(['.SH "SAY \\(dqA\\(dq .SO"'])
  })
  test('that is typed as it stands is bold, and the rest is not', () => {
    expect(usage('-c, --config <file>')).toBe('\\fB\\-c,\\fR \\fB\\-\\-config\\fR \\fI<file>\\fR')
    expect(bold('-x')).toBe('\\fB\\-x\\fR')
  })
  test('is not filled where it is an example', () => {
    expect(verbatim(['a   b', '.c'])).toEqual(['.nf', 'a   b', '\\&.c', '.fi'])
  })
})

test('a page says of what version it is', () => {
  const page = { name: 'jiji-x', section: 1, summary: 'does X', body: definition(bold('-x'), '.y') } as const
  expect(renderManPage(page, { version: '1.2.3-rc', date: '2026-01-31' }).split('\n')).toEqual([
    '.TH "JIJI\\-X" 1 "2026-01-31" "jiji 1.2.3\\-rc" "Jiji"',
    '.ad l',
    '.nh',
    '.SH "NAME"',
    'jiji\\-x \\- does X',
    '.TP',
    '\\fB\\-x\\fR',
    '\\&.y',
    '',
  ])
})
