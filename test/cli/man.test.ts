import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { catalogue } from '../../src/cli/catalogue.ts'
import { shownIn } from '../../src/cli/command.ts'
import { manPages } from '../../src/cli/man.ts'
import { describeOption, shared } from '../../src/cli/options.ts'
import { configSchema } from '../../src/config/json-schema.ts'
import { entriesOf } from '../../src/config/reference.ts'
import { renderManPage } from '../../src/ui/roff.ts'

const entries = entriesOf(configSchema())
const pages = new Map(
  manPages(catalogue, entries).map(page => [
    `${page.name}.${page.section}`,
    renderManPage(page, { version: '1.0.0', date: '2026-01-31' }),
  ]),
)
const escaped = (text: string) => text.replaceAll('-', '\\-')

describe('the pages for man', () => {
  test('are those that package.json has npm install', () => {
    const { man } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(man).toEqual([...pages.keys()].map(name => `dist/man/${name}`).sort())
  })
  test.each(shownIn(catalogue).map(command => [command.name, command] as const))(
    'jiji %s has one, with all that it takes',
    (name, command) => {
      const page = pages.get(`jiji-${name.replaceAll(' ', '-')}.1`) ?? ''
      for (const option of [...(command.options ?? []), ...command.shared.map(one => shared[one])])
        expect(page).toContain(escaped(`--${describeOption(option).name}`))
      for (const part of command.arguments?.replace(/\.\.\.(\w+)/g, '$1...').split(' ') ?? [])
        expect(page).toContain(part)
      expect(page.includes('.SH "EXAMPLES"')).toBe(command.examples !== undefined)
      expect(pages.get('jiji.1')).toContain(`\\fBjiji ${name}\\fR\n`)
    },
  )
  test('have every key of the configuration', () => {
    const page = pages.get('jiji-deploy.yml.5') ?? ''
    expect(page.match(/^\.TP$/gm)).toHaveLength(entries.length)
  })
  // Only what these macros need begins a line with a dot: nothing that is said is taken for a request.
  test.each([...pages])('%s has no request that is not meant', (_, page) => {
    for (const line of page.split('\n')) expect(line).toMatch(/^([^.']|$|\.(TP|nf|fi|nh|ad l|PP)$|\.(TH|SH|SS) ")/)
  })
  test('have nothing that mandoc warns of', ({ skip }) => {
    for (const [name, input] of pages) {
      const { status, stdout, error } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning'], {
        input,
        encoding: 'utf8',
      })
      if (error) skip(`mandoc is not on this machine: ${error.message}`)
      expect({ name, status, stdout }).toEqual({ name, status: 0, stdout: '' })
    }
  })
})
