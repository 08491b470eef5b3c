import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { credentialsOf, type Service } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { loginsForBuild } from '../registry/build-logins.ts'
import { asLogin } from '../registry/credentials.ts'
import { engineConfigOf, engineConfigWith } from '../registry/engine-config.ts'
import { exits, requireEngine } from '../shell/engine.ts'
import { buildImage, type Login } from '../shell/images.ts'
import { labels } from '../shell/names.ts'
import { lines } from '../shell/script.ts'
import type { BuildContext } from './build-context.ts'
import { builderFailure } from './builder.ts'
import { type Event, reported } from './event.ts'

/** One build, whose image may serve several services under a name for each. */
export type ImageBuild = {
  build: NonNullable<Service['build']>
  platforms: readonly string[]
  images: readonly { service: string; name: string }[]
}

/** @throws JijiError build.failed, engine.* */
export async function buildImageFor(
  context: BuildContext,
  { build, images, platforms }: ImageBuild,
  folder: string,
): Promise<void> {
  const { config, secrets, builder, tree, signal, report } = context
  const { engine } = config.builder
  const service = images.map(image => image.service).join(', ')
  if (platforms.length > 1) {
    throw new JijiError(
      'build.failed',
      `${service}: its servers have more than one architecture: ${platforms.join(', ')}`,
      {
        hint: 'deploy to them one architecture at a time, with --hosts',
      },
    )
  }
  const dockerfile = readDockerfile(join(config.root, build.context), build.dockerfile)
  const declared = credentialsOf(config).map(credential => asLogin(credential, secrets))
  const { logins, leftOut } = loginsForBuild(engine, declared, dockerfile)
  const ssh = build.ssh.map(entry => withPath(entry, config.root))
  const script = buildImage(
    engine,
    { ...build, ssh },
    {
      names: images.map(({ name }) => name),
      context: folder,
      platform: platforms[0] || undefined,
      noCache: context.noCache || !config.builder.cache,
      labels: { [labels.project]: config.scope, ...sourceLabels(tree, dockerfile) },
      secrets: build.secrets.map(reference => secrets.of(reference)),
      login: builder.isHere ? engineConfigWith(engine, logins) : engineConfigOf(engine, logins),
    },
  )
  const { runner } = builder
  const place = builder.isHere ? {} : { server: runner.server }
  const event: Omit<Event, 'state'> = { step: 'build', service, detail: images.map(({ name }) => name).join(', ') }
  await reported(report, { ...event, ...place }, async () => {
    const output = await runner.run(lines(requireEngine(engine), script), {
      signal,
      onLine: line => report({ step: 'build', state: 'note', service, detail: line }),
    })
    if (output.code === exits.noBuildKit) {
      throw new JijiError('build.failed', `${service}: build secrets and SSH mounts need BuildKit`, {
        ...place,
        hint: `install the buildx plug-in of Docker on ${builder.isHere ? 'this machine' : 'the builder'}`,
      })
    }
    if (output.code !== 0) {
      throw (
        builderFailure(builder, engine, output) ??
        new JijiError('build.failed', `${service}: the build failed with status ${output.code}`, {
          ...place,
          output: tail(output.stdout + output.stderr, 30),
          hint: leftOut.length > 0 ? oneLogin(logins, leftOut) : `its context is ${join(config.root, build.context)}`,
        })
      )
    }
  })
}

/** `default`, or a key whose path is relative to the project's root. */
function withPath(entry: string, root: string): string {
  return entry.replace(/=(.+)$/s, (_, path: string) => `=${resolve(root, path.replace(/^~(?=\/)/, homedir()))}`)
}

/** What a Dockerfile says of itself holds. */
function sourceLabels({ source, revision }: BuildContext['tree'], dockerfile: string): Record<string, string> {
  const known = { 'org.opencontainers.image.source': source, 'org.opencontainers.image.revision': revision }
  const ours = Object.entries(known).filter(([label, value]) => value !== undefined && !dockerfile.includes(label))
  return Object.fromEntries(ours) as Record<string, string>
}

function oneLogin(used: readonly Login[], leftOut: readonly Login[]): string {
  const keys = (logins: readonly Login[]) => logins.map(({ key }) => key).join(', ')
  return `in one build Docker takes one login per host: ${keys(used)} was used, and ${keys(leftOut)} not; Podman takes all (builder.engine)`
}

/** Empty when it cannot be read: then the engine says so. */
function readDockerfile(folder: string, name: string | undefined): string {
  for (const one of name ? [name] : ['Dockerfile', 'Containerfile']) {
    try {
      return readFileSync(join(folder, one), 'utf8')
    } catch {}
  }
  return ''
}

function tail(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
