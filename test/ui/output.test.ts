import { PassThrough } from 'node:stream'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { InvalidConfig } from '../../src/config/problem.ts'
import { Secret } from '../../src/config/secret.ts'
import type { Event } from '../../src/deploy/event.ts'
import { FailedRelease } from '../../src/deploy/failed-release.ts'
import { JijiError } from '../../src/errors.ts'
import { sh } from '../../src/shell/script.ts'
import { Output, type OutputStyle } from '../../src/ui/output.ts'
import { screenAfter } from './screen.ts'

type World = { style?: Partial<OutputStyle>; environment?: Record<string, string>; isTty?: boolean; columns?: number }

function outputOf({ style = {}, environment = {}, isTty = false, columns = 20 }: World = {}) {
  const stream = () => Object.assign(new PassThrough(), { isTTY: isTty, columns })
  const [stdin, stdout, stderr] = [stream(), stream(), stream()]
  const streams = { stdin, stdout, stderr, environment, directory: '/' } as unknown as ConstructorParameters<
    typeof Output
  >[1]
  const output = new Output({ json: false, quiet: false, verbose: false, ...style }, streams)
  const textOf = (one: PassThrough) => String(one.read() ?? '')
  return { output, stdin, out: () => textOf(stdout), err: () => textOf(stderr) }
}

const token = new Secret('TOKEN', 'hunter2')
const failure = new JijiError('pull.failed', 'web1: app could not be pulled: denied', {
  server: 'web1',
  hint: 'log in',
  output: 'one\ntwo\n',
})
const problem = {
  file: '/nowhere/deploy.yml',
  line: 3,
  column: 5,
  path: 'a.b',
  code: 'unknown-key' as const,
  message: 'unknown key b',
}

describe('what is printed', () => {
  test('as a file that was asked for is not masked, and not a byte more', () => {
    const { output, out, err } = outputOf()
    output.hide([token])
    output.reveal('hunter2')
    expect([out(), err()]).toEqual(['hunter2', ''])
    output.reveal(Buffer.from('hunter2\n'))
    expect(out()).toBe('hunter2\n')
  })
  test('is on a terminal, or it is not', () => {
    expect([true, false].map(isTty => outputOf({ isTty }).output.isOnTerminal)).toEqual([true, false])
  })
  test.each<[World, string]>([
    [{ isTty: true }, 'registry: registry.invalid\nplace:    here\n'],
    [{ isTty: true, columns: 23 }, 'REGISTRY          PLACE\nregistry.invalid  here\n'],
    [{ isTty: true, columns: 0 }, 'REGISTRY          PLACE\nregistry.invalid  here\n'],
    [{ isTty: true, columns: 0, environment: { COLUMNS: '20' } }, 'registry: registry.invalid\nplace:    here\n'],
    [{ environment: { COLUMNS: '20' } }, 'registry: registry.invalid\nplace:    here\n'],
    [{}, 'REGISTRY          PLACE\nregistry.invalid  here\n'],
  ])('as a table has the width of a terminal that knows its own: %j', (world, text) => {
    const { output, out } = outputOf(world)
    output.table(['registry', 'place'], [['registry.invalid', 'here']])
    expect(out()).toBe(text)
  })
  test('as a result goes to stdout, narration to stderr', () => {
    const { output, out, err } = outputOf()
    output.result('result')
    output.table(['a'], [['x']])
    output.note('note')
    output.warn('careful')
    expect([out(), err()]).toEqual(['result\nA\nx\n', 'note\nwarning: careful\n'])
  })
  test('quietly is results, warnings and errors', () => {
    const { output, out, err } = outputOf({ style: { quiet: true } })
    output.result('result')
    output.note('note')
    output.event({ step: 'build', state: 'begun', service: 'web' })
    output.warn(problem)
    output.error(failure)
    expect(out()).toBe('result\n')
    expect(err()).toBe(
      'warning: nowhere/deploy.yml:3:5: a.b: unknown key b\n  | one\n  | two\nerror: web1: app could not be pulled: denied\n  log in\n',
    )
  })
  test('goes through the mask, all of it', () => {
    const { output, out, err } = outputOf({ style: { verbose: true } })
    output.hide([token])
    output.hide([new Secret('OTHER', 'second!')])
    output.result('hunter2 second!')
    output.table(['hunter2'], [['hunter2']])
    output.json({ a: 'hunter2', b: ['x hunter2'] })
    output.note('hunter2')
    output.warn('hunter2')
    output.event({ step: 'build', state: 'note', detail: 'hunter2' })
    output.script({ server: 'web1' }, sh`echo ${'hunter2'} ${token}`)
    output.error(new JijiError('failed', 'hunter2', { hint: 'hunter2', output: 'hunter2' }))
    output.error(new Error('hunter2'))
    const [stdout, stderr] = [out(), err()]
    expect(stdout + stderr).not.toMatch(/hunter2|second!/)
    expect(stdout).toMatch(/^\[TOKEN\] \[OTHER\]\n/)
  })
  test('as JSON stays JSON when a number or a key looks like a secret', () => {
    const { output, out } = outputOf({ style: { json: true } })
    output.hide([new Secret('PIN', '9270'), new Secret('QUOTED', 'a"b\\c')])
    output.json({ port: 9270, text: 'port 9270', quoted: 'x a"b\\c y' })
    expect(JSON.parse(out())).toEqual({ port: 9270, text: 'port [PIN]', quoted: 'x [QUOTED] y' })
  })
  test('of scripts only with -v', () => {
    const loud = outputOf({ style: { verbose: true } })
    loud.output.script({ server: 'web1' }, sh`one\ntwo`)
    expect(loud.err()).toMatch(/^# web1\nsh <<'EOF'\n\{ [\s\S]*\none\ntwo\nexit; \}\nEOF\n$/)
    const { output, err } = outputOf()
    output.script({ server: 'web1' }, sh`one`)
    expect(err()).toBe('')
  })
  test.each<[object, string]>([
    [{ step: 'build', state: 'begun', service: 'web', detail: 'x' }, 'web            building x\n'],
    [{ step: 'start', state: 'begun', server: 'web1' }, ''],
    [{ step: 'start', state: 'done', server: 'web1' }, 'web1           started\n'],
    [{ step: 'build', state: 'note', detail: 'step 1/9' }, ''],
    [{ step: 'drain', state: 'note', server: 'web1', detail: 'slow' }, 'web1           slow\n'],
  ])('of the event %j: %j', (event, text) => {
    const { output, err } = outputOf()
    output.event(event as never)
    expect(err()).toBe(text)
  })
  test('in our words breaks its lines between words, and what is for programs or somebody else does not', () => {
    const { output, out, err } = outputOf({ isTty: true, environment: { NO_COLOR: '1' }, style: { verbose: true } })
    const text = 'one two three four five'
    output.note(text)
    output.warn(text)
    output.script({ server: 'web1' }, sh`one two three four five`)
    output.error(new JijiError('failed', text, { hint: text, output: text }))
    expect(err()).toBe(`one two three four
  five
warning: one two
  three four five
# web1
sh <<'EOF'
{ exec </dev/null; umask 077
PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin LC_ALL=C; export PATH LC_ALL
one two three four five
exit; }
EOF
  | one two three
  |   four five
error: one two three
       four five
  one two three four
    five
`)
    output.result(text)
    output.document(text)
    output.foreign('web1', text)
    expect(out()).toBe(`one two three four\n  five\n${text}\nweb1 | ${text}\n`)
  })
  test('hides a secret of several words, wherever they come to stand', () => {
    const { output, out, err } = outputOf({ isTty: true, environment: { NO_COLOR: '1' } })
    output.hide([new Secret('PHRASE', 'correct horse battery staple')])
    const text = 'it is correct horse battery staple'
    output.result(text)
    output.note(text)
    output.error(new JijiError('failed', text, { hint: text, output: text }))
    output.table(['a', 'b'], [['x', text]])
    output.redraw(['a', 'b'], [['x', text]])
    expect(`${out()}${err()}`).not.toMatch(/correct|horse|battery|staple/)
  })
  test('does nothing to a terminal, whoever wrote it, and is as it is elsewhere', () => {
    const title = 'a \u001b]0;root\u0007 b'
    const all = ({ output, out, err }: ReturnType<typeof outputOf>) => {
      output.result(title)
      output.table(['a'], [[title]])
      output.foreign('s1', title)
      output.note(title)
      output.warn(title)
      output.error(new JijiError('failed', title, { hint: title, output: `${title}\r\n${title}` }))
      output.error(title)
      return `${out()}${err()}`
    }
    const environment = { NO_COLOR: '1' }
    expect(all(outputOf({ isTty: true, columns: 80, environment }))).toMatch(/^(?=.*a \^\[\]0;root\^G b)[\n -~]+$/)
    expect(all(outputOf({ environment })).split(title)).toHaveLength(11)
  })
  test('of somebody else ends with its words, without the return of a terminal', () => {
    const { output, out } = outputOf()
    output.foreign('s1', 'no such file\r')
    expect(out()).toBe('s1 | no such file\n')
  })
  test('again and again stays within the terminal, and says what it leaves out', () => {
    const { output, out } = outputOf({ isTty: true, environment: { LINES: '4' } })
    output.redraw(
      ['a'],
      ['1', '2', '3', '4'].map(one => [one]),
    )
    expect(out()).toBe('\u001b[HA\u001b[K\n1\u001b[K\n... and 3 more lines\u001b[K\n\u001b[J')
    const short = outputOf({ isTty: true, environment: { LINES: '4' } })
    short.output.redraw(['a'], [['1'], ['2']])
    expect(short.out()).toBe('\u001b[HA\u001b[K\n1\u001b[K\n2\u001b[K\n\u001b[J')
  })
})

describe('of many servers', () => {
  const names = Array.from({ length: 20 }, (_, index) => `s${index + 1}`)
  const web = (server: string, step: Event['step'], state: Event['state'] = 'done') =>
    ({ step, state, server, service: 'web' }) as const

  test('lines that say the same are one, in the order in which they began, before what comes after them', () => {
    const { output, err, out } = outputOf()
    output.expect(20)
    for (const name of names) output.event({ step: 'pull', state: 'begun', server: name, detail: 'web' })
    for (const name of names) output.event({ step: 'pull', state: 'done', server: name, detail: 'web' })
    output.event({ step: 'pull', state: 'done', server: 's1', detail: 'db' })
    expect(err()).toBe('')
    output.event({ step: 'connect', state: 'lost', server: 's3', detail: 'the connection was lost' })
    expect(err()).toBe(
      '20 servers     pulling web\n20 servers     pulled web\ns1             pulled db\ns3             the connection was lost\n',
    )
    for (const name of names) output.event(web(name, 'health'))
    for (const name of ['s1', 's2']) output.event(web(name, 'start', 'begun'))
    output.result('done')
    expect([err(), out()]).toEqual(['20 servers web healthy\n', 'done\n'])
    output.event(web('s1', 'stop'))
    output.foreign('here', 'a hook')
    expect(err()).toBe('s1 web         done, not yet on s2\n')
    output.event(web('s2', 'stop'))
    output.json({})
    expect(err()).toBe('s2 web         done\n')
  })
  test('lines name those few that are behind, unless they have failed', () => {
    const { output, err } = outputOf()
    output.expect(20)
    for (const name of names) output.event(web(name, 'start', 'begun'))
    const healthy = (...some: string[]) => {
      for (const name of some) output.event(web(name, 'health'))
      output.note('then')
      return err()
    }
    expect(healthy(...names.slice(0, 10))).toBe('10 servers web healthy\nthen\n')
    expect(healthy(...names.slice(10, 17))).toBe('7 servers web  healthy, not yet on s18, s19, s20\nthen\n')
    output.event(web('s19', 'health', 'failed'))
    expect(err()).toBe('s19 web        health failed\n')
    expect(healthy('s20')).toBe('s20 web        healthy, not yet on s18\nthen\n')
    expect(healthy('s18')).toBe('s18 web        healthy\nthen\n')
    for (const name of names.slice(0, 19)) output.event(web(name, 'drain'))
    output.note('then')
    expect(err()).toBe('19 servers web drained\nthen\n')
  })
  test('a line waits for others for a second', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { output, err } = outputOf()
    output.expect(20)
    output.event(web('s1', 'start'))
    vi.advanceTimersByTime(900)
    output.event(web('s2', 'start'))
    expect(err()).toBe('')
    vi.advanceTimersByTime(100)
    expect(err()).toBe('2 servers web  started\n')
  })
  test('each line is shown at once where there are few, and with -v', () => {
    for (const [servers, verbose] of [
      [10, false],
      [20, true],
    ] as const) {
      const { output, err } = outputOf({ style: { verbose } })
      output.expect(servers)
      for (const name of ['s1', 's2']) output.event(web(name, 'health'))
      expect(err()).toBe('s1 web         healthy\ns2 web         healthy\n')
    }
  })
})

describe('colour', () => {
  test.each<[World, boolean]>([
    [{ isTty: true }, true],
    [{ isTty: false }, false],
    [{ isTty: true, environment: { NO_COLOR: '1' } }, false],
    [{ isTty: true, environment: { NO_COLOR: '' } }, true],
    [{ isTty: true, environment: { NO_COLOR: '1', FORCE_COLOR: '1' } }, false],
    [{ isTty: true, environment: { TERM: 'dumb' } }, false],
    [{ isTty: false, environment: { FORCE_COLOR: '1' } }, true],
    [{ isTty: true, environment: { FORCE_COLOR: '0' } }, false],
  ])('with %j: %s', (world, isColoured) => {
    const { output, err } = outputOf(world)
    output.warn('x')
    expect(err().includes('\u001b[')).toBe(isColoured)
  })
  test('is never in results', () => {
    const { output, out } = outputOf({ isTty: true })
    output.table(['a'], [['x']])
    expect(out()).not.toContain('\u001b[')
  })
})

describe('an error', () => {
  const jsonOf = (error: unknown) => {
    const { output, out, err } = outputOf({ style: { json: true } })
    output.error(error)
    expect(err()).toBe('')
    return JSON.parse(out())
  }
  test('of the user says what to try next', () => {
    const { output, err } = outputOf()
    output.error(new JijiError('config.missing', 'there is no x', { hint: 'one\n  two' }))
    expect(err()).toBe('error: there is no x\n  one\n  two\n')
  })
  test('of the configuration names every problem', () => {
    const { output, err } = outputOf()
    output.error(new InvalidConfig([problem, { ...problem, line: 4 }]))
    expect(err()).toBe(
      'error: nowhere/deploy.yml:3:5: a.b: unknown key b\nerror: nowhere/deploy.yml:4:5: a.b: unknown key b\nerror: the configuration has 2 problems\n',
    )
  })
  test('of ours shows its stack', () => {
    const { output, err } = outputOf()
    output.error(new TypeError('x is not a function'))
    expect(err()).toMatch(/^error: this is a fault of jiji, not yours\nTypeError: x is not a function\n {4}at /)
    output.error('text')
    expect(err()).toBe('error: this is a fault of jiji, not yours\ntext\n')
  })
  test('as JSON has its code, message, hint and server', () => {
    const rest = { schemaVersion: 1, type: 'error', at: expect.stringMatching(/^\d{4}-.*Z$/) }
    expect(jsonOf(failure)).toEqual({
      ...rest,
      error: { code: 'pull.failed', message: 'web1: app could not be pulled: denied', hint: 'log in', server: 'web1' },
    })
    expect(jsonOf(new JijiError('usage', 'no'))).toEqual({ ...rest, error: { code: 'usage', message: 'no' } })
    expect(jsonOf(new TypeError('no'))).toEqual({ ...rest, error: { code: 'fault', message: 'no' } })
    expect(jsonOf(new InvalidConfig([problem]))).toMatchObject({
      error: { code: 'config.invalid' },
      problems: [problem],
    })
  })
  test('of a release says what serves now, also when more is known about it', () => {
    const services = [
      {
        service: 'web',
        server: 's1',
        version: 'v1',
        state: 'running',
        health: 'unknown' as const,
        routes: [],
        certificates: [],
      },
    ]
    const release = new FailedRelease(failure, services, new Set())
    for (const error of [release, new JijiError('disk.full', 'no room', { cause: release })]) {
      expect(jsonOf(error)).toMatchObject({ error: { code: error.code }, services })
      const { output, err } = outputOf()
      output.error(error)
      expect(err()).toMatch(/SERVES NOW {2}ON\nweb v1 {6}s1\nerror: /)
    }
  })
  test('after a result in JSON does not spoil it with a second one', () => {
    const { output, out, err } = outputOf({ style: { json: true } })
    output.json({ services: [] })
    output.error(failure)
    expect(JSON.parse(out())).toEqual({ services: [] })
    expect(err()).toContain('error: web1: app could not be pulled: denied')
  })
})

describe('as lines of JSON', () => {
  const linesOf = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
  const event: Event = { step: 'pull', state: 'done', server: 's1', service: 'web', detail: 'hunter2' }

  test('events come when they happen, and the result is the last line, whatever follows it', () => {
    const { output, out } = outputOf({ style: { json: true, lines: true } })
    output.hide([token])
    output.event(event)
    const at = expect.stringMatching(/^\d{4}-.*Z$/)
    expect(linesOf(out())).toEqual([
      {
        schemaVersion: 1,
        type: 'event',
        at,
        step: 'pull',
        state: 'done',
        server: 's1',
        service: 'web',
        detail: '[TOKEN]',
      },
    ])
    output.event({ step: 'lock', state: 'held', server: 's1' })
    output.event({ step: 'build', state: 'note', detail: 'layer 1' })
    output.json({ schemaVersion: 1, result: 'done' })
    output.warn('careful')
    output.event({ step: 'hook', state: 'begun', detail: 'post-deploy' })
    output.end()
    expect(linesOf(out()).map(({ type, result }) => result ?? type)).toEqual(['warning', 'event', 'done'])
  })
  test('an error is the last line, also after a result', () => {
    const { output, out, err } = outputOf({ style: { json: true, lines: true } })
    output.event(event)
    output.json({ result: 'done' })
    output.error(failure)
    expect(linesOf(out()).map(({ type }) => type)).toEqual(['event', 'result', 'error'])
    expect(err()).not.toContain('error:')
  })
})

describe('a question', () => {
  const asked = async (text: string | undefined, usual: 'yes' | 'no') => {
    const { output, stdin } = outputOf({ isTty: true })
    const answer = output.confirm('a plan', usual)
    if (text === undefined) stdin.end()
    else stdin.write(`${text}\n`)
    return answer.then(
      () => true,
      error => [error.code, error.message].join(': '),
    )
  }
  const nothing = 'interrupted: nothing was changed'
  test.each<[string | undefined, 'yes' | 'no', true | string]>([
    ['', 'yes', true],
    ['', 'no', nothing],
    ['y', 'no', true],
    ['YES', 'no', true],
    [' yes ', 'no', true],
    ['n', 'yes', nothing],
    ['no', 'yes', nothing],
    ['what', 'yes', nothing],
    [undefined, 'yes', nothing],
  ])('answered with %j, where %s is usual: %s', async (text, usual, answer) =>
    expect(await asked(text, usual)).toBe(answer),
  )
  test('shows what it is about and what is usual, also where all else is quiet', async () => {
    const { output, stdin, err } = outputOf({ isTty: true, columns: 40, style: { quiet: true } })
    stdin.write('n\n')
    await expect(output.confirm('a plan', 'no')).rejects.toThrow('nothing was changed')
    expect(screenAfter(err(), 40).slice(0, 2)).toEqual(['a plan', 'Go ahead? [y/N] n'])
  })
  test('is answered by what was typed ahead, and leaves the rest of that to the next', async () => {
    const { output, stdin } = outputOf({ isTty: true })
    Object.assign(stdin, { setRawMode: () => {} })
    stdin.write('one\ntwo\nhun')
    expect(await output.ask('First:')).toBe('one')
    expect(await output.ask('Second:')).toBe('two')
    const password = output.askSecret('Password:')
    stdin.write('ter2\nfour\n')
    expect(await password).toBe('hunter2')
    expect(await output.ask('Fourth:')).toBe('four')
    stdin.write('\u0003')
    await expect(output.ask('Fifth:')).rejects.toThrow('nothing was changed')
  })
  test('leaves room for an answer, in a terminal of any width', async () => {
    const { output, stdin, err } = outputOf({ isTty: true, columns: 40, environment: { LANG: 'C.UTF-8' } })
    const answer = output.ask('Registry, such as ghcr.io [ghcr.io]:')
    stdin.write('registry.acme.org\n')
    await answer
    expect(screenAfter(err(), 40).slice(0, 2)).toEqual(['Registry, such as ghcr.io', '  [ghcr.io]: registry.acme.org'])
  })
  test('goes on after Ctrl-Z and fg', async () => {
    const { output, stdin, err } = outputOf({ isTty: true, columns: 40 })
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
    onTestFinished(() => kill.mockRestore())
    const answer = output.ask('Domain:')
    stdin.write('sho\u001a')
    await expect.poll(() => kill.mock.calls, { timeout: 20_000 }).toEqual([[process.pid, 'SIGTSTP']])
    err()
    process.emit('SIGCONT')
    expect(screenAfter(err(), 40)).toEqual(['Domain: sho'])
    stdin.write('p.acme.org\n')
    expect(await answer).toBe('shop.acme.org')
  })

  test.each<[World, boolean]>([
    [{ isTty: true }, true],
    [{ isTty: false }, false],
    [{ isTty: true, style: { json: true } }, false],
  ])('with %j can be asked: %s', (world, isInteractive) =>
    expect(outputOf(world).output.isInteractive).toBe(isInteractive),
  )
})
