import type { Config, Credential, Server } from '../config/config.ts'
import { credentialsOf } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import { together } from '../deploy/failure.ts'
import { JijiError } from '../errors.ts'
import type { Place, Row } from '../registry/places.ts'
import type { Context } from './context.ts'
import { selectFrom, thisMachine, withReachable } from './gather.ts'

type Act = (place: Place, credential: Credential) => Promise<Row>

/** Does something with each of the declared credentials, here and on all servers at once. */
export async function atAllPlaces(context: Context, config: Config, secrets: Secrets, act: Act): Promise<Row[]> {
  const { isHere, isThere } = placesWanted(context)
  const servers = selectFrom(config, context).servers.filter(server => !isThisMachine(config, server))
  const rows = await Promise.all([
    isHere ? actHere(context, config, act) : skipped(config, ['here']),
    isThere ? actThere(context, config, secrets, servers, act) : skipped(config, servers.map(nameOf)),
  ])
  return rows.flat()
}

function actHere(context: Context, config: Config, act: Act): Promise<Row[]> {
  return actAt({ name: 'here', engine: config.builder.engine, runner: thisMachine(context) }, config, act)
}

function actThere(
  context: Context,
  config: Config,
  secrets: Secrets,
  servers: readonly Server[],
  act: Act,
): Promise<Row[]> {
  return withReachable(context, config, secrets, servers, async ({ runners, failures }) => {
    const rows = servers.map(async ({ name, engine }): Promise<Row[]> => {
      const runner = runners.get(name)
      if (runner) return actAt({ name, engine, runner }, config, act)
      const error = failures.find(({ server }) => server === name)
      const why = error ? { error, reason: error.message } : {}
      return credentialsOf(config).map(({ key }) => ({ registry: key, place: name, state: 'failed', ...why }))
    })
    return (await Promise.all(rows)).flat()
  })
}

/** One registry after the other: an engine keeps all logins in one file. */
async function actAt(place: Place, config: Config, act: Act): Promise<Row[]> {
  const rows: Row[] = []
  for (const credential of credentialsOf(config)) rows.push(await act(place, credential))
  return rows
}

function skipped(config: Config, places: readonly string[]): Row[] {
  return places.flatMap(place =>
    credentialsOf(config).map(({ key }): Row => ({ registry: key, place, state: 'skipped' })),
  )
}

function nameOf({ name }: Server): string {
  return name
}

/** A server that is this machine, with the engine that builds, has the same logins as `here`. */
function isThisMachine({ builder }: Config, { host, engine }: Server): boolean {
  return host === 'local' && engine === builder.engine
}

function placesWanted({ options }: Context): { isHere: boolean; isThere: boolean } {
  const isHere = !options.flag('skip-local')
  const isThere = !options.flag('skip-remote')
  if (isHere || isThere) return { isHere, isThere }
  throw new JijiError('usage', '--skip-local and --skip-remote together leave nothing to do')
}

/** One row per registry and place; a failure anywhere is the command's failure. */
export function showRows({ output }: Context, rows: readonly Row[]): void {
  if (output.style.json)
    output.json({
      schemaVersion: 1,
      rows: rows.map(({ error, ...row }) => ({ ...row, ...(error ? { code: error.code } : {}) })),
    })
  else
    output.table(
      ['registry', 'place', 'result'],
      rows.map(({ registry, place, state, reason }) => [registry, place, reason ? `${state}: ${reason}` : state]),
    )
  const failures = rows.flatMap(({ error }) => error ?? [])
  if (failures.length > 0) throw together(failures, rows.filter(({ state }) => state !== 'skipped').length)
}

/** A registry of this machine needs no login, and saying so is a success. */
export function sayLocal({ output }: Context): void {
  if (output.style.json) output.json({ schemaVersion: 1, rows: [] })
  else output.result('the registry is local: there is nothing to log in to')
}
