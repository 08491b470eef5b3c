import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../config/config.ts'
import { lineReader } from '../../runner/line-reader.ts'
import type { Runner } from '../../runner/runner.ts'
import { watchRunning } from '../../shell/logs.ts'
import type { Connections } from './connections.ts'
import type { Line } from './history.ts'
import { type Reading, readLog, type Source } from './read.ts'

type Place = {
  server: string
  engine: Engine
  connections: Connections
  /** The label of all containers whose logs may be wanted. */
  label: string
  /** The containers that run now and whose logs are wanted. */
  find: (runner: Runner) => Promise<readonly Source[]>
}

type Follower = {
  show: (line: Line) => void
  /** Told what changed: `app-web-r9 runs now`. */
  note: (source: Source, text: string) => void
  /** Told of a log that cannot be read, which the others do not suffer from. */
  warn: (error: unknown) => void
  signal: AbortSignal
}

/** Goes on with the logs of a server where they were left, and with those of containers that are started later. */
export async function followServer(place: Place, begun: readonly Reading[], follower: Follower): Promise<void> {
  const { engine, connections, label, find } = place
  const { show, note, warn } = follower
  const over = new AbortController()
  const signal = AbortSignal.any([follower.signal, over.signal])
  const readings = new Map(begun.map(reading => [reading.source.container, reading]))
  const unwanted = new Set<string>()
  const active = new Set<string>()
  const failed = new Set<Source>()
  let learning: Promise<void> | undefined

  const follow = (reading: Reading) => {
    const { source } = reading
    active.add(source.container)
    readLog(
      connections,
      reading,
      entry => {
        show({ ...entry, source })
        return undefined
      },
      { follow: true, signal },
    )
      .catch(async error => {
        if (signal.aborted) return
        if (!failed.has(source)) warn(error)
        failed.add(source)
        await sleep(5_000, undefined, { signal }).catch(() => {})
      })
      .finally(() => active.delete(source.container)) // when it is seen to run, it is begun again
  }
  const learn = async (names: readonly string[]) => {
    const sources = await connections.use(find)
    for (const name of names) {
      const source = sources.find(({ container }) => container === name)
      if (source) {
        const reading = { source, range: {} }
        readings.set(name, reading)
        note(source, `${name} runs now`)
        follow(reading)
      } else unwanted.add(name)
    }
  }
  const seen = (names: readonly string[]) => {
    for (const name of names) {
      const reading = readings.get(name)
      if (reading && !active.has(name)) follow(reading)
    }
    const unknown = names.filter(name => !readings.has(name) && !unwanted.has(name))
    if (unknown.length === 0 || learning) return
    learning = learn(unknown)
      .catch(error => {
        if (!signal.aborted) warn(error)
      })
      .finally(() => {
        learning = undefined
      })
  }

  for (const reading of readings.values()) follow(reading)
  try {
    await connections.use(runner => {
      const lines = lineReader(line => seen(line.split(' ').slice(1)))
      return runner.run(watchRunning(engine, label), {
        signal,
        onChunk: (chunk, stream) => {
          if (stream === 'stdout') lines.write(chunk)
          return undefined
        },
      })
    })
  } catch (error) {
    if (!follower.signal.aborted) throw error
  } finally {
    over.abort()
    await learning
  }
}
