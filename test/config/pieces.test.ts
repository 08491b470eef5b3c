import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { nearest } from '../../src/config/nearest.ts'
import { overlay } from '../../src/config/overlay.ts'
import { Secret } from '../../src/config/secret.ts'
import { select } from '../../src/config/select.ts'
import { JijiError } from '../../src/errors.ts'
import { sh } from '../../src/shell/script.ts'
import { configOf, linesOf, problemsOf, smallest } from './deploy-yml.ts'

describe('one configuration laid over another', () => {
  test.each<[string, unknown, unknown, unknown]>([
    ['maps merge', { a: { b: 1, c: 2 } }, { a: { c: 3, d: 4 } }, { a: { b: 1, c: 3, d: 4 } }],
    ['lists replace', { a: [1, 2] }, { a: [3] }, { a: [3] }],
    ['single values replace', { a: 'x' }, { a: 'y' }, { a: 'y' }],
    ['a map replaces a value', { a: 'x' }, { a: { b: 1 } }, { a: { b: 1 } }],
    ['a value replaces a map', { a: { b: 1 } }, { a: 'x' }, { a: 'x' }],
    ['an empty key changes nothing', { a: { b: 1 } }, { a: undefined }, { a: { b: 1 } }],
    ['an empty file changes nothing', { a: 1 }, undefined, { a: 1 }],
    ['over nothing', undefined, { a: 1 }, { a: 1 }],
    ['a name that every object has', { a: 1 }, { constructor: { b: 1 } }, { a: 1, constructor: { b: 1 } }],
  ])('%s', (_, base, over, result) => expect(overlay(base, over)).toEqual(result))

  test('leaves both as they were', () => {
    const base = { a: { b: 1 } }
    const over = { a: { c: 2 } }
    overlay(base, over)
    expect([base, over]).toEqual([{ a: { b: 1 } }, { a: { c: 2 } }])
  })
  test('cannot reach what all objects share', () => {
    overlay({}, JSON.parse('{"__proto__": {"polluted": true}}'))
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
  test('is read as one, and a problem stands in the file that says it last', () => {
    const config = configOf(smallest, 'services: {web: {image: redis:8}}\nssh: {user: deploy}\n')
    expect(config).toMatchObject({
      environment: 'staging',
      scope: 'myapp-staging',
      ssh: { user: 'deploy' },
      services: [{ image: 'redis:8', servers: ['web1'] }],
    })
    const [problem] = problemsOf(smallest, 'services: {web: {hosts: [web9]}}')
    expect(problem?.file).toMatch(/deploy\.staging\.yml$/)
    expect(linesOf(problem ? [problem] : [])).toEqual([
      '1:26 services.web.hosts.0 unknown-server: there is no server web9 (did you mean web1?)',
    ])
    expect(problemsOf(smallest.replace('[web1]', '[web9]'), 'ssh: {user: a}')[0]?.file).toMatch(/deploy\.yml$/)
  })
  test('may bring what the base lacks', () => {
    expect(configOf('project: myapp\n', smallest.replace('project: myapp\n', '')).services[0]?.name).toBe('web')
  })
})

describe('the nearest name', () => {
  test.each<[string, string[], string | undefined]>([
    ['sevices', ['servers', 'services', 'ssh'], 'services'],
    ['web', ['web1', 'db'], 'web1'],
    ['wbe1', ['web1', 'web2'], 'web1'],
    ['WEB1', ['web1'], 'web1'],
    ['deplyo', ['deploy', 'delete'], 'deploy'],
    ['usr', ['user', 'host'], 'user'],
    ['colour', ['project', 'servers'], undefined],
    ['x', ['services'], undefined],
    ['', ['services'], undefined],
    ['services', [], undefined],
  ])('to %j in %j: %s', (written, candidates, name) => expect(nearest(written, candidates)).toBe(name))
})

describe('what a command acts on', () => {
  const config = configOf(`project: x
servers: {web1: {host: a}, web2: {host: b}, db1: {host: c}, idle: {host: d}}
services:
  web: {image: a, hosts: [web2, web1]}
  api: {image: a, hosts: [web2]}
  db: {image: a, hosts: [db1]}
`)
  test.each<[string[] | undefined, string[] | undefined, string[], string]>([
    [undefined, undefined, ['web1', 'web2', 'db1', 'idle'], 'web on web1 web2, api on web2, db on db1'],
    [['web1'], undefined, ['web1'], 'web on web1'],
    [['web*'], undefined, ['web1', 'web2'], 'web on web1 web2, api on web2'],
    [['*1'], undefined, ['web1', 'db1'], 'web on web1, db on db1'],
    [['*'], ['*'], ['web1', 'web2', 'db1'], 'web on web1 web2, api on web2, db on db1'],
    [['db1,web1'], undefined, ['web1', 'db1'], 'web on web1, db on db1'],
    [['web1', 'db1'], undefined, ['web1', 'db1'], 'web on web1, db on db1'],
    [[' web1 , db1 ,'], undefined, ['web1', 'db1'], 'web on web1, db on db1'],
    [undefined, ['api'], ['web2'], 'api on web2'],
    [undefined, ['web,db'], ['web1', 'web2', 'db1'], 'web on web1 web2, db on db1'],
    [['web2'], ['web'], ['web2'], 'web on web2'],
    [['idle'], undefined, ['idle'], ''],
  ])('-H %j -S %j', (hosts, services, servers, text) => {
    const selected = select(config, { hosts, services })
    expect(selected.servers.map(({ name }) => name)).toEqual(servers)
    expect(selected.services.map(({ name, servers }) => `${name} on ${servers.join(' ')}`).join(', ')).toBe(text)
  })
  test.each<[string[] | undefined, string[] | undefined, string, string | undefined]>([
    [['web3'], undefined, 'no server matches web3', 'did you mean web1?'],
    [['web1,wbe2'], undefined, 'no server matches wbe2', 'did you mean web2?'],
    [['nothing*'], undefined, 'no server matches nothing*', 'known: web1, web2, db1, idle'],
    [undefined, ['apis'], 'no service matches apis', 'did you mean api?'],
    [['web.'], undefined, 'no server matches web.', 'did you mean web1?'],
    [['idle'], ['web'], 'no server runs the services that were selected', undefined],
    [[''], undefined, 'no server is named', 'known: web1, web2, db1, idle'],
    [[','], undefined, 'no server is named', 'known: web1, web2, db1, idle'],
    [undefined, [' '], 'no service is named', 'known: web, api, db'],
  ])('-H %j -S %j matches nothing', (hosts, services, message, hint) => {
    const error = failureOf(() => select(config, { hosts, services }))
    expect(error).toMatchObject({ code: 'select.no-match', message, exitStatus: 2 })
    expect(error?.hint).toBe(hint)
  })
})

describe('a secret', () => {
  const secret = new Secret('TOKEN', 'hunter2')

  test.each<[string, (secret: Secret) => string]>([
    ['in a template', one => `${one}`],
    ['in a sum', one => `a ${one}`],
    ['as a string', one => String(one)],
    ['in a list', one => [one].join()],
    ['as JSON', one => JSON.stringify({ one })],
    ['inspected', one => inspect(one, { depth: 9, showHidden: true, getters: true })],
    ['inspected deep', one => inspect({ a: [{ one }] }, { depth: 9, showHidden: true })],
    ['in an error', one => inspect(new Error(`no ${one}`, { cause: one }))],
    ['in an error of ours', one => inspect(new JijiError('failed', `no ${one}`, { cause: { one }, hint: `${one}` }))],
    ['in a script', one => String(sh`login ${one}`)],
    ['in a script inspected', one => inspect([one, sh`login ${one}`], { depth: 9, showHidden: true, getters: true })],
    ['spread', one => JSON.stringify({ ...one })],
    ['its keys', one => Object.entries(one).join()],
    ['made into another', one => inspect(one.map(value => `${value}!`))],
  ])('%s shows its name and never its value', (_, show) => {
    expect(show(secret)).toMatch(/TOKEN/)
    expect(show(secret)).not.toContain('hunter2')
  })
  test('gives its value only when it is revealed', () => {
    expect(secret.reveal()).toBe('hunter2')
    expect(secret.map(value => value.toUpperCase()).reveal()).toBe('HUNTER2')
  })
})

function failureOf(action: () => unknown): JijiError | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    if (error instanceof JijiError) return error
    throw error
  }
}
