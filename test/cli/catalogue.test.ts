import { describe, expect, test } from 'vitest'
import { catalogue } from '../../src/cli/catalogue.ts'
import { describeOption, shared } from '../../src/cli/options.ts'

const options = catalogue.flatMap(({ name, options = [] }) => options.map(option => ({ command: name, ...option })))

describe('every command', () => {
  test.each(catalogue.map(command => [command.name, command] as const))(
    '%s can be loaded, and says what it is for',
    async (_, command) => {
      expect(typeof (await command.load()).run).toBe('function')
      expect(command.summary).toMatch(/^[A-Z].*[^.]$/)
      for (const example of command.examples ?? [])
        expect(example).toMatch(new RegExp(`^([^|]* \\| )?jiji ${command.name}( |$)`))
    },
  )
  test('has a name of its own, of one word or two', () => {
    const names = catalogue.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toMatch(/^[a-z]+( [a-z]+)?$/)
  })
  test('has options of its own that are not shared ones', () => {
    const sharedNames = Object.values(shared).map(one => describeOption(one).name)
    for (const option of options) expect(sharedNames).not.toContain(describeOption(option).name)
  })
  test.each(catalogue.map(command => [command.name, command] as const))(
    '%s has no two options of one letter',
    (_, command) => {
      const all = [...(command.options ?? []), ...command.shared.map(name => shared[name])].map(describeOption)
      const letters = all.flatMap(({ short }) => short ?? [])
      expect(new Set(letters).size).toBe(letters.length)
      expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
    },
  )
})

describe('every option', () => {
  test.each(
    [...options, ...Object.values(shared).map(one => ({ command: 'shared', ...one }))].map(
      one => [one.flags, one] as const,
    ),
  )('%s is described', (_, { flags, description }) => {
    expect(description).toMatch(/^([A-Z]|table).*[^.]$/)
    expect(flags).toMatch(/^(-[A-Za-z], )?--[a-z]+(-[a-z]+)*( <[a-z]+>| \[[a-z]+\])?$/)
  })
  // The words are read before it is known which command they are for.
  test('takes a value wherever another of its name does', () => {
    const known = new Map<string, boolean>()
    for (const option of [...options, ...Object.values(shared)]) {
      const { name, short, takesValue } = describeOption(option)
      for (const written of [name, short ?? name]) {
        expect(known.get(written) ?? takesValue, written).toBe(takesValue)
        known.set(written, takesValue)
      }
    }
  })
})
