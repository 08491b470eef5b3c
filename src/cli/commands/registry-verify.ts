import type { Config, Server } from '../../config/config.ts'
import type { Secrets } from '../../config/secrets.ts'
import { together } from '../../deploy/failure.ts'
import { JijiError } from '../../errors.ts'
import type { Place } from '../../registry/places.ts'
import { failureOf, findingsOf, isFailed, renderFound } from '../../registry/verify/findings.ts'
import { builtName, type Need, needsFor, needsHere, needsOn } from '../../registry/verify/needs.ts'
import { type Check, unreachable, verifyAt } from '../../registry/verify/proof.ts'
import type { Context } from '../context.ts'
import { loadProject, selectFrom } from '../project.ts'
import { hereOf, placesWanted } from '../registries.ts'
import { gatherSecrets, keysOf } from '../secrets.ts'
import { withReachable } from '../servers.ts'

export async function run(context: Context): Promise<void> {
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  const { isHere, isThere } = placesWanted(context)
  const keys = isThere ? keysOf(config, selected.servers) : []
  const secrets = await gatherSecrets(context, config, [config.builder, config.registries, keys])
  const from = { config, secrets, services: selected.services }
  const named = context.args.map(image => needsFor(image, { ...from, services: config.services }))

  const here = named.length > 0 ? named.map(({ here }) => here) : needsHere(from)
  const there = ({ name }: Server) => (named.length > 0 ? named.map(({ there }) => there) : needsOn(name, from))
  const [checksHere, checksThere] = await Promise.all([
    isHere ? verifyAt(hereOf(context, config), here.filter(isRemote(config)), context.signal) : [],
    isThere ? verifyThere(context, config, secrets, selected.servers, there) : [],
  ])
  const local = named.length > 0 ? [...here] : localOnes(config, selected.services)
  show(context, [...checksHere, ...checksThere], [...new Set(local.filter(isLocal(config)).map(({ image }) => image))])
}

type Named = Pick<Need, 'image' | 'host'>

function localOnes(config: Config, services: Config['services']): Named[] {
  const { registry } = config.builder
  if (registry.type !== 'local') return []
  const built = services.filter(({ image }) => image === undefined)
  return built.map(service => ({ image: builtName(config, service), host: `localhost:${registry.port}` }))
}

function isLocal({ builder: { registry } }: Config): (need: Named) => boolean {
  return ({ host }) => registry.type === 'local' && host === `localhost:${registry.port}`
}

function isRemote(config: Config): (need: Named) => boolean {
  return need => !isLocal(config)(need)
}

/** On all servers at once, over one connection to each. */
function verifyThere(
  context: Context,
  config: Config,
  secrets: Secrets,
  servers: readonly Server[],
  needsOf: (server: Server) => readonly Need[],
): Promise<Check[]> {
  const work = servers.map(server => ({ server, needs: needsOf(server).filter(isRemote(config)) }))
  const busy = work.filter(({ needs }) => needs.length > 0)
  return withReachable(
    context,
    config,
    secrets,
    busy.map(({ server }) => server),
    async ({ runners, failures }) => {
      const checks = busy.map(async ({ server: { name, engine }, needs }) => {
        const runner = runners.get(name)
        const failure = failures.find(({ server }) => server === name)
        if (runner) return verifyAt({ name, engine, runner } satisfies Place, needs, context.signal)
        return failure ? needs.map(need => unreachable(name, need, failure)) : []
      })
      return (await Promise.all(checks)).flat()
    },
  )
}

function show({ output }: Context, checks: readonly Check[], local: readonly string[]): void {
  const notes = local.map(image => `${image}: the registry is local, which needs no proof`)
  if (output.style.json) {
    const rows = checks.map(({ error, ...check }) => check)
    output.json({ schemaVersion: 1, checks: rows, notes })
  } else {
    if (checks.length > 0)
      output.table(
        ['image', 'place', 'reach', 'identity', 'pull', 'push'],
        checks.map(({ image, place, reach, identity, pull, push }) => [image, place, reach, identity, pull, push]),
      )
    const found = findingsOf(checks).map(one => `\n${renderFound(one)}`)
    const said = new Set(checks.flatMap(check => check.notes.map(note => `${check.place}: ${check.registry}: ${note}`)))
    for (const text of [...found, ...said, ...notes]) output.result(text)
    if (checks.length + notes.length === 0) output.result('there is nothing to prove: no image is pulled or pushed')
  }
  throwFailure(checks)
}

/** What a registry refused counts for more than a server that could not be asked. */
function throwFailure(checks: readonly Check[]): void {
  const failed = checks.filter(isFailed)
  const failure = failureOf(checks)
  if (failure)
    throw new JijiError(failure.code, `${failed.length} of ${checks.length} checks failed`, { cause: failure })
  const lost = new Map(checks.flatMap(({ place, error }) => (error ? [[place, error] as const] : [])))
  if (lost.size > 0) throw together([...lost.values()], new Set(checks.map(({ place }) => place)).size)
}
