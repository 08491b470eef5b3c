import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { laptopAt } from './rig/laptop.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

type Person = { project: Project; deploy(version: string): Promise<{ code: number; stderr: string }> }

describeOnRig('two people with a local registry each', () => {
  let rig: Rig
  const people: Person[] = []
  const target = () => rig.servers[0] as Server

  /** All use port 9270, here and on the server. */
  const arrive = async (laptop: string, project: string, email: string): Promise<Person> => {
    const { within, environment } = laptopAt(rig, laptop)
    const person = await createProject(
      {
        ...contents(project, 'v1'),
        '.jiji/deploy.yml': `project: ${project}
builder: {registry: {type: local}}
deploy: {settle: 500ms, stop_timeout: 1s}
${serversOf(rig, ['s1'])}
services:
  web:
    build: {context: .}
    hosts: [s1]
    proxy: {app_port: 3000, hosts: [${project}.example.com]}
`,
      },
      within,
    )
    const identity = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.email', GIT_CONFIG_VALUE_0: email }
    const deploy = (version: string) => person.jijiWith({ ...environment, ...identity }, 'deploy', '--version', version)
    people.push({ project: person, deploy })
    return { project: person, deploy }
  }
  const answer = async (project: string) =>
    (await ask({ address: target().address, host: `${project}.example.com` })).body
  const nothingLeft = async () => {
    const left = 'ls -d /var/lib/jiji/*/lock 2>/dev/null; ss -Hltn "sport = :9270"; ls /dev/shm | grep jiji'
    expect((await target().exec(left)).stdout).toBe('')
  }

  beforeAll(async () => {
    const images = ['caddy:2', 'registry:2', 'busybox:1']
    rig = await startRig({ servers: ['docker', 'docker', 'docker'], name: 'people', images })
    await arrive('s2', 'shop', 'ann@example.com')
    await arrive('s3', 'blog', 'bob@example.com')
  })
  afterAll(async () => {
    for (const { project } of people) await project.remove()
    await rig?.stop()
  })

  test('deploy two projects to one server at once: each has its own image, by its digest', async () => {
    // The same name and version in both registries, with other contents, and the usual port leads to the wrong one.
    const other = await arrive('s3', 'shop', 'bob@example.com')
    await other.project.write(contents('not the shop', 'v1'))
    const setUp = await other.project.jijiWith(laptopAt(rig, 's3').environment, 'build', '--version', 'v1')
    expect([setUp.code, setUp.stderr]).toEqual([0, expect.not.stringContaining('error')])

    const tunnel = other.project.start(laptopAt(rig, 's3').environment, 'registry', 'tunnel')
    await tunnel.says('s1: 127.0.0.1:9270')

    const [ann, bob] = people as [Person, Person]
    const ends = await Promise.all([ann.deploy('v1'), bob.deploy('v1')])
    tunnel.kill('SIGINT')
    await tunnel.result
    for (const { code, stderr } of ends) expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
    const ports = ends.map(({ stderr }) => /127\.0\.0\.1:(\d+) to the registry here/.exec(stderr)?.[1])
    expect(ports).toEqual([expect.not.stringMatching(/^9270$/), expect.not.stringMatching(/^9270$/)])
    expect([await answer('shop'), await answer('blog')]).toEqual(['shop v1', 'blog v1'])
    const containers = await must(target(), "docker ps --filter label=jiji.service=web --format '{{.Image}}'")
    expect(containers.split('\n').sort()).toEqual(['localhost:9270/blog-web:v1', 'localhost:9270/shop-web:v1'])
    await nothingLeft()
  })

  test('deploy one project at once: one goes, the other is told who holds the lock, and leaves nothing', async () => {
    const [ann] = people as [Person]
    const bob = people[2] as Person
    await ann.project.write(contents('of ann', 'v2'))
    await bob.project.write(contents('of bob', 'v2'))
    const ends = await Promise.all([ann.deploy('v2'), bob.deploy('v2')])
    const codes = ends.map(({ code }) => code)
    expect(codes.toSorted()).toEqual([0, 5])
    const winner = codes[0] === 0 ? 'ann' : 'bob'
    const { stderr } = ends[codes.indexOf(5)] ?? { stderr: '' }
    expect(stderr).toContain(`s1: the lock is held by ${winner}@example.com from`)
    expect(await answer('shop')).toBe(`of ${winner} v2`)
    const images = await must(target(), 'docker images -q localhost:9270/shop-web')
    expect(images.split('\n')).toHaveLength(2)
    await nothingLeft()
  })
})

/** A web service that says its name and version. */
function contents(name: string, version: string): Record<string, string> {
  return {
    Dockerfile: 'FROM busybox:1\nCOPY www /www\nCMD ["sh", "/www/start"]\n',
    'www/start': "trap 'exit 0' TERM\nhttpd -f -p 3000 -h /www &\nwait\n",
    'www/index.html': `${name} ${version}`,
    'www/up': 'up',
  }
}
