import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import type { Event } from '../../src/deploy/event.ts'
import { isInBackground } from '../../src/ui/job-control.ts'
import { Output, type OutputStyle } from '../../src/ui/output.ts'
import { screenAfter } from './screen.ts'

vi.mock(import('../../src/ui/job-control.ts'), async original => ({
  ...(await original()),
  isInBackground: vi.fn(() => false),
}))

type World = { style?: Partial<OutputStyle>; environment?: Record<string, string>; isTTY?: boolean }

const usual = { TERM: 'xterm', LANG: 'C.UTF-8', NO_COLOR: '1' }

/** stdout and stderr are the same terminal. */
function terminalOf({ style = {}, environment = usual, isTTY = true }: World = {}) {
  const stream = () => Object.assign(new PassThrough(), { isTTY, columns: 60, rows: 12 })
  const [stdin, terminal] = [stream(), stream()]
  const streams = { stdin, stdout: terminal, stderr: terminal, environment, directory: '/' }
  const output = new Output({ json: false, quiet: false, verbose: false, ...style }, streams as never)
  let written = ''
  terminal.on('data', chunk => {
    written += String(chunk)
  })
  const resize = (columns: number) => terminal.emit('resize', Object.assign(terminal, { columns }))
  return { output, stdin, terminal, resize, written: () => written, screen: () => screenAfter(written, 60) }
}

const pulling = (server: string, state: Event['state'] = 'begun'): Event => ({
  ...{ step: 'pull', server, detail: 'web', state },
})

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('the last lines of a terminal', () => {
  test('show what is going on, below what stays, and are gone in the end', async () => {
    const { output, screen } = terminalOf()
    await output.live(async () => {
      output.event(pulling('s1'))
      output.event(pulling('s2'))
      vi.advanceTimersByTime(100)
      expect(screen()).toEqual(['s1   0s  pulling web', 's2   0s  pulling web', ''])
      vi.advanceTimersByTime(2000)
      expect(screen()).toEqual(['s1   2s  pulling web', 's2   2s  pulling web', ''])
      output.event(pulling('s1', 'done'))
      output.note('a note')
      output.result('a result')
      vi.advanceTimersByTime(100)
      expect(screen()).toEqual([
        's1             pulled web',
        'a note',
        'a result',
        's1       pulled web',
        's2   2s  pulling web',
        '',
      ])
    })
    expect(screen()).toEqual(['s1             pulled web', 'a note', 'a result', ''])
    output.event(pulling('s3'))
    vi.advanceTimersByTime(5000)
    expect(screen()).toEqual(['s1             pulled web', 'a note', 'a result', 's3             pulling web', ''])
  })
  test('are gone too when that has failed, and draw nothing where nothing goes on', async () => {
    const { output, screen, written } = terminalOf()
    const failing = output.live(async () => {
      output.event(pulling('s1'))
      vi.advanceTimersByTime(100)
      expect(screen()).toEqual(['s1   0s  pulling web', ''])
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(screen()).toEqual([''])
    const before = written()
    await output.live(async () => void vi.advanceTimersByTime(5000))
    expect(written()).toBe(before)
    await output.live(async () => {
      output.event({ step: 'connect', state: 'done', server: 's1' })
      vi.advanceTimersByTime(5000)
      expect(written().slice(before.length)).toBe('s1       connected\u001b[K\n\u001b[J')
    })
  })
  test('are drawn at most ten times in a second, whatever is heard or printed', async () => {
    const { output, written } = terminalOf()
    await output.live(async () => {
      for (let index = 0; index < 1000; index++) {
        output.event({ ...pulling('s1'), detail: `${index}` })
        if (index % 10 === 0) output.note('x')
        vi.advanceTimersByTime(1)
      }
      expect(written().split('pulling').length - 1).toBeLessThanOrEqual(11)
    })
  })
  test('make room for a question', async () => {
    vi.useRealTimers()
    const { output, stdin, screen } = terminalOf()
    await output.live(async () => {
      output.event(pulling('s1'))
      await expect.poll(screen).toEqual([expect.stringMatching(/^s1 +\ds {2}pulling web$/), ''])
      const answer = output.confirm('a plan', 'yes')
      const asked = 'a plan\nGo ahead? [Y/n]'
      await expect.poll(() => screen().join('\n')).toBe(asked)
      output.event(pulling('s2'))
      await new Promise(resolve => setTimeout(resolve, 300))
      expect(screen().join('\n')).toBe(asked)
      stdin.write('y\n')
      await answer
      await expect.poll(() => screen().join('\n')).toMatch(/\ns2 +\ds {2}pulling web\n$/)
    })
  })
  test('are gone while Ctrl-Z has stopped the program, and come anew below what was written meanwhile', async () => {
    const { output, terminal, screen } = terminalOf()
    const live = ['s1   0s  pulling web', '']
    const shell: string[] = []
    const kill = vi.spyOn(process, 'kill').mockImplementation((_, signal) => {
      expect([signal, screen(), process.listenerCount('SIGTSTP')]).toEqual(['SIGTSTP', [...shell, ''], 0])
      terminal.write('[1]+ Stopped\n$ fg\n')
      shell.push('[1]+ Stopped', '$ fg')
      process.emit('SIGCONT')
      return true
    })
    await output.live(async () => {
      output.event(pulling('s1'))
      vi.advanceTimersByTime(100)
      for (const _ of [1, 2]) {
        process.emit('SIGTSTP')
        vi.advanceTimersByTime(100)
        expect(screen()).toEqual([...shell, ...live])
      }
      // Nothing has told of this one before.
      terminal.write('[1]+ Stopped (signal)\n')
      process.emit('SIGCONT')
      vi.advanceTimersByTime(100)
      expect(screen()).toEqual([...shell, ...live.slice(0, 1), '[1]+ Stopped (signal)', ...live])
    })
    expect(kill).toHaveBeenCalledTimes(2)
    kill.mockRestore()
    expect(['SIGTSTP', 'SIGCONT'].map(signal => process.listenerCount(signal))).toEqual([0, 0])
  })
  test('are not drawn while a shell has the terminal, after bg or &, whatever else is printed', async () => {
    const { output, terminal, written, screen, resize } = terminalOf()
    vi.mocked(isInBackground).mockReturnValue(true)
    onTestFinished(() => void vi.mocked(isInBackground).mockReturnValue(false))
    await output.live(async () => {
      output.event(pulling('s1'))
      vi.advanceTimersByTime(900)
      expect(written()).toBe('')
      vi.mocked(isInBackground).mockReturnValue(false)
      vi.advanceTimersByTime(600)
      expect(screen()).toEqual(['s1   1s  pulling web', ''])
      vi.mocked(isInBackground).mockReturnValue(true)
      terminal.write('$ bg\n$ ')
      process.emit('SIGCONT')
      resize(59)
      vi.advanceTimersByTime(2000)
      output.note('a note')
      vi.advanceTimersByTime(2000)
      expect(screen()).toEqual(['s1   1s  pulling web', '$ bg', '$ a note', ''])
      expect(output.canRedraw).toBe(false)
    })
  })
  test('leave nothing when the terminal has become narrower, and broken them', async () => {
    const { output, written, resize } = terminalOf()
    await output.live(async () => {
      output.note('stays')
      output.event({ ...pulling('s1'), detail: 'web, '.repeat(20) })
      vi.advanceTimersByTime(100)
      resize(20)
      // A line of 59 columns takes three lines then: the cursor goes up by so many.
      expect(written().endsWith('\r\u001b[3As1   0s  pulling w…\u001b[K\n\u001b[J')).toBe(true)
    })
    expect(written().endsWith('\r\u001b[1A\u001b[J')).toBe(true)
  })
  test('show no secret, no colour of others, and nothing that would move the cursor', async () => {
    const { output, screen } = terminalOf()
    output.hide([new Secret('TOKEN', 'hunter2'), new Secret('TABBED', 'one\ttwo')])
    const build = { step: 'build', service: 'web' } as const
    await output.live(async () => {
      output.event({ ...build, state: 'begun', detail: 'x' })
      const shownOf = (detail: string) => {
        output.event({ ...build, state: 'note', detail })
        vi.advanceTimersByTime(100)
        return screen()[0]?.replace(/^here +\ds {2}web building: /, '')
      }
      expect(shownOf('a hunter2 b')).toBe('a [TOKEN] b')
      expect(shownOf('a hun\u001b[31mter2 b')).toBe('a [TOKEN] b')
      expect(shownOf('one\ttwo')).toBe('[TABBED]')
      expect(shownOf('50 %\r100 %\u001b[2J')).toBe('50 % 100 %')
      expect(shownOf('known later')).toBe('known later')
      output.hide([new Secret('LATER', 'later')])
      vi.advanceTimersByTime(500)
      expect(screen()[0]).toMatch(/known \[LATER\]$/)
      expect(shownOf('x'.repeat(100_000))).toMatch(/^x+…$/)
    })
  })
  test.each<World>([
    { isTTY: false },
    { environment: { ...usual, TERM: 'dumb' } },
    { environment: { ...usual, TERM: '' } },
    { environment: { ...usual, CI: 'true' } },
    { style: { json: true } },
    { style: { quiet: true } },
    { style: { verbose: true } },
  ])('are not there with %j, and all else is as ever', async world => {
    const { output, written } = terminalOf(world)
    await output.live(async () => {
      output.event({ step: 'start', state: 'done', server: 's1' })
      vi.advanceTimersByTime(1000)
    })
    expect(written()).not.toContain('\u001b')
    expect(written()).toBe(world.style?.quiet ? '' : 's1             started\n')
  })
  test('stand in for what a reader has seen there, and for nothing that matters afterwards', async () => {
    const { output, screen } = terminalOf({ environment: { ...usual, CI: 'false' } })
    const at = { server: 's1', service: 'web' }
    await output.live(async () => {
      output.event({ step: 'start', state: 'begun', ...at })
      for (const step of ['start', 'health', 'switch', 'drain', 'stop'] as const)
        output.event({ step, state: 'done', ...at })
      output.event({ step: 'connect', state: 'lost', server: 's2', detail: 's2: the connection was lost' })
      output.event({ step: 'health', state: 'failed', server: 's3', service: 'web' })
    })
    expect(screen()).toEqual([
      's1 web         done',
      's2             s2: the connection was lost',
      's3 web         health failed',
      '',
    ])
  })
})
