import type { Config, Credential } from '../config/config.ts'
import { credentialsOf } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import { together } from '../deploy/failure.ts'
import { JijiError } from '../errors.ts'
import type { Place, Row } from '../registry/places.ts'
import type { Context } from './context.ts'
import { selectFrom, thisMachine, withReachable } from './gather.ts'

/** Does something with each of the declared credentials, here and on all servers at once. */
export async function atAllPlaces(
  context: Context,
  config: Config,
  secrets: Secrets,
  act: (place: Place, credential: Credential) => Promise<Row>,
): Promise<Row[]> {
  const { isHere, isThere } = placesWanted(context)
  const { servers } = selectFrom(config, context)
  const credentials = credentialsOf(config)
  const atPlace = (place: Place) => Promise.all(credentials.map(credential => act(place, credential)))
  const here = { name: 'here', engine: config.builder.engine, runner: thisMachine(context) }

  const hereRows = isHere
    ? atPlace(here)
    : credentials.map(({ key }): Row => ({ registry: key, place: 'here', state: 'skipped' }))
  const thereRows = isThere
    ? withReachable(context, config, secrets, servers, async ({ runners, failures }) => {
        const rows = await Promise.all(
          servers.map(async ({ name, engine }): Promise<Row[]> => {
            const runner = runners.get(name)
            if (runner) return atPlace({ name, engine, runner })
            const error = failures.find(({ server }) => server === name)
            return credentials.map(({ key }) => ({
              registry: key,
              place: name,
              state: 'failed',
              ...(error ? { error, reason: error.message } : {}),
            }))
          }),
        )
        return rows.flat()
      })
    : servers.flatMap(({ name }) =>
        credentials.map(({ key }): Row => ({ registry: key, place: name, state: 'skipped' })),
      )
  return (await Promise.all([hereRows, thereRows])).flat()
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
