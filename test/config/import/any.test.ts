import { expect, test } from 'vitest'
import { readDocument } from '../../../src/config/document.ts'
import { at, isMap, put } from '../../../src/config/draft.ts'
import { draftText } from '../../../src/config/draft-text.ts'
import { translateCompose } from '../../../src/config/import/compose.ts'
import { translateKamal } from '../../../src/config/import/kamal.ts'
import type { Translation } from '../../../src/config/import/translation.ts'
import { schema } from '../../../src/config/schema.ts'
import { settle } from '../../../src/config/settle.ts'
import { hostile, hostileLines } from '../../shell/hostile.ts'
import { folderWith } from '../folder.ts'
import { composeSample, kamalSample } from './samples.ts'
import { disk, setting } from './translated.ts'

const root = folderWith(disk)
const samples = { compose: [translateCompose, composeSample], kamal: [translateKamal, kamalSample] } as const

/** Every place of a sample, each with another value in it. */
function* changed(source: string, values: readonly unknown[]): Generator<{ where: string; text: string }> {
  const { data } = readDocument('', source)
  for (const [index, path] of pathsOf(data).entries()) {
    const value = values[index % values.length]
    const copy = structuredClone(data) as Record<string, unknown>
    const above = at(copy, path.slice(0, -1))
    if (Array.isArray(above)) above[Number(path.at(-1))] = value
    else put(copy, path, value)
    yield { where: `${path.join('.')} = ${JSON.stringify(value)}`, text: JSON.stringify(copy) }
  }
}

/** Or nothing is left of it, which is said. */
function isSettled({ draft, takeBack }: Translation): boolean {
  try {
    settle(draft, root, ({ path, why }) => takeBack(path, why))
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'config.invalid' })
    return false
  }
}

function pathsOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  const own = path.length > 0 ? [path] : []
  if (Array.isArray(value)) return [...own, ...value.flatMap((item, index) => pathsOf(item, [...path, index]))]
  if (!isMap(value)) return own
  return [...own, ...Object.entries(value).flatMap(([key, child]) => pathsOf(child, [...path, key]))]
}

test.each(Object.entries(samples))(
  'whatever stands in a file of %s, a configuration comes of it',
  (_, [translate, sample]) => {
    const odd = [
      '',
      '🎉 "$(x)',
      '${V}',
      '<%= x %>',
      ['a', ['b']],
      [],
      { a: { b: 'c' } },
      {},
      null,
      hostile,
      hostileLines,
    ]
    for (const { where, text } of changed(sample, odd)) {
      const translation = translate(text, setting)
      if (!isSettled(translation)) continue
      const written = readDocument('', draftText(translation.draft))
      expect([where, schema.safeParse(written.data).success]).toEqual([where, true])
    }
  },
  60_000,
)

test.each(Object.entries(samples))('no key of a file of %s is lost without a word', (_, [translate, sample]) => {
  const { data } = readDocument('', sample)
  // What is declared under these has a name of its own.
  const isNamed = (path: readonly unknown[]) => path.length === 1 && /^(volumes|secrets|x-.*)$/.test(String(path[0]))
  const maps = pathsOf(data).filter(
    path => isMap(at(data, path)) && !isNamed(path) && !String(path[0]).startsWith('x-'),
  )
  const lost = maps.filter(path => {
    const copy = structuredClone(data) as Record<string, unknown>
    Object.assign(at(copy, path) as object, { zzzunknown: 'zzz' })
    const translation = translate(JSON.stringify(copy), setting)
    settle(translation.draft, root, ({ path: gone, why }) => translation.takeBack(gone, why))
    const isSaid = translation
      .remarks()
      .filter(({ state }) => state === 'left out')
      .some(({ key }) => key.includes('zzzunknown') || (key !== '' && `${path.join('.')}.`.startsWith(`${key}.`)))
    return !isSaid && !JSON.stringify(translation.draft).includes('zzzunknown')
  })
  expect(lost.map(path => path.join('.'))).toEqual([])
})
