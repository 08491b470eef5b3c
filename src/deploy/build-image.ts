import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { credentialsOf, type Service } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { loginsForBuild } from '../registry/build-logins.ts'
import { asLogin } from '../registry/credentials.ts'
import { engineConfigOf, engineConfigWith } from '../registry/engine-config.ts'
import type { Output } from '../runner/runner.ts'
import { buildImage } from '../shell/build.ts'
import { exits, requireEngine } from '../shell/engine.ts'
import type { Login } from '../shell/images.ts'
import { labels } from '../shell/names.ts'
import { lines } from '../shell/script.ts'
import { cacheOfBuild } from './build-cache.ts'
import type { OneBuild } from './build-context.ts'
import { builderFailure } from './builder.ts'
import { type Event, reported } from './event.ts'

/** One build, whose image may serve several services under a name for each. */
export type ImageBuild = {
  build: NonNullable<Service['build']>
  /** What it is for; without one, what the builder itself is. */
  platform: string | undefined
  images: readonly { service: string; name: string }[]
}

/** @throws JijiError build.failed, engine.* */
export async function buildImageFor(
  context: OneBuild,
  { build, images, platform }: ImageBuild,
  folder: string,
): Promise<void> {
  const { config, secrets, builder, tree, signal, report } = context
  const { engine } = config.builder
  const service = images.map(image => image.service).join(', ')
  const cache = cacheOfBuild(config, images[0]?.service ?? '', platform)
  const dockerfile = readDockerfile(join(config.root, build.context), build.dockerfile)
  const declared = credentialsOf(config).map(credential => asLogin(credential, secrets))
  const { logins, leftOut } = loginsForBuild(
    engine,
    declared,
    dockerfile,
    cache && cache.type !== 'gha' ? cache.ref : undefined,
  )
  const foreign = archIn(platform) === builder.arch ? undefined : archIn(platform)
  const ssh = build.ssh.map(entry => withPath(entry, config.root))
  const script = buildImage(
    engine,
    { ...build, ssh },
    {
      names: images.map(({ name }) => name),
      context: folder,
      platform,
      foreign,
      noCache: context.noCache || config.builder.cache.type === 'none',
      cache: cache && { ...cache, isWritten: !context.noPush, tokens: context.cacheTokens },
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
        cacheRefusal(context, service, output) ??
        otherPlatform(context, service, platform, output) ??
        withoutEmulator(context, service, platform, output) ??
        new JijiError('build.failed', `${service}: the build failed with status ${output.code}`, {
          ...place,
          output: tail(output.stdout + output.stderr, 30),
          hint: leftOut.length > 0 ? oneLogin(logins, leftOut) : `its context is ${join(config.root, build.context)}`,
        })
      )
    }
  })
}

function archIn(platform: string | undefined): string | undefined {
  return platform?.replace(/^linux\//, '')
}

/** What the engine there cannot do with the cache that is wanted, before it has built anything. */
function cacheRefusal({ config, builder }: OneBuild, service: string, { code }: Output): JijiError | undefined {
  const { engine, cache } = config.builder
  const where = builder.isHere ? 'this machine' : 'the builder'
  const refusal = (why: string, hint: string) =>
    new JijiError('build.failed', `${service}: builder.cache: ${cache.type} needs ${why}`, {
      ...(builder.isHere ? {} : { server: builder.runner.server }),
      hint,
    })
  if (code === exits.noBuildx) {
    const other = cache.type === 'inline' ? 'true' : 'inline, where Docker is older than 23'
    return refusal('the buildx plug-in of Docker', `install it on ${where}, or write builder.cache: ${other}`)
  }
  if (code !== exits.noCacheWriter) return undefined
  return engine === 'podman'
    ? refusal('Podman 4.3 or newer', `install that on ${where}, or write builder.cache: true`)
    : refusal(
        'another driver of buildx than the one that Docker begins with',
        `on ${where}: docker buildx create --use --driver docker-container; or write builder.cache: inline`,
      )
}

/** What was built is not what was asked for: its Dockerfile knows better, or what it begins with is for one alone. */
function otherPlatform(
  { builder }: OneBuild,
  service: string,
  platform: string | undefined,
  { code }: Output,
): JijiError | undefined {
  if (code !== exits.otherArch) return undefined
  return new JijiError('build.failed', `${service}: the image was to be for ${platform}, and is for another one`, {
    ...(builder.isHere ? {} : { server: builder.runner.server }),
    hint: 'does its Dockerfile begin with an image that the builder has for another one, or say FROM --platform?',
  })
}

/** Nothing but the programs of a RUN step needs one, and what the build has said comes with it. */
function withoutEmulator(
  { builder }: OneBuild,
  service: string,
  platform: string | undefined,
  { code, stdout, stderr }: Output,
): JijiError | undefined {
  if (code !== exits.noEmulator) return undefined
  const arch = archIn(platform)
  const where = builder.isHere ? 'this machine' : builder.runner.server
  return new JijiError(
    'build.failed',
    `${service}: the build for ${platform} failed, and ${where} (${builder.arch}) has no emulator for ${arch}`,
    {
      ...(builder.isHere ? {} : { server: builder.runner.server }),
      output: tail(stdout + stderr, 30),
      hint: `RUN steps need one: install qemu-user-static and binfmt-support there, or have a machine that is ${arch} build it: builder.remote: {${arch}: ssh://…}`,
    },
  )
}

/** `default`, or a key whose path is relative to the project's root. */
function withPath(entry: string, root: string): string {
  return entry.replace(/=(.+)$/s, (_, path: string) => `=${resolve(root, path.replace(/^~(?=\/)/, homedir()))}`)
}

/** What a Dockerfile says of itself holds. */
function sourceLabels({ source, revision }: OneBuild['tree'], dockerfile: string): Record<string, string> {
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
