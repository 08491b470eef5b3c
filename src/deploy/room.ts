import type { Config, Engine } from '../config/config.ts'
import { type ErrorCode, JijiError } from '../errors.ts'
import type { Runner } from '../runner/runner.ts'
import { askRoom } from '../shell/room.ts'
import { limits } from './limits.ts'

/** What is free where a folder lies. */
export type Room = { folder: string; bytes: number; inodes: number | undefined }

type Place = { runner: Runner; engine: Engine; scope: string }

/**
 * Does work that needs room on a disk, and tells its failure in terms of that disk where it is full. No program tells so by
 * its exit status, and by the time that an engine has cleaned up after itself there is some room again: so it is asked
 * whether what was to be moved would fit. What is kept of an image while it is unpacked, and what it unpacks to, are
 * together about three times that.
 * @throws JijiError disk.full, and all that `work` throws
 */
export async function inTermsOfDisk<T>(place: Place, work: () => Promise<T>, moved = () => 0): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const mayBe = error instanceof JijiError && mayBeFull.includes(error.code)
    throw mayBe ? await whetherFull(place, error, moved()) : error
  }
}

/** The same for work on several servers, whose failure says on which. */
export async function inTermsOfDisks<T>(
  { servers, scope }: Pick<Config, 'servers' | 'scope'>,
  runners: ReadonlyMap<string, Runner>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const server = error instanceof JijiError ? servers.find(({ name }) => name === error.server) : undefined
    const runner = server && runners.get(server.name)
    if (!runner) throw error
    return inTermsOfDisk({ runner, engine: server.engine, scope }, () => Promise.reject(error))
  }
}

const mayBeFull: readonly ErrorCode[] = ['failed', 'engine.failed', 'pull.failed', 'push.failed', 'build.failed']

async function whetherFull({ runner, engine, scope }: Place, error: JijiError, moved: number): Promise<JijiError> {
  const asked = await runner.run(askRoom(engine, scope), { timeout: limits.ask }).catch(() => undefined)
  const tight = asked && readRoom(asked.stdout).find(room => !fits(room, 3 * moved))
  return tight ? diskFull(error, engine, tight) : error
}

function diskFull(error: JijiError, engine: Engine, { folder, bytes, inodes }: Room): JijiError {
  const { server, output } = error
  const left = inodes === 0 ? 'no inodes' : `${Math.round(bytes / 1e6)} MB`
  const prune = `\`${engine} image prune -a\` removes images that no container has`
  return new JijiError(
    'disk.full',
    `${error.message}; ${server ? 'its' : "this machine's"} disk has ${left} left at ${folder}`,
    {
      hint: `make room there: ${prune}${server ? ', and a smaller deploy.retain keeps fewer releases' : ', and `jiji registry prune` those that the local registry need not keep'}`,
      ...(server ? { server } : {}),
      ...(output ? { output } : {}),
      cause: error,
    },
  )
}

/** Below that much nothing works any more, whatever it is. */
const least = 10e6

function fits({ bytes, inodes }: Room, wanted: number): boolean {
  return inodes !== 0 && bytes >= Math.max(wanted, least)
}

/** Reads the lines of shell/room.ts. File systems without a fixed number of inodes say that they have 0, or none. */
export function readRoom(text: string): Room[] {
  const free = (line: string | undefined) => {
    const [, all, left] = / (\d+) +\d+ +(-?\d+) +(?:\d+%|-) \//.exec(line ?? '') ?? []
    return Number(all) > 0 ? Math.max(0, Number(left)) : undefined
  }
  return [...text.matchAll(/^folder (.+)\nblocks (.*)\ninodes(.*)$/gm)].flatMap(([, folder = '', blocks, inodes]) => {
    const kilobytes = free(blocks)
    return kilobytes === undefined ? [] : [{ folder, bytes: kilobytes * 1024, inodes: free(inodes) }]
  })
}
