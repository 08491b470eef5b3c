import { describe, expect, test } from 'vitest'
import { readAuditOptions } from '../../src/cli/audit-options.ts'
import { Options } from '../../src/cli/options.ts'
import type { AuditEntry } from '../../src/shell/audit.ts'

const now = new Date('2026-03-01T12:00:00Z')
const read = (given: Record<string, string>, services?: ReadonlySet<string>) =>
  readAuditOptions(
    new Options(new Map(Object.entries(given).map(([name, value]) => [name, [value]])), {}),
    services,
    now,
  )

const entry: AuditEntry = {
  at: '2026-03-01T11:00:00.000Z',
  by: 'ann@example.com',
  action: 'lock release',
  project: 'shop',
  server: 'web1',
  services: ['web', 'worker'],
  result: 'done',
  login: 'ann@laptop',
  ssh: { user: 'deploy', key: 'SHA256:abc' },
  ci: { name: 'GitHub Actions', repository: 'acme/shop', run: '42', actor: 'octocat' },
}

describe('an entry of the audit is wanted', () => {
  test.each<[Record<string, string>, boolean]>([
    [{}, true],
    [{ since: '2h' }, true],
    [{ since: '30m' }, false],
    [{ since: '2026-03-01T11:00:00Z' }, true],
    [{ by: 'example' }, true],
    [{ by: 'LAPTOP' }, false],
    [{ by: 'laptop' }, true],
    [{ by: 'SHA256:abc' }, true],
    [{ by: 'acme/shop' }, true],
    [{ by: '42' }, true],
    [{ by: 'web1' }, false],
    [{ action: 'lock release' }, true],
    [{ action: 'lock' }, true],
    [{ action: 'lock acquire' }, false],
    [{ action: 'deploy' }, false],
  ])('%j: %s', (given, isWanted) => expect(read(given).isWanted(entry)).toBe(isWanted))
  test.each<[string[], boolean]>([
    [['worker'], true],
    [['db', 'web'], true],
    [['db'], false],
  ])('of %j: %s', (services, isWanted) => expect(read({}, new Set(services)).isWanted(entry)).toBe(isWanted))
  test('whose time nobody can read only where none is asked for', () => {
    const odd = { ...entry, at: 'noon' }
    expect([read({}).isWanted(odd), read({ since: '1d' }).isWanted(odd)]).toEqual([true, false])
  })
})

test.each<[Record<string, string>, number | undefined]>([
  [{}, 20],
  [{ by: 'ann' }, 20],
  [{ since: '1d' }, undefined],
  [{ since: '1d', lines: '5' }, 5],
  [{ lines: 'all' }, undefined],
])('%j shows %s of each server', (given, count) => expect(read(given).count).toBe(count))

test.each<[string, string]>([
  ['rolback', 'did you mean rollback?'],
  ['registry logn', 'did you mean registry login?'],
  ['zzz', 'known: deploy, rollback'],
])('--action %s is refused: %s', (action, hint) => {
  const refused = (() => {
    try {
      return read({ action })
    } catch (error) {
      return error
    }
  })()
  expect(refused).toMatchObject({ code: 'usage', hint: expect.stringContaining(hint) })
})
