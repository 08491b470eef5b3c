import type { BuilderRegistry, Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import { JijiError } from '../errors.ts'
import { loginFor } from '../registry/credentials.ts'
import { sizeOf } from '../registry/local/contents.ts'
import { layersOf } from '../registry/local/layers.ts'
import { checkLogin } from '../registry/verify/check.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import { canTunnel, type Runner } from '../runner/runner.ts'
import { type Pull, pullImages } from '../shell/images.ts'
import type { Digests, Pushed } from './build.ts'
import { type Report, reported } from './event.ts'
import { limits } from './limits.ts'
import type { ReplacementPlan, ServerPlan } from './plan/plan.ts'
import { inTermsOfDisk } from './room.ts'
import { sendImages } from './send.ts'
import { overStalls } from './stalls.ts'
import { type Progress, watchTransfer } from './transfer.ts'
import { openTunnel, throughTunnel } from './tunnel.ts'
import { type Refusal, wordsFor } from './tunnel-refusal.ts'

type PullContext = { config: Config; secrets: Secrets; report: Report; signal: AbortSignal }

/**
 * Gets the images of a plan to one server, by the digests that were pushed. With a local registry, through a tunnel
 * that exists only meanwhile.
 * @returns the digests as the server knows them
 */
export async function pullOn(
  context: PullContext,
  runner: Runner,
  plan: ServerPlan,
  digests: Digests,
): Promise<Digests> {
  const { registry } = context.config.builder
  if (plan.replacements.length === 0) return new Map()
  const built = plan.replacements.filter(isInRegistryHere(registry, digests))
  const place = { runner, engine: plan.engine, scope: context.config.scope }
  if (registry.type !== 'local' || built.length === 0 || !canTunnel(runner)) {
    const here = registry.type === 'local' ? `localhost:${registry.port}` : undefined
    return inTermsOfDisk(place, () => pull(context, runner, plan, digests, here))
  }
  const parts = await layersOf(registry.port, builtImages(built, digests), context.signal)
  const transfer = watchTransfer(parts)
  const onStranger = (address: string) => reportStranger(context.report, runner.server, address)
  const opened = await openTunnel(runner, registry.port, { ...transfer, onStranger })
  if (!opened.tunnel) {
    const all = sizeOf([{ parts }])
    return inTermsOfDisk(
      place,
      () => send(context, runner, plan, digests, opened.why),
      () => all,
    )
  }
  const wanted = () => transfer.progress().wanted
  return throughTunnel(runner, opened, context.report, port => {
    const work = (signal: AbortSignal) =>
      pull({ ...context, signal }, runner, plan, digests, `127.0.0.1:${port}`, transfer.progress)
    return inTermsOfDisk(place, () => overStalls(context, runner, transfer, work), wanted)
  })
}

function reportStranger(report: Report, server: string, address: string): void {
  const detail = `${address} was turned away: the tunnel is for the server alone, and its sshd (GatewayPorts yes) opens it to all`
  report({ step: 'tunnel', state: 'lost', server, detail })
}

function isInRegistryHere(registry: BuilderRegistry, digests: Digests): (one: ReplacementPlan) => boolean {
  return ({ service, image }) =>
    registry.type === 'local' && digests.has(service) && image.startsWith(`localhost:${registry.port}/`)
}

/** What was pushed for a server: where there are several architectures, for its own. */
export function digestsOf({ replacements }: ServerPlan, all: Pushed): Digests {
  return new Map(
    replacements.flatMap(({ service, image, pushed = image }): [string, string][] => {
      const digest = all.get(pushed)
      return digest ? [[service, digest]] : []
    }),
  )
}

/** The images that were built for a server, with where this machine's registry has them. */
export function builtImages(
  built: readonly ReplacementPlan[],
  digests: Digests,
): { image: string; repository: string; digest: string }[] {
  return built.flatMap(({ service, image }) => {
    const digest = digests.get(service)
    return digest ? [{ image, repository: repositoryIn(image).replace(/^[^/]+\//, ''), digest }] : []
  })
}

/** What was built goes as a stream; what others have made is pulled as ever. */
async function send(
  context: PullContext,
  runner: Runner,
  plan: ServerPlan,
  digests: Digests,
  why: Refusal,
): Promise<Digests> {
  const { report, signal, config } = context
  const detail = `no tunnel, so that images go through the connection itself: ${wordsFor(why)}`
  report({ step: 'tunnel', state: 'done', server: runner.server, detail })
  const isHere = isInRegistryHere(config.builder.registry, digests)
  const built = plan.replacements.filter(isHere)
  const others = plan.replacements.filter(one => !isHere(one))
  const engines = { engineHere: config.builder.engine, engineThere: plan.engine }
  await sendImages(
    { ...engines, report, signal },
    runner,
    built.map(({ image, pushed = image }) => ({ name: image, here: pushed })),
  )
  return others.length > 0 ? pull(context, runner, { ...plan, replacements: others }, digests, undefined) : new Map()
}

async function pull(
  { config, secrets, report, signal }: PullContext,
  runner: Runner,
  plan: ServerPlan,
  digests: Digests,
  registryHere: string | undefined,
  progress?: () => Progress,
): Promise<Digests> {
  const { server } = runner
  const pulls = plan.replacements.map(({ service, image }): Pull => {
    const digest = digests.get(service)
    return {
      service,
      name: image,
      source: sourceOf(image, digest, registryHere),
      login: loginFor(config, secrets, image, config.services.find(({ name }) => name === service)?.registry),
    }
  })
  return reported(
    report,
    { step: 'pull', server, detail: pulls.map(({ service }) => service).join(', ') },
    async () => {
      const output = await runner.run(pullImages(plan.engine, pulls), { signal, timeout: limits.pull })
      if (output.code === 0) return readDigests(output.stdout)
      const failed = pulls.find(({ service }) => output.stdout.includes(`failed ${service}\n`))
      if (failed?.login) await checkLogin(failed.login, signal)
      throw (
        engineFailure(runner, plan.engine, output) ??
        new JijiError(
          'pull.failed',
          `${server}: ${failed?.name ?? 'an image'} could not be pulled: ${lastLine(output.stderr)}`,
          {
            server,
            ...(failed && !failed.login ? { hint: withoutLogin(failed, registryHere) } : {}),
          },
        )
      )
    },
    progress,
  )
}

function withoutLogin({ name }: Pull, registryHere: string | undefined): string {
  return registryHere !== undefined && name.startsWith('localhost:')
    ? 'it comes from the registry on this machine; has that lost it? jiji registry list shows what it has, and a deploy of that version pushes it again'
    : 'no credential was used: none of those declared covers this name'
}

function sourceOf(image: string, digest: string | undefined, registryHere: string | undefined): string {
  if (!digest) return image
  const repository = repositoryIn(image)
  const there = registryHere ? repository.replace(/^localhost:\d+/, registryHere) : repository
  return `${there}@${digest}`
}

function repositoryIn(image: string): string {
  return image.replace(/@.*$/, '').replace(/:[^:/]*$/, '')
}

function readDigests(text: string): Digests {
  const found = [...text.matchAll(/^digest (\S+) (\[.*\])$/gm)]
  return new Map(
    found.map(([, service = '', list = '[]']) => [service, (JSON.parse(list) as string[])[0]?.split('@')[1] ?? '']),
  )
}
