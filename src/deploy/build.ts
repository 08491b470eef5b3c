import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, Service } from '../config/config.ts'
import { credentialsOf } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import { JijiError } from '../errors.ts'
import { loginsForBuild } from '../registry/build-logins.ts'
import { asLogin, loginFor } from '../registry/credentials.ts'
import { engineConfigWith } from '../registry/engine-config.ts'
import { ensureRegistry } from '../registry/local/container.ts'
import { checkLogin } from '../registry/verify/check.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import { requireEngine } from '../shell/engine.ts'
import { buildImage, type Login, pushImage } from '../shell/images.ts'
import { labels } from '../shell/names.ts'
import { lines } from '../shell/script.ts'
import type { Event, Report } from './event.ts'
import { reported } from './event.ts'
import type { Plan } from './plan/plan.ts'
import { inTermsOfDisk } from './room.ts'

export type BuildContext = {
  config: Config
  secrets: Secrets
  /** This machine. */
  here: Runner
  noCache: boolean
  report: Report
  signal: AbortSignal
}

/** The digest of each service's image, as the registry knows it. */
export type Digests = ReadonlyMap<string, string>

/**
 * Builds and pushes what a plan asks for.
 * @throws JijiError build.failed, push.failed, registry.refused, engine.*
 */
export async function buildAndPush(context: BuildContext, plan: Pick<Plan, 'builds'>): Promise<Digests> {
  const digests = new Map<string, string>()
  if (plan.builds.length === 0) return digests
  await prepareRegistry(context)
  for (const build of plan.builds) {
    const service = context.config.services.find(({ name }) => name === build.service)
    if (!service?.build) continue
    const { here, config } = context
    const place = { runner: here, engine: config.builder.engine, scope: config.scope }
    await inTermsOfDisk(place, async () => {
      await buildService(context, service, build.name, build.platforms)
      digests.set(service.name, await push(context, service, build.name))
    })
  }
  return digests
}

export async function buildService(
  context: BuildContext,
  service: Service,
  name: string,
  platforms: readonly string[],
): Promise<void> {
  const { config, secrets, here, signal, report } = context
  const { build } = service
  if (!build) return
  if (platforms.length > 1) {
    throw new JijiError(
      'build.failed',
      `${service.name}: its servers have more than one architecture: ${platforms.join(', ')}`,
      {
        hint: 'deploy to them one architecture at a time, with --hosts',
      },
    )
  }
  const { engine } = config.builder
  const folder = join(config.root, build.context)
  const declared = credentialsOf(config).map(credential => asLogin(credential, secrets))
  const { logins, leftOut } = loginsForBuild(engine, declared, readDockerfile(folder, build.dockerfile))
  const script = buildImage(engine, build, {
    name,
    context: folder,
    platform: platforms[0] || undefined,
    noCache: context.noCache || !config.builder.cache,
    // No version among them: an image that did not change stays the same image.
    labels: { [labels.project]: config.scope },
    secrets: build.secrets.map(reference => secrets.of(reference)),
    login: engineConfigWith(engine, logins),
  })
  const event: Omit<Event, 'state'> = { step: 'build', service: service.name, detail: name }
  await reported(report, event, async () => {
    const output = await here.run(lines(requireEngine(engine), script), {
      signal,
      onLine: line => report({ step: 'build', state: 'note', service: service.name, detail: line }),
    })
    if (output.code === 97) {
      throw new JijiError('build.failed', `${service.name}: build secrets need BuildKit`, {
        hint: 'install the buildx plug-in of Docker on this machine',
      })
    }
    if (output.code !== 0) {
      throw (
        engineFailure(here, engine, output) ??
        new JijiError('build.failed', `${service.name}: the build failed with status ${output.code}`, {
          output: tail(output.stdout + output.stderr, 30),
          hint: leftOut.length > 0 ? oneLogin(logins, leftOut) : `its context is ${folder}`,
        })
      )
    }
  })
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

async function push(context: BuildContext, service: Service, name: string): Promise<string> {
  const { config, secrets, here, signal, report } = context
  const { engine } = config.builder
  const login = loginFor(config, secrets, name)
  return reported(report, { step: 'push', service: service.name, detail: name }, async () => {
    const auth = login && engineConfigWith(engine, [login])
    const output = await here.run(pushImage(engine, name, auth), {
      signal,
      onLine: line => report({ step: 'push', state: 'note', service: service.name, detail: line }),
    })
    if (output.code !== 0) {
      if (login) await checkLogin(login, signal)
      throw new JijiError('push.failed', `${service.name}: ${name} could not be pushed: ${lastLine(output.stderr)}`, {
        hint: 'does the credential allow writing there? GHCR also wants the package linked to a repository',
      })
    }
    return pushedDigest(output.stdout, service.name)
  })
}

/** An image may be known under several digests; the one that counts is the one that the push itself named. */
function pushedDigest(text: string, service: string): string {
  const known = [...text.matchAll(/^digest (sha256:[0-9a-f]{64})$/gm)].map(([, digest]) => digest ?? '')
  const named = known.filter(digest => text.replace(/^digest .*$/gm, '').includes(digest))
  const digest = named[0] ?? known[0]
  if (!digest) throw new JijiError('push.failed', `${service}: the engine does not say which digest was pushed`)
  return digest
}

/** Before anything is built: the local registry runs. */
async function prepareRegistry({ config, here, signal, report }: BuildContext): Promise<void> {
  const { registry, engine } = config.builder
  if (registry.type === 'remote') return
  const { change } = await ensureRegistry(here, engine, registry, signal)
  if (change) report({ step: 'registry', state: 'done', detail: change })
}

function tail(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
