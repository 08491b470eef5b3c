import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, program, serversOf, untilSized } from './harness.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const secret = 'a $(secret) of two\nlines'

describeOnRig('one-off containers on a Docker and a Podman server', () => {
  let rig: Rig
  let project: Project
  /** Containers that are not those which serve. */
  const others = () =>
    Promise.all(
      rig.servers.map(async server => {
        const { stdout } = await server.exec(`${server.engine} ps -aq --filter label=jiji.run`)
        return stdout.trim()
      }),
    )

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'run', images: ['caddy:2'] })
    project = await createProject({
      ...appFiles('one'),
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
deploy: {settle: 500ms, stop_timeout: 1s}
${serversOf(rig)}
services:
  web:
    build: {context: .}
    hosts: [s1, s2]
    volumes: ["data:/data"]
    environment: {clear: {COLOUR: "green"}, secrets: [KEY]}
    proxy: {app_port: 3000, hosts: [app.example.com]}
`,
      '.env': `KEY='${secret}'\n`,
    })
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('need a deploy first', async () => {
    const { code, stderr } = await project.jiji('run', 'web', 'true')
    expect([code, stderr]).toEqual([1, expect.stringContaining('web runs on none of these servers')])
    expect((await project.jiji('deploy', '--version', 'v1')).code).toBe(0)
  })

  test.each(['s1', 's2'])(
    "have the service's environment and volumes on %s, and pass its exit status on",
    async name => {
      const write = 'printf %s "$COLOUR $KEY" >/data/seen; cat /data/seen; exit 3'
      const { code, stdout } = await project.jiji('run', '-H', name, 'web', '--', 'sh', '-c', write)
      expect([code, stdout]).toEqual([3, expect.stringMatching(/^green \[KEY\]/)])
      const seen = await project.jiji('exec', '-H', name, 'web', '--', 'sh', '-c', 'wc -c </data/seen')
      expect(Number(seen.stdout)).toBe(Buffer.byteLength(`green ${secret}`))
      expect(await others()).toEqual(['', ''])
    },
  )

  test('and what -v shows of servers can be pasted', async () => {
    const shown = (stderr: string) => stderr.match(/^ssh [\s\S]*?\nEOF$/gm) ?? []
    const words = ['server', 'exec', '-v', '-H', 's1', '--', 'sh', '-c', `echo "it's $(hostname)"; cat; exit 3`]
    const { code, stdout, stderr } = await project.jiji(...words)
    const pasted = await project.shell(`cat >pasted <<'PASTED'\n${shown(stderr).at(-1)}\nPASTED\nbash pasted`)
    expect([code, stdout]).toEqual([3, "it's s1"])
    expect(pasted).toMatchObject({ code, stdout })
    const status = await project.jiji('status', '-v')
    const observed = shown(status.stderr).filter(text => text.includes('echo "engine $version"'))
    expect(observed).toHaveLength(2)
    for (const text of observed) {
      const again = await project.shell(`cat >pasted <<'PASTED'\n${text}\nPASTED\nbash pasted`)
      expect([again.code, again.stdout]).toEqual([
        0,
        expect.stringMatching(/^engine \{[\s\S]*^container .*"jiji.service":"web"/m),
      ])
    }
  })

  test('are gone when interrupted', async () => {
    const running = project.start({}, 'run', 'web', '--', 'sh', '-c', 'echo begun; sleep 60')
    await running.says('begun')
    expect((await others())[0]).not.toBe('')
    running.kill('SIGINT')
    expect((await running.result).code).toBe(130)
    expect(await others()).toEqual(['', ''])
  })

  test('fetch an image through the tunnel that somebody has taken away', async () => {
    await must(rig.servers[0] as Rig['servers'][number], 'docker rmi -f localhost:9270/shop-web:v1')
    const { code, stdout, stderr } = await project.jiji('run', 'web', 'node', '-p', '6*7')
    expect([code, stdout, stderr]).toEqual([0, '42', expect.stringContaining('to the registry here')])
  })

  test.each(['s1', 's2'])('take the terminal on %s, and nothing is left', async name => {
    const { code, stdout } = await project.shell(
      `script -qec 'stty rows 41 cols 133; "${process.execPath}" "${program}" run -i -H ${name} web -- sh -c "${untilSized}; stty size; echo \\$COLOUR; exit 5"; echo "ended $?"' /dev/null </dev/null`,
    )
    expect([code, stdout.replaceAll('^@', '').split(/\s*\n/)]).toEqual([0, ['41 133', 'green', 'ended 5']])
    expect(await others()).toEqual(['', ''])
  })
})
