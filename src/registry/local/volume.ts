import type { Engine } from '../../config/config.ts'
import { JijiError } from '../../errors.ts'
import { lastLine } from '../../runner/engine-failure.ts'
import type { Output, Runner } from '../../runner/runner.ts'
import { requireEngine } from '../../shell/engine.ts'
import { collectGarbage, readRegistryVolume } from '../../shell/local-registry.ts'
import { lines } from '../../shell/script.ts'
import { knownFailure } from './container.ts'

/** What the disk of the local registry knows and its API does not tell. */
export type Volume = {
  /** The port on which it answers. */
  port: number
  /** Bytes. */
  used: number | undefined
  /** When a tag was pushed, in milliseconds, by `REPOSITORY:TAG`. */
  pushed: ReadonlyMap<string, number>
  /** Every manifest, those included that have no tag any more. */
  revisions: readonly { repository: string; digest: string; at: number }[]
}

/** @throws JijiError nothing.running, name.taken, engine.* */
export async function readVolume(here: Runner, engine: Engine, signal: AbortSignal): Promise<Volume> {
  const output = await here.run(lines(requireEngine(engine), readRegistryVolume(engine)), { signal })
  if (output.code !== 0) throw failure(here, engine, output, 'read')
  const port = /^port (\d+)$/m.exec(output.stdout)?.[1]
  if (port === undefined) {
    throw new JijiError('nothing.running', 'the local registry does not run', { hint: 'jiji registry setup starts it' })
  }
  const tags = output.stdout.matchAll(/^tag (\d+) \.\/(.+)\/_manifests\/tags\/([^/]+)\/current\/link$/gm)
  const revisions = output.stdout.matchAll(
    /^revision (\d+) \.\/(.+)\/_manifests\/revisions\/(sha\d+)\/([0-9a-f]+)\/link$/gm,
  )
  return {
    port: Number(port),
    used: usedIn(output),
    pushed: new Map([...tags].map(([, at, repository, tag]) => [`${repository}:${tag}`, Number(at) * 1000])),
    revisions: [...revisions].map(([, at, repository = '', algorithm, hash]) => ({
      repository,
      digest: `${algorithm}:${hash}`,
      at: Number(at) * 1000,
    })),
  }
}

/**
 * Frees what no image refers to; the registry stops for as long as that takes.
 * @returns the bytes that are used afterwards, if that can be known
 * @throws JijiError engine.failed, name.taken
 */
export async function freeVolume(here: Runner, engine: Engine, signal: AbortSignal): Promise<number | undefined> {
  const output = await here.run(collectGarbage(engine), { signal })
  if (output.code !== 0) throw failure(here, engine, output, 'cleaned')
  return usedIn(output)
}

function usedIn({ stdout }: Output): number | undefined {
  const used = /^used (\d+)/m.exec(stdout)?.[1]
  return used === undefined ? undefined : Number(used) * 1024
}

function failure(here: Runner, engine: Engine, output: Output, what: string): JijiError {
  return (
    knownFailure(here, engine, output) ??
    new JijiError('engine.failed', `the disk of the local registry could not be ${what}: ${lastLine(output.stderr)}`)
  )
}
