import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { screenAfter } from '../ui/screen.ts'
import { createProject, type Project, program } from './harness.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Stubs, startStubs } from './rig/stubs.ts'

describeOnRig('a deploy to thirty servers, with a stand-in for their engine', () => {
  let stubs: Stubs
  let project: Project

  const configure = (deploy: string) => ({
    '.jiji/deploy.yml': `project: shop
${stubs.configuration()}
deploy: {${deploy}}
services:
  web:
    image: registry.example.com/web:1
    hosts: [${stubs.names}]
    proxy: {app_port: 3000, hosts: [app.example.com], healthcheck: {path: /up}}
`,
  })

  beforeAll(async () => {
    stubs = await startStubs(30)
    project = await createProject(configure(''))
  })
  afterAll(async () => {
    await project?.remove()
    await stubs?.stop()
  })
  const deploy = (version: string, ...more: string[]) =>
    project.jiji('deploy', '--version', version, '--skip-verify', ...more)

  test('goes to all, in few words', async () => {
    const { code, stdout, stderr } = await deploy('v1')
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^\d+ servers web started(, not yet on w\d+(, w\d+)*)?$/m),
    ])
    expect(stderr.split('\n').length).toBeLessThan(100)
    expect(stdout).toMatch(/^web +w1, w2, w3, w4, w5 and 25 more +- +v1 /m)
    expect(await stubs.executions()).toEqual(Array(30).fill(6))
  })
  test('of which one is down says so at once and changes nothing, or leaves it out where that is asked for', async () => {
    await stubs.takeDown('w17')
    const before = await stubs.executions()
    const refused = await deploy('v2')
    expect([refused.code, refused.stderr]).toEqual([
      4,
      expect.stringMatching(
        /^w17 +cannot reach w17 .*\nerror: cannot reach w17 .*\n[\s\S]*--skip-unreachable leaves it out\nthe log of this run: \S+$/,
      ),
    ])
    expect(await stubs.executions()).toEqual(before)

    const { code, stdout, stderr } = await deploy('v2', '--skip-unreachable')
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^w17 .*\n[\s\S]*warning: w17 was left out/)])
    expect(stdout).toMatch(/^web +w1, w2, w3, w4, w5 and 24 more +v1 +v2 /m)
    const after = await stubs.executions()
    expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual(
      stubs.names.map(name => (name === 'w17' ? 0 : 5)),
    )
  })

  describe('on a terminal', () => {
    /**
     * What it shows of a deploy to eleven of them in the end, and what it was told. Each key is typed when something has been
     * told since the one before. What has been stopped by one is said, and goes on.
     */
    const onTerminal = async (version: string, keys: readonly { after: string; key: string }[] = []) => {
      const words = `deploy --yes --skip-verify --version ${version} -H 'w2*'`
      const line = `stty rows 24 cols 80; '${process.execPath}' '${program}' ${words}
        code=$?; [ $code -lt 145 ] || { echo stopped with $code; fg %1 >/dev/null; exit; }; exit $code`
      const { PATH = '', HOME = '' } = process.env
      const child = execa('script', ['-qec', 'bash -mc "$LINE"', '/dev/null'], {
        cwd: project.folder,
        env: { LINE: line, PATH, HOME, TERM: 'xterm', LANG: 'C.UTF-8', NO_COLOR: '1' },
        extendEnv: false,
        reject: false,
      })
      let written = ''
      let read = 0
      const left = [...keys]
      child.stdout.on('data', chunk => {
        written += String(chunk)
        for (let next = left[0]; next && written.includes(next.after, read); next = left[0]) {
          read = written.indexOf(next.after, read) + next.after.length
          child.stdin.write(next.key)
          left.shift()
        }
      })
      const { exitCode } = await child
      return { exitCode, written, screen: screenAfter(written, 80) }
    }
    const isLive = (line: string) => /^(\d+ servers|w\d+(, w\d+)*)( +(\d+m )?\d+s {2}| {7,})/.test(line)
    const expectGone = ({ written, screen }: { written: string; screen: string[] }) => {
      expect(written.split(/\r?\n/).filter(isLive)).not.toEqual([])
      expect(screen.filter(isLive)).toEqual([])
      expect(screen.at(-1)).toBe('')
    }

    test('shows in its last lines what is going on, until it is done', async () => {
      const told = await onTerminal('v3')
      expect(told).toMatchObject({ exitCode: 0 })
      expectGone(told)
      expect(told.screen.slice(-4)).toEqual([
        expect.stringMatching(/^SERVICE +SERVER +BEFORE +NOW +ADDRESS$/),
        expect.stringMatching(/^web +w2, w20, .* and 6 more +\S+ +v3 +http/),
        expect.stringMatching(/^deployed shop v3 in .*; what took longest: w\d+ /),
        '',
      ])
    })
    test('takes them away on Ctrl-Z and Ctrl-C too, and shows them again after fg', async () => {
      await project.write(configure('wait: 10m'))
      const drawn = '\u001b[K\r\n\u001b[J'
      const told = await onTerminal('v4', [
        { after: 'waiting 600 s before', key: '' },
        { after: drawn, key: '\u001a' },
        { after: 'stopped with 148', key: '' },
        { after: drawn, key: '\u0003' },
      ])
      expect(told).toMatchObject({ exitCode: 130 })
      expectGone(told)
      expect(told.screen.join('\n')).toMatch(
        /waiting 600 s before[\s\S]*\nstopped with 148\n[\s\S]*cleaning up;[\s\S]*\nerror: interrupted/,
      )
    })
  })
})
