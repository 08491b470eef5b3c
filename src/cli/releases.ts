import type { Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import type { Selected } from '../config/select.ts'
import { look } from '../deploy/look.ts'
import type { Observation } from '../deploy/observe.ts'
import { nameSome } from '../deploy/plan/rounds.ts'
import { type HasImage, imagesOf, type Listed, listReleases } from '../deploy/releases.ts'
import { JijiError } from '../errors.ts'
import { findStored } from '../registry/local/find.ts'
import { renderAge } from '../ui/age.ts'
import type { Context } from './context.ts'
import { unreachable, withReachable } from './servers.ts'

type Scene = { config: Config; secrets: Secrets; selected: Selected; isPartial: boolean }

/** Shows what could be gone back to, on the servers that can be reached. */
export async function showReleases(context: Context, { config, secrets, selected, isPartial }: Scene): Promise<void> {
  const { output, signal } = context
  const { servers } = selected
  refuseOthers(context)
  await withReachable(context, config, secrets, servers, async ({ runners, failures }) => {
    const looked = await look(config, { servers, services: [] }, runners, failures, signal)
    const { observations } = looked
    const reached = { ...selected, servers: servers.filter(({ name }) => !looked.failures.has(name)) }
    const releases = listReleases(
      { config, selected: reached, observations, isPartial },
      await inLocalRegistry(config, observations, signal),
    )
    // Where nobody answered, the error is the one document.
    if (output.style.json && observations.length > 0) output.json({ schemaVersion: 1, releases })
    if (!output.style.json && observations.length > 0)
      output.table(
        head,
        releases.flatMap(one => (output.isOnTerminal ? together(rowsOf(one)) : rowsOf(one))),
      )
    const failed = [...looked.failures.values()]
    if (failed.length === 0) return
    const isLeftOut = context.options.flag('skip-unreachable') && observations.length > 0
    if (!isLeftOut) throw unreachable(failed, servers.length)
    for (const { message } of failed) output.warn(message)
  })
}

function refuseOthers({ args, options }: Context): void {
  const other = args[0] ?? (options.isGiven('dry-run') ? '--dry-run' : undefined)
  if (other !== undefined) throw new JijiError('usage', `--list only looks, and does not go with ${other}`)
}

async function inLocalRegistry(
  { builder: { registry } }: Config,
  observations: readonly Observation[],
  signal: AbortSignal,
): Promise<HasImage> {
  if (registry.type !== 'local') return () => undefined
  const stored = await findStored(registry.port, imagesOf(observations), signal)
  if (stored.length === 0) return () => undefined
  return (repository, digest) =>
    stored.some(one => one.repository === repository && one.versions.some(version => version.digest === digest))
}

const head = ['release', 'version', 'age', 'by', 'server', 'services', 'rollback']
const serverColumn = head.indexOf('server')

function rowsOf({ release, version, at, by, servers }: Listed): string[][] {
  return servers.map(({ server, services, state, how, reason }) => [
    release,
    version,
    renderAge(at, new Date()),
    by ?? '-',
    server,
    services.join(' ') || '-',
    state === 'current'
      ? 'this is the current one'
      : how
        ? `yes${reason ? `, ${reason}` : ''}: ${ways[how]}`
        : `no: ${reason}`,
  ])
}

const ways: Record<NonNullable<Listed['servers'][number]['how']>, string> = {
  start: 'its containers are there',
  make: 'its containers are made again',
  pull: 'its images are pulled, and its containers made again',
}

/** One row for the servers of a release of which the same is said. */
function together(rows: readonly string[][]): string[][] {
  const serverOf = (row: readonly string[]) => row[serverColumn] ?? ''
  const alike = new Map<string, string[][]>()
  for (const row of rows) {
    const key = JSON.stringify(row.with(serverColumn, ''))
    alike.set(key, [...(alike.get(key) ?? []), row])
  }
  return [...alike.values()].map(([first = [], ...more]) =>
    first.with(serverColumn, nameSome([first, ...more].map(serverOf))),
  )
}
