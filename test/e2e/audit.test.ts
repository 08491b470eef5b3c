import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AuditEntry } from '../../src/shell/audit.ts'
import { createProject, type Project } from './harness.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

describeOnRig('the audit of servers', () => {
  let rig: Rig
  let project: Project
  const names = ['s1', 's2']
  const change = async (...words: string[]) => {
    const { code, stderr } = await project.jiji(...words)
    expect([code, stderr]).toEqual([0, ''])
  }
  const entries = async (...words: string[]): Promise<AuditEntry[]> =>
    JSON.parse((await project.jiji('audit', '-o', 'json', ...words)).stdout).entries
  const what = async (...words: string[]) => (await entries(...words)).map(one => `${one.server} ${one.action}`)

  beforeAll(async () => {
    rig = await startRig({ servers: ['none', 'none'], name: 'audit' })
    project = await createProject({
      '.jiji/deploy.yml': `project: shop
ssh: {config: ${rig.sshConfigFile}}
servers: {s1: {host: s1}, s2: {host: s2}}
services: {web: {image: 'web:1', hosts: [s1]}}
`,
    })
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('says who did what, and with which key', async () => {
    await change('lock', 'acquire', '-m', 'moving')
    await change('lock', 'release')
    await change('server', 'exec', '-H', 's2', '--', 'true', 'a-secret-word')
    expect(await what()).toEqual([...names, ...names, 's2'].map((name, i) => `${name} ${actions[Math.floor(i / 2)]}`))
    const { stdout } = await execa('ssh-keygen', ['-lf', rig.key])
    for (const entry of await entries())
      expect(entry).toMatchObject({
        login: expect.stringMatching(/^.+@.+$/),
        ssh: { user: 'root', key: stdout.split(' ')[1] },
      })
    expect((await entries())[0]).toMatchObject({ result: 'done', reason: 'moving' })
    for (const server of rig.servers) expect(await server.filesHolding('a-secret-word')).toEqual([])
  })
  test('is filtered', async () => {
    const ci = { GITHUB_ACTOR: 'octocat', GITHUB_RUN_ID: '42', GITHUB_REPOSITORY: 'acme/shop' }
    await project.jijiWith(ci, 'server', 'exec', '-H', 's1', '--', 'true')
    expect(await what('--by', 'acme/shop')).toEqual(['s1 server exec'])
    expect(await what('--action', 'lock', '-n', '1')).toEqual(['s1 lock release', 's2 lock release'])
    expect(await what('--since', '2000-01-01', '-H', 's2', '--action', 'lock acquire')).toEqual(['s2 lock acquire'])
    await sleep(1100)
    expect(await what('--since', '1s')).toEqual([])
    expect(await what('-S', 'web')).toEqual([])
  })
  test('is followed over a killed sshd and the end of a file: no entry is lost, and none repeated', async () => {
    const act = (mark: string, server = 's1,s2') =>
      project.jijiWith({ GITHUB_ACTOR: mark, GITHUB_RUN_ID: '1' }, 'server', 'exec', '-H', server, '--', 'true')
    const kill = () => Promise.all(rig.servers.map(server => must(server, "pkill -KILL -f '^[s]shd: root'")))
    await act('m0')
    const following = project.start({}, 'audit', '-f', '-n', 'all', '-o', 'json')
    await following.says('m0')
    await act('m1')
    await following.says('m1')
    await kill()
    await act('m2')
    for (const name of names) await following.says(`${name} is connected again`)
    for (const server of rig.servers)
      await must(server, 'head -c 1000000 /dev/zero | tr "\\0" x >>/var/lib/jiji/shop/audit.jsonl')
    await Promise.all([act('m3', 's1'), act('m4', 's1'), act('m5', 's2')])
    await kill()
    await act('m6')
    for (const mark of ['m2', 'm3', 'm4', 'm5', 'm6']) await following.says(mark)
    await sleep(1500)
    following.kill('SIGINT')
    const { code, stdout } = await following.result
    expect(code).toBe(0)
    const seen: AuditEntry[] = stdout.split('\n').map(line => JSON.parse(line))
    const on = (name: string) => seen.filter(one => one.server === name && one.ci?.run === '1').map(({ by }) => by)
    expect([on('s1').toSorted(), on('s2')]).toEqual([
      ['m0', 'm1', 'm2', 'm3', 'm4', 'm6'],
      ['m0', 'm1', 'm2', 'm5', 'm6'],
    ])
    const [first] = rig.servers
    if (!first) throw new Error('there are servers')
    expect(await must(first, 'ls /var/lib/jiji/shop')).toContain('audit.100001.jsonl')
    expect(await what('-n', '3', '-H', 's2')).toEqual(['s2 server exec', 's2 server exec', 's2 server exec'])
  })
})

const actions = ['lock acquire', 'lock release', 'server exec']
