import type { Config, Service } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import { exits } from '../shell/engine.ts'
import { createProxy, restoreSite, writeSite } from '../shell/proxy.ts'
import { appendAudit, type ReleaseRecord, recordCurrent, recordRelease } from '../shell/records.ts'
import { type NewContainer, type Replacement, replaceContainer } from '../shell/replace.ts'
import { lines, type Script, sh } from '../shell/script.ts'
import { auditEntry } from './audit.ts'
import type { Digests } from './build.ts'
import { reported, type Step } from './event.ts'
import { settled } from './failure.ts'
import { limits, replacementLimit } from './limits.ts'
import { type LossContext, overLosses, runnerOf } from './losses.ts'
import type { Observation } from './observe.ts'
import type { Plan, ReplacementPlan, ServerPlan } from './plan.ts'
import { pullOn } from './pull.ts'

export type ApplyContext = LossContext & {
  config: Config
  secrets: Secrets
  observations: readonly Observation[]
  by: string
}

/** Carries a plan out. A failure puts back what had been switched, and is thrown when that is done. */
export async function apply(context: ApplyContext, plan: Plan, pushed: () => Promise<Digests>): Promise<void> {
  const isNew = plan.action === 'deploy'
  const [digests] = await settled([
    isNew ? getImages(context, plan, pushed) : recordedDigests(context, plan),
    prepareProxies(context, plan),
  ])
  await replaceAll(context, plan, digests)
  await settled(
    plan.servers.map(server => (isNew ? record(context, plan, server, digests) : goBack(context, plan, server))),
  )
}

type DigestsByServer = ReadonlyMap<string, Digests>

async function getImages(context: ApplyContext, plan: Plan, pushed: () => Promise<Digests>): Promise<DigestsByServer> {
  const digests = await pushed()
  const pairs = plan.servers.map(async (server): Promise<[string, Digests]> => {
    const there = await overLosses(context, server.server, runner => pullOn(context, runner, server, digests))
    return [server.server, new Map([...there, ...digests])]
  })
  return new Map(await settled(pairs))
}

async function recordedDigests({ observations }: ApplyContext, plan: Plan): Promise<DigestsByServer> {
  const digestsOf = ({ releases }: Observation) => releases.find(({ id }) => id === plan.release)?.services ?? {}
  return new Map(
    observations.map(one => [
      one.server,
      new Map(Object.entries(digestsOf(one)).map(([name, { digest }]) => [name, digest])),
    ]),
  )
}

async function prepareProxies(context: ApplyContext, plan: Plan): Promise<undefined> {
  await settled(plan.servers.map(server => prepareProxy(context, server)))
}

async function prepareProxy(context: ApplyContext, { server, engine, proxy, site }: ServerPlan): Promise<void> {
  const { config, report, signal } = context
  const runner = runnerOf(context, server)
  if (proxy === 'start') {
    await reported(report, { step: 'proxy', server, detail: config.proxy.image }, async () => {
      const output = await runner.run(createProxy(engine, config.proxy), { signal, timeout: limits.proxy })
      if (output.code === 0) return
      throw new JijiError('engine.failed', `${server}: the proxy could not be started: ${lastLine(output.stderr)}`, {
        server,
        hint: `is port ${config.proxy.http_port} or ${config.proxy.https_port} taken there? (sudo ss -ltnp) proxy.http_port and proxy.https_port name others`,
      })
    })
  }
  if (site) {
    await reported(report, { step: 'proxy', server, detail: `routes ${site.hosts.join(', ')}` }, async () => {
      const output = await runner.run(writeSite(engine, site), { signal, timeout: limits.ask })
      if (output.code === 0) return
      throw new JijiError('engine.failed', `${server}: the proxy refuses the routes`, { server, output: output.stderr })
    })
  }
}

/** Service by service: the first server alone, then the others together. */
async function replaceAll(context: ApplyContext, plan: Plan, digests: DigestsByServer): Promise<void> {
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
  { config, secrets }: ApplyContext,
  plan: Plan,
  { server }: ServerPlan,
  { service: name, image, candidate, live, leftovers }: ReplacementPlan,
  digests: DigestsByServer,
): Replacement {
  const service = serviceOf(config, name)
  const create = (): NewContainer => ({
    image,
    release: plan.release,
    version: plan.version,
    digest: digests.get(server)?.get(name) ?? '',
    secrets: service.environment.secrets.map(({ name, secret }) => ({ name, value: secrets.of(secret) })),
  })
  return {
    scope: config.scope,
    service,
    candidate: { ...standing(candidate), ...(candidate.isNew ? { create: create() } : {}) },
    live: live && standing(live),
    afterwards: 'stop',
    leftovers,
    timing: config.deploy,
  }
}

function standing({ name, slot, port }: Omit<NonNullable<ReplacementPlan['live']>, 'version' | 'isRunning'>) {
  return { name, slot, port }
}

const stepOfLine: Record<string, Step> = {
  started: 'start',
  healthy: 'health',
  switched: 'switch',
  drained: 'drain',
  stopped: 'stop',
}

/**
 * Calls back when the candidate has taken over. A script that fails has undone what it did; one that is interrupted or
 * lost after the switch has not, it goes through to its end.
 * @throws JijiError release.unhealthy with the container's last lines
 */
async function replaceOne(
  { report, signal, ...context }: ApplyContext,
  { server, engine }: ServerPlan,
  replacement: Replacement,
  onSwitched: () => void,
): Promise<void> {
  const { service, candidate } = replacement
  const runner = runnerOf(context, server)
  report({ step: 'start', state: 'begun', server, service: service.name, detail: candidate.name })
  let isSwitched = false
  const run = runner.run(replaceContainer(engine, replacement), {
    signal,
    timeout: replacementLimit(replacement),
    onLine: (line, stream) => {
      const step = stream === 'stdout' ? stepOfLine[line] : undefined
      if (step === (service.proxy ? 'switch' : 'health')) isSwitched = true
      if (step && (step !== 'drain' || replacement.live)) report({ step, state: 'done', server, service: service.name })
      if (line === 'undrained')
        report({
          step: 'drain',
          state: 'note',
          server,
          service: service.name,
          detail: 'requests were still running when the time to drain was over',
        })
    },
  })
  const output = await run.catch((error: unknown) => {
    if (isSwitched) onSwitched()
    throw error
  })
  if (output.code === 0) return onSwitched()
  report({ step: output.code === exits.unhealthy ? 'health' : 'start', state: 'failed', server, service: service.name })
  throw replacementFailure(runner, engine, replacement, output)
}

function replacementFailure(
  runner: Runner,
  engine: ServerPlan['engine'],
  { service, live }: Replacement,
  output: { code: number; stdout: string; stderr: string },
): JijiError {
  const { server } = runner
  const details = { server, ...(live ? { hint: 'the version before still serves' } : {}) }
  const rest = (word: string) =>
    output.stdout
      .split('\n')
      .filter(line => line.startsWith(`${word} `))
      .map(line => line.slice(word.length + 1))
  if (output.code === exits.unhealthy) {
    const log = rest('log').join('\n')
    return new JijiError(
      'release.unhealthy',
      `${server}: ${service.name} did not become healthy: ${rest('reason')[0] ?? ''}`,
      { ...details, output: log || '(the container wrote nothing)' },
    )
  }
  if (output.code === exits.notStarted) {
    return new JijiError(
      'engine.failed',
      `${server}: ${service.name} could not be started: ${lastLine(output.stderr)}`,
      details,
    )
  }
  return (
    engineFailure(runner, engine, output) ??
    new JijiError('failed', `${server}: ${service.name} could not be replaced: ${lastLine(output.stderr)}`, { server })
  )
}

/**
 * Goes back to the containers that ran before, the last one switched first. Not to be interrupted: it is what makes an
 * interrupt harmless.
 */
async function putBack(
  context: ApplyContext,
  switched: readonly { server: ServerPlan; replacement: ReplacementPlan }[],
): Promise<void> {
  const uninterrupted = { ...context, signal: new AbortController().signal }
  await Promise.allSettled(
    switched.toReversed().map(({ server, replacement: { service, candidate, live } }) =>
      reported(context.report, { step: 'put back', server: server.server, service }, async () => {
        if (!live) {
          const takeAway = candidate.isNew ? ['rm', '-f'] : ['stop']
          await runnerOf(context, server.server).run(sh`${server.engine} ${takeAway} ${candidate.name}`)
          return
        }
        const back: Replacement = {
          scope: context.config.scope,
          service: serviceOf(context.config, service),
          candidate: standing(live),
          live: standing(candidate),
          afterwards: candidate.isNew ? 'remove' : 'stop',
          leftovers: { remove: [], stop: [] },
          timing: context.config.deploy,
        }
        await replaceOne({ ...uninterrupted, report: () => {} }, server, back, () => {})
      }),
    ),
  )
}

/** The routes of the release before; where they cannot be restored the next deploy writes them anew. */
async function restoreRoutes(context: ApplyContext, plan: Plan): Promise<void> {
  await Promise.allSettled(
    plan.servers.map(async server => {
      if (server.site)
        await runnerOf(context, server.server).run(restoreSite(server.engine, server.site), { timeout: limits.ask })
    }),
  )
}

async function record(context: ApplyContext, plan: Plan, server: ServerPlan, digests: DigestsByServer): Promise<void> {
  const { config, by, observations } = context
  const observation = observations.find(one => one.server === server.server)
  const before = observation?.releases.find(({ id }) => id === observation.current)?.services ?? {}
  const stillThere = Object.entries(before).filter(([name]) =>
    config.services.some(service => service.name === name && service.servers.includes(server.server)),
  )
  const replaced = server.replacements.map(
    ({ service, image, candidate }): [string, ReleaseRecord['services'][string]] => [
      service,
      { image, digest: digests.get(server.server)?.get(service) ?? '', container: candidate.name },
    ],
  )
  const release: ReleaseRecord = {
    schemaVersion: 1,
    id: plan.release,
    version: plan.version,
    at: new Date().toISOString(),
    by,
    services: Object.fromEntries([...stillThere, ...replaced]),
  }
  const audit = appendAudit(config.scope, auditEntry(plan, server, by, { result: 'done' }))
  await finish(
    context,
    server,
    lines(recordRelease(server.engine, config.scope, release, { ...server.prune, retire: server.retire }), audit),
  )
}

async function goBack(context: ApplyContext, plan: Plan, server: ServerPlan): Promise<void> {
  const { config, by } = context
  const audit = appendAudit(config.scope, auditEntry(plan, server, by, { result: 'done' }))
  await finish(context, server, lines(recordCurrent(config.scope, plan.release), audit))
}

async function finish(context: ApplyContext, server: ServerPlan, script: Script): Promise<void> {
  const runner = runnerOf(context, server.server)
  const output = await runner.run(script, { timeout: limits.record })
  if (output.code === 0) return
  throw new JijiError(
    'failed',
    `${server.server}: the release runs, but could not be recorded: ${lastLine(output.stderr)}`,
    { server: server.server, hint: 'is the disk full?' },
  )
}

function serviceOf(config: Config, name: string): Service {
  const service = config.services.find(one => one.name === name)
  if (!service) throw new Error(`${name} is not configured`)
  return service
}
