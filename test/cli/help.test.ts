import { describe, expect, test } from 'vitest'
import { catalogue } from '../../src/cli/catalogue.ts'
import { shownIn } from '../../src/cli/command.ts'
import { helpText } from '../../src/cli/help.ts'
import { parse } from '../../src/cli/parse.ts'

const commands = shownIn(catalogue)
const groups = [...new Set(commands.flatMap(({ name }) => (name.includes(' ') ? (name.split(' ')[0] ?? []) : [])))]
const all = [{}, ...groups.map(group => ({ group })), ...commands.map(command => ({ command }))]

/** As a shell has them, up to where another program reads or writes. */
function wordsOf(line: string): string[] {
  const [, own = ''] = /(?:^|\| )jiji ([^|>]*)/.exec(`${line} `) ?? []
  return [...own.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

describe('the help of every command', () => {
  test.each([40, 80])('has no line longer than %i', width => {
    const tooLong = all.flatMap(subject =>
      helpText({ catalogue, ...subject }, width)
        .split('\n')
        .filter(line => line.length > width),
    )
    expect(tooLong).toEqual([])
  })
  test('is ASCII, which every terminal has', () => {
    for (const subject of all) expect(helpText({ catalogue, ...subject })).toMatch(/^[\n -~]*$/)
  })
  test.each(commands.map(command => [command.name, command] as const))(
    '%s has examples that it takes',
    (name, command) => {
      expect(command.examples?.length).toBeGreaterThan(0)
      for (const example of command.examples ?? [])
        expect(parse(catalogue, wordsOf(example), {})).toMatchObject({ command: { name } })
    },
  )
  test.each([40, 80])('has examples that can be pasted, also at %i', width => {
    for (const command of commands) {
      const pasted = helpText({ catalogue, command }, width).replace(/ \\\n +/g, ' ')
      for (const example of command.examples ?? []) expect(pasted).toContain(`  $ ${example}`)
    }
  })
})

describe('help', () => {
  test('stands beside what it is about where there is room, and below it where there is not', () => {
    const command = commands.find(({ name }) => name === 'lock acquire')
    expect(helpText({ catalogue, command }, 80)).toContain('  -m, --message <text>  Why, for those who meet the lock')
    expect(helpText({ catalogue, command }, 40)).toContain(
      '  -m, --message <text>\n        Why, for those who meet the lock',
    )
  })
  test('is no wider than can be read', () => {
    expect(helpText({ catalogue }, 500)).toBe(helpText({ catalogue }))
  })
})
