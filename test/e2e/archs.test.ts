import { existsSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProject, type Project, serversOf } from './harness.ts'
import { watchProcesses } from './processes.ts'
import { describeOnRig } from './rig/describe.ts'
import { loadImages } from './rig/images.ts'
import { type Registry, startRegistry } from './rig/registry.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

const password = 'w0rd-for-archs'

/** Runs on any machine that this busybox runs on, whatever it says that it is for. */
const dockerfile = `FROM scratch
COPY busybox /bin/busybox
COPY version /version
CMD ["/bin/busybox", "sleep", "600"]
`

/** The head of a program for arm64, which an amd64 cannot run. */
const foreign = Buffer.from('7f454c4602010100000000000000000002 00b700'.replace(/ /g, ''), 'hex')

describeOnRig('builds', () => {
  let rig: Rig
  let registry: Registry
  let project: Project
  const at = (index: number): Server => {
    const server = rig.servers[index]
    if (!server) throw new Error('there are three servers')
    return server
  }
  const environment = { DAVE: password }
  /** A service on two servers: the one with Podman is an arm64, as far as it says itself. */
  const write = (builder: string, hosts = 's2, s3') =>
    project.write({
      '.jiji/deploy.yml': `project: archs
builder: {${builder}}
deploy: {settle: 500ms, stop_timeout: 1s}
${serversOf(rig, ['s2', 's3']).replace('podman}', 'podman, arch: arm64}').replace('docker}', 'docker, arch: amd64}')}services:
  web: {build: {context: .}, hosts: [${hosts}]}
`,
    })
  const elsewhere = () => `registry: {server: "${registry.host}", username: dave, password: DAVE}`
  const jiji = async (...words: string[]) => {
    const result = await project.jijiWith(environment, ...words)
    expect([result.code, result.stderr]).toEqual([0, expect.not.stringContaining('error')])
    return result
  }
  /** `VERSION ARCHITECTURE` of what runs on both. */
  const running = async () => {
    const image = (engine: string) => `id=$(${engine} ps -q --filter label=jiji.service=web)
echo $(${engine} exec $id /bin/busybox cat /version) $(${engine} image inspect --format '{{.Architecture}}' $(${engine} inspect --format '{{.Image}}' $id))`
    return Promise.all([must(at(1), image('podman')), must(at(2), image('docker'))])
  }

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman', 'docker'], name: 'archs', images: ['busybox:1'] })
    // Debian's own client has BuildKit; newer ones need a plug-in.
    await must(at(0), 'rm -f /usr/local/bin/docker')
    await must(
      at(1),
      `printf '#!/bin/sh\\n[ "$1" = version ] || exec /usr/bin/podman "$@"\\n/usr/bin/podman "$@" | sed s/amd64/arm64/\\n' >/usr/local/bin/podman
chmod 755 /usr/local/bin/podman`,
    )
    registry = await startRegistry({ address: rig.controller, users: { dave: password }, trustedBy: rig.servers })
    // BuildKit reads the certificates of authorities when its engine starts, and only then.
    await at(0).poweroff()
    await at(0).boot()
    project = await createProject({})
  })
  afterAll(async () => {
    await registry?.stop()
    await rig?.stop()
    await project?.remove()
  })

  describe('for several architectures', () => {
    beforeAll(async () => {
      await project.write({ Dockerfile: dockerfile, version: 'one' })
      await copyFile('/bin/busybox', join(project.folder, 'busybox'))
    })

    test('by one builder: each server gets its own, and goes back to it', async () => {
      await write('remote: ssh://root@s1, registry: {type: local}')
      await jiji('deploy', '--version', 'one')
      expect(await running()).toEqual(['one arm64', 'one amd64'])
      const { stdout } = await jiji('status', '-o', 'json')
      const digests: string[] = JSON.parse(stdout).services.map(({ digest }: { digest: string }) => digest)
      expect(new Set(digests).size).toBe(2)

      // By Podman, to a registry elsewhere. What its cache holds was for one of them.
      await project.write({ version: 'two' })
      const byPodman = `engine: podman, remote: ssh://root@s2, ${elsewhere()}`
      await write(byPodman, 's2')
      await jiji('build', '--version', 'two', '--no-push')
      await write(byPodman)
      await jiji('deploy', '--version', 'two')
      expect(await running()).toEqual(['two arm64', 'two amd64'])

      // What was there before is fetched again, by the digest that each server has on record.
      const remove = (engine: string) => `${engine} rm -f $(${engine} ps -aq --filter label=jiji.version=one)
${engine} rmi -f $(${engine} images -q localhost:9270/archs-web:one)`
      await Promise.all([must(at(1), remove('podman')), must(at(2), remove('docker'))])
      await write('registry: {type: local}')
      const { stderr } = await jiji('rollback')
      expect(stderr).toContain('s2             pulled web')
      expect(await running()).toEqual(['one arm64', 'one amd64'])
    })

    test('here and by a builder for one of them; and where there is no tunnel, each gets its own as a stream', async () => {
      await project.write({ version: 'four' })
      await write('remote: {arm64: ssh://root@s1}, registry: {type: local}')
      const { stdout } = await jiji('build', '--version', 'four', '-o', 'json')
      const images: { name: string; platform: string }[] = JSON.parse(stdout).images
      expect(images.map(({ name, platform }) => `${platform} ${name.replace(/^.*:/, '')}`)).toEqual([
        'linux/arm64 four-arm64',
        'linux/amd64 four-amd64',
      ])
      expect(await must(at(0), "docker images --format '{{.Tag}}' localhost:9270/archs-web | grep four")).toBe(
        'four-arm64',
      )

      await must(at(1), 'sed -i "1i AllowTcpForwarding no" /root/.rig/sshd_config')
      await at(1).reloadSshd()
      await write('registry: {type: local}')
      const { stderr } = await jiji('deploy', '--version', 'four')
      expect(stderr).toContain('localhost:9270/archs-web:four, all of it, through the connection')
      expect(await running()).toEqual(['four arm64', 'four amd64'])
      expect(await must(at(1), "podman images --format '{{.Tag}}' localhost:9270/archs-web | grep four")).toBe('four')
    })

    const canEmulate = existsSync('/proc/sys/fs/binfmt_misc/qemu-aarch64')
    test.skipIf(canEmulate).each(['docker', 'podman'])(
      '%s says what a RUN step lacks where it cannot run',
      async engine => {
        await project.write({ Dockerfile: 'FROM scratch\nCOPY foreign /bin/sh\nRUN true\n' })
        await writeFile(join(project.folder, 'foreign'), foreign, { mode: 0o755 })
        await must(at(1), 'mv /usr/local/bin/podman /root')
        await write(`engine: ${engine}, remote: ssh://root@${engine === 'docker' ? 's1' : 's2'}, ${elsewhere()}`, 's2')
        const { code, stderr } = await project.jijiWith(environment, 'build')
        await must(at(1), 'mv /root/podman /usr/local/bin/podman')
        expect([code, stderr]).toEqual([
          1,
          expect.stringMatching(
            /web: the build for linux\/arm64 failed, and builder \(amd64\) has no emulator for arm64[\s\S]*builder\.remote: \{arm64:/,
          ),
        ])
      },
    )
  })

  describe('with a cache in a registry', () => {
    /** Never the same twice, unless it comes from a cache. */
    const made = 'FROM busybox:1\nRUN cat /proc/sys/kernel/random/uuid >/made\nCOPY version /version\n'
    const layersOf = async (engine: string, version: string) => {
      const name = `${registry.host}/archs-web:${version}`
      const builder = at(engine === 'docker' ? 0 : 1)
      return JSON.parse(await must(builder, `${engine} image inspect --format '{{json .RootFS.Layers}}' ${name}`))
    }

    test.each([
      ['docker', 's1', 'inline'],
      ['podman', 's2', '{type: registry, ref: HOST/cache}'],
    ])('%s on %s: %s', async (engine, name, cache) => {
      const builder = at(name === 's1' ? 0 : 1)
      await project.write({ Dockerfile: made, version: 'one' })
      const to = `cache: ${cache.replace('HOST', registry.host)}, ${elsewhere()}`
      await write(`engine: ${engine}, remote: ssh://root@${name}, ${to}`, 's3')
      const watch = watchProcesses([password])
      const first = await jiji('build', '--version', 'one', '-v')
      const [base, one] = await layersOf(engine, 'one')
      // As a builder that has built nothing yet.
      const forget = {
        docker: 'docker rmi $(docker images -q | grep -v "$(docker images -q busybox:1)") && docker builder prune -af',
        podman: 'podman rmi -af',
      }[engine]
      await must(builder, forget ?? '')
      await loadImages(builder, ['busybox:1'])
      await project.write({ version: 'two' })
      const second = await jiji('build', '--version', 'two', '-v')
      expect(watch.stop().seen).toEqual([])
      expect(first.stderr + second.stderr).not.toContain(password)
      expect(await layersOf(engine, 'two')).toEqual([base, one, expect.any(String)])
    })

    test('is refused where the engine cannot write it, before anything is built', async () => {
      await write(`remote: ssh://root@s1, cache: registry, ${elsewhere()}`)
      const { code, stderr } = await project.jijiWith(environment, 'build', '-v')
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/builder\.cache: registry needs the buildx plug-in of Docker\n.*builder\.cache: inline/),
      ])
      await write(`remote: ssh://root@s1, cache: gha, ${elsewhere()}`)
      const gha = await project.jijiWith(environment, 'deploy')
      expect([gha.code, gha.stderr]).toEqual([
        1,
        expect.stringMatching(/ACTIONS_RUNTIME_TOKEN[\s\S]*ghaction-github-runtime/),
      ])
    })
  })
})
