import type { Config, Credential, Server } from '../config/config.ts'
import { credentialsOf } from '../config/config.ts'
import { nearest } from '../config/nearest.ts'
import { registryKey } from '../config/registry-key.ts'
import type { Secrets } from '../config/secrets.ts'
import { findActor } from '../deploy/actor.ts'
import { auditEntry } from '../deploy/audit.ts'
import { together } from '../deploy/failure.ts'
import { JijiError } from '../errors.ts'
import { atPlace, type Place, type Row } from '../registry/places.ts'
import { appendAudit } from '../shell/audit.ts'
import type { Context } from './context.ts'
import { selectFrom } from './project.ts'
import { thisMachine, withReachable } from './servers.ts'

type Target = { key: string; username?: string }
type Act<T> = (place: Place, target: T) => Promise<Row>

/** Does something about each of these registries, here and on all servers at once. */
export async function atAllPlaces<T extends Target>(
  context: Context,
  config: Config,
  secrets: Secrets,
  targets: readonly T[],
  act: Act<T>,
): Promise<Row[]> {
  const { isHere, isThere } = placesWanted(context)
  const servers = serversApart(config, context)
  const rows = await Promise.all([
    isHere ? atPlace(hereOf(context, config), targets, act) : skipped(targets, ['here']),
    isThere
      ? atServers(context, config, secrets, servers, targets, act)
      : skipped(
          targets,
          servers.map(({ name }) => name),
        ),
  ])
  return rows.flat()
}

/** The credentials that are declared, or those that were named: by their name, or as a registry is written. */
export function credentialsWanted(config: Config, { args }: Context): Credential[] {
  const all = credentialsOf(config)
  if (args.length === 0) return all
  return [...new Set(args.flatMap(arg => credentialsNamed(all, arg)))]
}

/** Those that a login or logout is for, as far as they are not left out. */
export function serversThere(config: Config, context: Context): Server[] {
  return placesWanted(context).isThere ? serversApart(config, context) : []
}

/** Servers but for one that is this machine, with the engine that builds: that has the same logins as `here`. */
export function serversApart(config: Config, context: Context): Server[] {
  return selectFrom(config, context).servers.filter(
    ({ host, engine }) => !(host === 'local' && engine === config.builder.engine),
  )
}

export function hereOf(context: Context, config: Config | undefined): Place {
  return { name: 'here', engine: config?.builder.engine ?? 'docker', runner: thisMachine(context) }
}

export function placesWanted({ options }: Context): { isHere: boolean; isThere: boolean } {
  const isHere = !options.flag('skip-local')
  const isThere = !options.flag('skip-remote')
  if (isHere || isThere) return { isHere, isThere }
  throw new JijiError('usage', '--skip-local and --skip-remote together leave nothing to do')
}

/** One row per registry and place; a failure anywhere is the command's failure. */
export function showRows({ output, command }: Context, rows: readonly Row[]): void {
  if (output.style.json)
    output.json({
      schemaVersion: 1,
      rows: rows.map(({ error, ...row }) => ({ ...row, ...(error ? { code: error.code } : {}) })),
    })
  else
    output.table(
      ['registry', 'place', 'result'],
      rows.filter(isTold).map(row => [row.registry, row.place, resultOf(row)]),
    )
  const failures = rows.flatMap(({ error }) => error ?? [])
  const what = /logout|remove/.test(command) ? 'logouts' : 'logins'
  if (failures.length > 0) throw together(failures, rows.filter(({ state }) => state !== 'skipped').length, what)
}

/** Of places that were left out by an option, who has written it knows. */
function isTold({ state, reason }: Row): boolean {
  return state !== 'skipped' || reason !== undefined
}

/** Without the place, which stands beside it. */
function resultOf({ place, state, reason }: Row): string {
  return reason ? `${state}: ${reason.startsWith(`${place}: `) ? reason.slice(place.length + 2) : reason}` : state
}

/** Where no credential is declared there is nothing to do, and saying so is a success. */
export function sayNone({ output }: Context, { builder: { registry } }: Config): void {
  const text =
    registry.type === 'local' ? 'the registry is local: it needs no login' : 'the configuration declares no credential'
  if (output.style.json) output.json({ schemaVersion: 1, rows: [] })
  else output.result(text)
}

/** @throws JijiError config.invalid, select.no-match */
function credentialsNamed(all: readonly Credential[], wanted: string): Credential[] {
  const byName = all.filter(({ name }) => name === wanted)
  if (byName.length > 0) return byName
  const key = registryKey(wanted)
  const byKey = all.filter(credential => credential.key === key)
  if (byKey.length > 0) return byKey
  const known = all.flatMap(({ name, key }) => [name, key])
  const meant = nearest(wanted, known)
  throw new JijiError('select.no-match', `the configuration declares no registry ${key}`, {
    hint: meant ? `did you mean ${meant}?` : `declared: ${known.length > 0 ? known.join(', ') : 'none'}`,
  })
}

async function atServers<T extends Target>(
  context: Context,
  config: Config,
  secrets: Secrets,
  servers: readonly Server[],
  targets: readonly T[],
  act: Act<T>,
): Promise<Row[]> {
  const actor = await findActor(thisMachine(context), context.environment)
  return withReachable(context, config, secrets, servers, async ({ runners, failures }) => {
    const rows = servers.map(async ({ name, engine }): Promise<Row[]> => {
      const runner = runners.get(name)
      if (runner) {
        const record: Place['record'] = event =>
          appendAudit(config.scope, auditEntry(actor, config.project, runner, event))
        return atPlace({ name, engine, runner, record }, targets, act)
      }
      const error = failures.find(({ server }) => server === name)
      const why = error ? { error, reason: error.message } : {}
      return targets.map(({ key }) => ({ registry: key, place: name, state: 'failed', ...why }))
    })
    return (await Promise.all(rows)).flat()
  })
}

function skipped(targets: readonly Target[], places: readonly string[]): Row[] {
  return places.flatMap(place => targets.map(({ key }): Row => ({ registry: key, place, state: 'skipped' })))
}
