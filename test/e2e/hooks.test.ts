import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const host = 'app.example.com'
const patience = 300_000

describeOnRig('hooks', () => {
  let rig: Rig
  let project: Project
  const answers = () => Promise.all(rig.servers.map(async ({ address }) => (await ask({ address, host })).body))
  const write = (rigged: Rig, version: string, migration: string) =>
    project.write({
      ...appFiles(version),
      '.env': 'DATABASE_KEY=geheim-42\n',
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
deploy: {settle: 500ms, stop_timeout: 1s}
${serversOf(rigged)}
environment: {clear: {TABLE: "a b"}, secrets: [DATABASE_KEY]}
services:
  web:
    build: {context: .}
    hosts: [s1, s2]
    volumes: ["/srv/data:/data"]
    hooks: {pre_deploy: ${JSON.stringify(migration)}}
    proxy: {app_port: 3000, hosts: [${host}]}
`,
    })
  const nothingLeft = async () => {
    for (const { exec, engine } of rig.servers)
      expect((await exec(`${engine} ps -a --format '{{.Names}}' | grep hook`)).stdout).toBe('')
  }

  beforeAll(async () => {
    rig = await startRig({ servers: ['podman', 'docker'], name: 'hooks', images: ['caddy:2'] })
    for (const server of rig.servers) await must(server, 'mkdir -p /srv/data')
    project = await createProject({})
  }, patience)
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test(
    'run in their order, and a migration once, on the first server, with the environment and volumes of its service',
    async () => {
      await write(rig, 'one', 'echo "$TABLE $DATABASE_KEY" >>/data/migrated; echo moved; echo "key $DATABASE_KEY" >&2')
      const names = ['pre-connect', 'pre-build', 'pre-deploy', 'post-deploy', 'on-failure']
      for (const name of names) {
        await project.write({ [`.jiji/hooks/${name}`]: '#!/bin/sh\necho "with $JIJI_VERSION $JIJI_ERROR_CODE"\n' })
        await chmod(join(project.folder, '.jiji/hooks', name), 0o755)
      }
      const { code, stderr } = await project.jiji('deploy', '--version', 'one')
      expect([...stderr.matchAll(/^(\S+): with one $/gm)].map(([, name]) => name)).toEqual(names.slice(0, 4))
      expect(stderr).toContain('moved')
      expect(stderr).not.toContain('geheim-42')
      expect(code).toBe(0)
      const [first, second] = rig.servers
      expect(first && (await must(first, 'cat /srv/data/migrated'))).toBe('a b geheim-42')
      expect((await second?.exec('ls /srv/data'))?.stdout).toBe('')
      await nothingLeft()
    },
    patience,
  )

  test(
    'a migration that fails stops the release, with nothing switched',
    async () => {
      await write(rig, 'two', 'echo no such table; exit 3')
      const { code, stderr } = await project.jiji('deploy', '--version', 'two')
      expect(stderr).toContain('no such table')
      expect(stderr).toContain('error: s1: the hook pre_deploy of web ended with status 3')
      expect(stderr).toContain('on-failure: with two hook.failed')
      expect(code).toBe(1)
      expect(await answers()).toEqual(['one', 'one'])
      await nothingLeft()
    },
    patience,
  )

  test(
    'a migration that is interrupted goes',
    async () => {
      // Deaf to SIGTERM, as a shell is that is a container's first process.
      await write(rig, 'three', 'trap : TERM; echo begun; while :; do sleep 1; done')
      const run = project.start({}, 'deploy', '--version', 'three')
      await run.says('begun')
      run.kill('SIGINT')
      expect((await run.result).code).toBe(130)
      expect(await answers()).toEqual(['one', 'one'])
      await nothingLeft()
    },
    patience,
  )
})
