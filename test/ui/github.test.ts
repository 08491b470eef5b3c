import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { InvalidConfig } from '../../src/config/problem.ts'
import { Secret } from '../../src/config/secret.ts'
import { JijiError } from '../../src/errors.ts'
import { stepOutputs } from '../../src/ui/github.ts'
import { Output } from '../../src/ui/output.ts'

const runner = { GITHUB_ACTIONS: 'true', GITHUB_RUN_ID: '7', GITHUB_WORKSPACE: '/repo' }

function outputOf({ environment = runner as Record<string, string>, isTty = false, json = false, quiet = false } = {}) {
  const stream = () => Object.assign(new PassThrough(), { isTTY: isTty })
  const [stdin, stdout, stderr] = [stream(), stream(), stream()]
  const streams = { stdin, stdout, stderr, environment, directory: '/repo/app' } as unknown
  const output = new Output({ json, quiet, verbose: false }, streams as ConstructorParameters<typeof Output>[1])
  return { output, out: () => String(stdout.read() ?? ''), err: () => String(stderr.read() ?? '') }
}
const problem = {
  file: '/repo/app/.jiji/deploy.yml',
  line: 3,
  column: 5,
  path: 'a.b',
  code: 'unknown-key' as const,
  message: 'unknown key b',
  hint: 'did you mean c?',
}

describe('on GitHub', () => {
  test('secrets are told to the runner, line by line, and to nobody else', () => {
    const key = new Secret('KEY', 'first line%\nab\nlast line')
    const { output, err } = outputOf()
    output.hide([key])
    expect(err()).toBe('::add-mask::first line%25\n::add-mask::last line\n')
    output.hide([key, new Secret('OTHER', 'hunter2')])
    expect(err()).toBe('::add-mask::hunter2\n')
    for (const world of [{ environment: {} }, { isTty: true }, { environment: { GITHUB_ACTIONS: 'true' } }]) {
      const { output, err } = outputOf(world)
      output.hide([key])
      expect(err()).toBe('')
    }
  })
  test('what belongs together can be folded, and results stand outside', () => {
    const { output, out, err } = outputOf()
    output.event({ step: 'build', state: 'done', service: 'web' })
    output.event({ step: 'push', state: 'done', service: 'web' })
    output.event({ step: 'health', state: 'done', server: 's1', service: 'web' })
    output.result('deployed')
    output.event({ step: 'stop', state: 'done', server: 's1', service: 'web' })
    output.warn('take care')
    const said = err()
      .split('\n')
      .map(line => (line.startsWith('::') ? line : '-'))
    expect(said).toEqual(
      '::group::Build and push|-|-|::endgroup::|::group::Release|-|::endgroup::|::group::Release|-|::endgroup::|-|::warning title=jiji::take care|-'.split(
        '|',
      ),
    )
    expect(out()).toBe('deployed\n')
  })
  test('a problem is shown at its line', () => {
    const { output, err } = outputOf()
    output.error(new InvalidConfig([problem]))
    expect(err()).toContain(
      '::error file=app/.jiji/deploy.yml,line=3,col=5,title=jiji%3A unknown-key::a.b: unknown key b%0Adid you mean c?\n',
    )
  })
  test('a failure is shown at the job, also where the result is JSON, without secrets', () => {
    const { output, out, err } = outputOf({ json: true })
    output.hide([new Secret('TOKEN', 'hunter2')])
    err()
    output.error(new JijiError('pull.failed', 'no hunter2\nhere', { hint: 'log in' }))
    expect(JSON.parse(out())).toMatchObject({ error: { code: 'pull.failed' } })
    expect(err()).toBe('::error title=jiji%3A pull.failed::no [TOKEN]%0Ahere%0Alog in\n')
  })
  test('what servers say is nothing that the runner does', () => {
    const { output, err } = outputOf()
    const lines = ['::add-path::/evil', '  ::set-env name=A::b', 'x ##[add-mask]y']
    output.error(new JijiError('release.unhealthy', 'ill', { output: lines.join('\n') }))
    output.note(lines.join('\n'))
    const commands = err()
      .split('\n')
      .filter(line => /^\s*::(?!error title)|##\[/.test(line))
    expect(commands).toEqual([])
  })
  test('what containers write is nothing that it does either, on stdout and on stderr', () => {
    const { output, out, err } = outputOf()
    const lines = ['::add-path::/evil', '  ::set-env name=A::b', 'x ##[add-mask]y', 'a\r::stop-commands::b']
    for (const to of ['stdout', 'stderr'] as const) for (const line of lines) output.foreign('', line, to)
    output.result(lines.join('\n'))
    output.table(['what'], [[lines[2] ?? '']])
    expect(`${out()}${err()}`.split(/[\r\n]/).filter(line => /^\s*::|##\[/.test(line))).toEqual([])
  })
  test('JSON stays the same JSON, and gives it no command', () => {
    const { output, out } = outputOf({ json: true })
    const value = { text: '##[add-mask]x', '##[key]': ['::error::', '##\\['] }
    output.json(value)
    const text = out()
    expect(text).not.toContain('##[')
    expect(JSON.parse(text)).toEqual(value)
  })
  test('elsewhere what containers write stays as it is', () => {
    const { output, out } = outputOf({ environment: {} })
    output.foreign('', '::error::x')
    output.json({ text: '##[error]' })
    expect(out()).toBe('::error::x\n{\n  "text": "##[error]"\n}\n')
  })
  test('nothing is folded or annotated elsewhere', () => {
    const { output, err } = outputOf({ environment: {} })
    output.event({ step: 'build', state: 'done', service: 'web' })
    output.error(new InvalidConfig([problem]))
    expect(err()).not.toMatch(/^::/m)
  })
  test('outputs of a step have several lines, and what is in one is no other', () => {
    expect(stepOutputs({ version: 'v1', addresses: 'a\nversion=v2\nEND' }, 'MARK')).toBe(
      'version<<MARK\nv1\nMARK\naddresses<<MARK\na\nversion=v2\nEND\nMARK\n',
    )
  })
})
