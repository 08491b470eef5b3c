import type { Config, Server } from '../../config/config.ts'
import type { Secrets } from '../../config/secrets.ts'
import { type AuditPlace, followAuditAt, readAuditAt } from '../../deploy/logs/audit.ts'
import { window } from '../../deploy/logs/merge.ts'
import { JijiError } from '../../errors.ts'
import type { Runner } from '../../runner/runner.ts'
import type { AuditEntry } from '../../shell/audit.ts'
import { isNarrow } from '../../ui/terminal.ts'
import { type AuditOptions, readAuditOptions } from '../audit-options.ts'
import type { Context } from '../context.ts'
import { keepConnected } from '../keep-connected.ts'
import { loadProject, selectFrom } from '../project.ts'
import { gatherKeys } from '../secrets.ts'
import { unreachable, withReachable } from '../servers.ts'

export async function run(context: Context): Promise<void> {
  const { options, output, signal } = context
  const config = loadProject(context)
  const { servers, services } = selectFrom(config, context)
  const wanted = options.list('services') && new Set(services.map(({ name }) => name))
  const how = readAuditOptions(options, wanted)
  const secrets = await gatherKeys(context, config, servers)

  await withReachable(context, config, secrets, servers, async ({ runners, failures }) => {
    const problems: JijiError[] = [...failures]
    const warn = (error: unknown) => {
      if (signal.aborted) return
      if (!(error instanceof JijiError)) throw error
      problems.push(error)
      if (how.follow) output.warn(error.message)
    }
    if (how.follow) for (const { message } of failures) output.warn(message)
    const places = servers.flatMap(server => {
      const first = runners.get(server.name)
      return first ? [placeAt(context, config, secrets, server, first, how)] : []
    })
    try {
      await show(context, how, places, warn)
    } finally {
      await Promise.all(places.map(({ connections }) => connections.close()))
    }
    if (problems.length > 0 && !(how.follow && signal.aborted)) throw unreachable(problems, servers.length)
  })
}

function placeAt(
  context: Context,
  config: Config,
  secrets: Secrets,
  server: Server,
  first: Runner,
  { follow }: AuditOptions,
): AuditPlace {
  const patience = follow ? Number.POSITIVE_INFINITY : undefined
  const connections = keepConnected(context, config, secrets, { server, first, patience })
  return { server: server.name, scope: config.scope, connections, signal: context.signal }
}

/** What is there, in the order of time, and then, if that is asked for, what is added. */
async function show(
  { output }: Context,
  { follow, count, action, isWanted, isPlain }: AuditOptions,
  places: readonly AuditPlace[],
  warn: (error: unknown) => void,
): Promise<void> {
  const begun = await Promise.all(
    places.map(place => readAuditAt(place, { action, count: isPlain ? count : undefined }).catch(warn)),
  )
  const entries = begun
    .flatMap(read => newest(read?.entries.filter(isWanted) ?? [], count))
    .toSorted((a, b) => a.at.localeCompare(b.at))
  if (!follow) return showAll(output, entries)

  const showOne = (entry: AuditEntry) => {
    if (output.style.json) output.jsonLine({ schemaVersion: 1, ...entry })
    else output.foreign('', rowOf(entry).join('  '))
  }
  entries.forEach(showOne)
  const soon = window(300, showOne)
  const add = (entry: AuditEntry) => {
    if (isWanted(entry)) soon.add(entry)
  }
  try {
    await Promise.all(
      places.map((place, index) => {
        const read = begun[index]
        return read && followAuditAt(place, read.known, add).catch(warn)
      }),
    )
  } finally {
    soon.flush()
  }
}

function newest(entries: readonly AuditEntry[], count = entries.length): readonly AuditEntry[] {
  return entries.slice(entries.length - Math.min(count, entries.length))
}

function showAll(output: Context['output'], entries: readonly AuditEntry[]): void {
  if (output.style.json) output.json({ schemaVersion: 1, entries })
  else if (isNarrow(output.columns)) output.result(entries.map(entry => rowOf(entry).join('  ')).join('\n'))
  else output.table(['when', 'server', 'who', 'what', 'result'], entries.map(rowOf))
}

function rowOf(entry: AuditEntry): string[] {
  const { at, server, by, ci, result, reason } = entry
  const who = ci ? `${by} (${ci.name} ${ci.run})` : by
  return [at, server, who, describe(entry), reason ? `${result}: ${reason}` : result]
}

function describe({ action, services, from, to, registry, username }: AuditEntry): string {
  if (registry) return `${action} ${registry}${username ? ` as ${username}` : ''}`
  if (!to) return [action, ...(services ?? [])].join(' ')
  return [action, ...(from ? [from, '->'] : []), to].join(' ')
}
