import type { Config, Service } from '../config/config.ts'
import { requireLock } from '../shell/lock.ts'
import type { NewContainer, Replacement } from '../shell/replace.ts'
import { lines, sh } from '../shell/script.ts'
import type { ApplyContext } from './apply-context.ts'
import { reported } from './event.ts'
import { settled } from './failure.ts'
import type { DigestsByServer } from './images.ts'
import { runnerOf } from './losses.ts'
import type { Plan, ReplacementPlan, ServerPlan } from './plan/plan.ts'
import { restoreRoutes } from './proxies.ts'
import { replaceOne } from './replace.ts'

/** Service by service: the first server alone, then the others together. A failure puts back what had been switched. */
export async function replaceAll(context: ApplyContext, plan: Plan, digests: DigestsByServer): Promise<void> {
  const switched: { server: ServerPlan; replacement: ReplacementPlan }[] = []
  const replace = (server: ServerPlan, replacement: ReplacementPlan) =>
    replaceOne(context, server, toReplacement(context, plan, server, replacement, digests), () =>
      switched.push({ server, replacement }),
    )
  try {
    for (const service of context.config.services) {
      const [first, ...others] = plan.servers.flatMap(server =>
        server.replacements
          .filter(replacement => replacement.service === service.name)
          .map(replacement => ({ server, replacement })),
      )
      if (first) await replace(first.server, first.replacement)
      await settled(others.map(({ server, replacement }) => replace(server, replacement)))
    }
  } catch (error) {
    await putBack(context, switched)
    await restoreRoutes(context, plan)
    throw error
  }
}

function toReplacement(
  { config, secrets, owner }: ApplyContext,
  plan: Plan,
  { server }: ServerPlan,
  { service: name, image, candidate, live, leftovers, again }: ReplacementPlan,
  digests: DigestsByServer,
): Replacement {
  const service = serviceOf(config, name)
  const create = (): NewContainer => ({
    image,
    release: plan.release,
    version: again?.version ?? plan.version,
    digest: digests.get(server)?.get(name) ?? '',
    secrets: service.environment.secrets.map(({ name, secret }) => ({ name, value: secrets.of(secret) })),
  })
  return {
    scope: config.scope,
    owner,
    service,
    candidate: { ...standing(candidate), ...(candidate.isNew ? { create: create() } : { isMoved: true }) },
    live: live && standing(live),
    afterwards: 'stop',
    leftovers,
    timing: config.deploy,
  }
}

/**
 * Goes back to the containers that ran before, the last one switched first. Not to be interrupted: it is what makes an
 * interrupt harmless.
 */
async function putBack(
  context: ApplyContext,
  switched: readonly { server: ServerPlan; replacement: ReplacementPlan }[],
): Promise<void> {
  const { config, owner } = context
  const uninterrupted = { ...context, signal: new AbortController().signal }
  await Promise.allSettled(
    switched.toReversed().map(({ server, replacement: { service, candidate, live } }) =>
      reported(context.report, { step: 'put back', server: server.server, service }, async () => {
        if (!live) {
          const takeAway = candidate.isNew ? ['rm', '-f'] : ['stop']
          const script = lines(requireLock(config.scope, owner), sh`${server.engine} ${takeAway} ${candidate.names}`)
          await runnerOf(context, server.server).run(script)
          return
        }
        const back: Replacement = {
          scope: config.scope,
          owner,
          service: serviceOf(config, service),
          candidate: standing(live),
          live: standing(candidate),
          afterwards: candidate.isNew ? 'remove' : 'stop',
          leftovers: { remove: [], stop: [] },
          timing: config.deploy,
        }
        await replaceOne({ ...uninterrupted, report: () => {} }, server, back, () => {})
      }),
    ),
  )
}

function standing({ names, slot, port }: Omit<NonNullable<ReplacementPlan['live']>, 'version' | 'isRunning'>) {
  return { names, slot, port }
}

function serviceOf(config: Config, name: string): Service {
  const service = config.services.find(one => one.name === name)
  if (!service) throw new Error(`${name} is not configured`)
  return service
}
