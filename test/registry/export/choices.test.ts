import { describe, expect, test } from 'vitest'
import { chosen } from '../../../src/registry/export/choices.ts'
import { type FormatName, formats } from '../../../src/registry/export/formats.ts'

const choose = (format: FormatName, given: Record<string, string> = {}, project = 'my_app') =>
  chosen(format, formats[format], { text: name => given[name], flag: name => name in given }, project)

describe('what is chosen for a format', () => {
  test('has a name that Kubernetes takes where none is given', () => {
    expect(choose('kubernetes')).toMatchObject({ name: 'my-app-registries', namespace: undefined, basic: false })
  })
  test('is what was given', () => {
    const given = { name: 'pull.secret-1', namespace: 'web', 'service-account': 'default' }
    expect(choose('kubernetes', given)).toMatchObject(given)
  })
  test.each<[FormatName, Record<string, string>, string]>([
    ['docker-config', { name: 'x' }, '--name means nothing to docker-config'],
    ['rkt', { source: 'https://a' }, '--source means nothing to rkt'],
    ['kubernetes', { basic: '' }, '--basic means nothing to kubernetes'],
    ['butane', { 'auth-file': '/a' }, '--auth-file means nothing to butane'],
    ['kubernetes', { name: 'Pull' }, '"Pull" cannot be a name in Kubernetes'],
    ['kubernetes', { name: 'a_b' }, 'cannot be a name'],
    ['kubernetes', { name: '' }, 'cannot be a name'],
    ['kubernetes', { name: 'a\nb: c' }, 'cannot be a name'],
    ['kubernetes', { namespace: 'a.b' }, 'cannot be a name'],
    ['kubernetes', { 'service-account': '-a' }, 'cannot be a name'],
    ['kubernetes', { name: `${'a'.repeat(63)}.`.repeat(4).concat('a') }, 'cannot be a name'],
  ])('is refused: %s %j', (format, given, message) => expect(() => choose(format, given)).toThrow(message))
})
