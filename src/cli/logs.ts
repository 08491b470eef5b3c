import type { Config, Engine, Server } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import type { Connections } from '../deploy/logs/connections.ts'
import { followServer } from '../deploy/logs/follow.ts'
import { type Line, readHistory } from '../deploy/logs/history.ts'
import { window } from '../deploy/logs/merge.ts'
import type { Reading, Source } from '../deploy/logs/read.ts'
import { type Observation, observeServer } from '../deploy/observe.ts'
import { JijiError } from '../errors.ts'
import type { Runner } from '../runner/runner.ts'
import type { Context } from './context.ts'
import { keepConnected } from './keep-connected.ts'
import type { LogOptions } from './log-options.ts'
import { unreachable, withReachable } from './servers.ts'

export type Wanted = {
  config: Config
  secrets: Secrets
  servers: readonly Server[]
  how: LogOptions
  /** The label of all containers that may be wanted. */
  label: string
  /** Those whose logs are shown, as a server stands; `isNew` asks for whatever has been started since. */
  sourcesOf: (observation: Observation, engine: Engine, isNew: boolean) => readonly Source[]
  /** What to say where there are none. */
  nothing: string
}

type Place = {
  server: Server
  connections: Connections
  readings: Reading[]
  find: (runner: Runner) => Promise<readonly Source[]>
}

/** Lines from everywhere in the order of time, and then, if they are followed, as they come. */
export async function showLogs(context: Context, wanted: Wanted): Promise<void> {
  const { config, secrets, servers, how } = wanted
  const { signal } = context
  await withReachable(context, config, secrets, servers, async ({ runners, failures }) => {
    const problems: JijiError[] = [...failures]
    const warn = (error: unknown) => {
      if (signal.aborted) return
      if (!(error instanceof JijiError)) throw error
      problems.push(error)
      if (how.follow) context.output.warn(error.message)
    }
    if (how.follow) for (const { message } of failures) context.output.warn(message)
    const places = await Promise.all(
      servers.flatMap(server => {
        const runner = runners.get(server.name)
        return runner ? [placeAt(context, wanted, server, runner).catch(error => warn(error))] : []
      }),
    )
    const reached = places.filter(place => place !== undefined)
    try {
      await showAll(context, wanted, reached, warn)
    } finally {
      await Promise.all(reached.map(({ connections }) => connections.close()))
    }
    if (problems.length > 0 && !(how.follow && signal.aborted)) throw unreachable(problems, servers.length)
  })
}

/** What is there to be read on one server. */
async function placeAt(context: Context, wanted: Wanted, server: Server, first: Runner): Promise<Place> {
  const { config, secrets, how, sourcesOf } = wanted
  const { signal } = context
  const observe = (runner: Runner) => observeServer(runner, server.engine, config.scope, signal)
  const patience = how.follow ? Number.POSITIVE_INFINITY : undefined
  const connections = keepConnected(context, config, secrets, { server, first, patience })
  const sources = sourcesOf(await connections.use(observe), server.engine, false)
  return {
    server,
    connections,
    readings: sources.map(source => ({ source, range: how.range })),
    find: async runner => sourcesOf(await observe(runner), server.engine, true),
  }
}

async function showAll(
  context: Context,
  { servers, how, label, nothing }: Wanted,
  places: readonly Place[],
  warn: (error: unknown) => void,
): Promise<void> {
  const { output, signal } = context
  const readings = places.flatMap(place => place.readings)
  if (readings.length === 0 && places.length === servers.length)
    throw new JijiError('nothing.running', nothing, { hint: 'jiji deploy' })
  const isOne = readings.length <= 1 && servers.length === 1 && !how.follow
  const show = shower(context, how, isOne)
  const connectionsOf = (source: Source) => {
    const place = places.find(({ server }) => server.name === source.server)
    if (!place) throw new Error(`${source.server} is not connected`)
    return place.connections
  }
  for await (const line of readHistory(readings, connectionsOf, warn, signal)) show(line)
  if (signal.aborted || !how.follow) return

  for (const reading of readings) if (!reading.position && how.range.lines === 0) reading.range = { lines: 0 }
  const soon = window<Line>(300, show)
  const note = (source: Source, text: string) => output.note(`${source.server} ${source.title}: ${text}`)
  try {
    await Promise.all(
      places.map(({ server, connections, find, readings }) =>
        followServer({ server: server.name, engine: server.engine, connections, label, find }, readings, {
          show: soon.add,
          note,
          warn,
          signal,
        }),
      ),
    )
  } finally {
    soon.flush()
  }
}

function shower({ output }: Context, { timestamps, isWanted }: LogOptions, isOne: boolean): (line: Line) => void {
  return ({ at, text, source: { server, service, title, container } }) => {
    if (!isWanted(text)) return
    if (output.style.json) output.jsonLine({ schemaVersion: 1, at, server, service, container, text })
    else output.foreign(isOne ? '' : `${server} ${title}`, timestamps ? `${at} ${text}` : text)
  }
}
