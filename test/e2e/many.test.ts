import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project } from './harness.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Stubs, startStubs } from './rig/stubs.ts'

describeOnRig('a deploy to thirty servers, with a stand-in for their engine', () => {
  let stubs: Stubs
  let project: Project

  beforeAll(async () => {
    stubs = await startStubs(30)
    project = await createProject({
      '.jiji/deploy.yml': `project: shop
${stubs.configuration()}
services:
  web:
    image: registry.example.com/web:1
    hosts: [${stubs.names}]
    proxy: {app_port: 3000, hosts: [app.example.com], healthcheck: {path: /up}}
`,
    })
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
        /^w17 +cannot reach w17 .*\nerror: cannot reach w17 .*\n[\s\S]*--skip-unreachable leaves it out$/,
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
})
