import type { Engine } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Output, Runner } from '../runner/runner.ts'
import { requireEngine } from '../shell/engine.ts'
import { lines, sh } from '../shell/script.ts'
import { builderArch } from './builder-arch.ts'
import { limits } from './limits.ts'

/** Where images are built: this machine, or the one that `builder.remote` names. */
export type Builder = {
  runner: Runner
  isHere: boolean
  /** What it builds for when nothing else is said. */
  arch: string
}

/** The one that builds, and those that build for one architecture instead. */
export type Builders = { main: Builder; byArch: ReadonlyMap<string, Builder> }

/** @param platform such as linux/arm64; without one, what the main builder itself is */
export function builderFor({ main, byArch }: Builders, platform: string | undefined): Builder {
  return byArch.get(platform?.replace(/^linux\//, '') ?? '') ?? main
}

export function builderHere(runner: Runner): Builder {
  return { runner, isHere: true, arch: builderArch }
}

/**
 * A builder elsewhere, whose engine answers.
 * @throws JijiError engine.*
 */
export async function askBuilder(runner: Runner, engine: Engine, signal: AbortSignal): Promise<Builder> {
  const builder = { runner, isHere: false, arch: '' }
  const output = await runner.run(lines(requireEngine(engine), sh`echo "$version"`), { signal, timeout: limits.ask })
  if (output.code !== 0) {
    throw (
      builderFailure(builder, engine, output) ??
      new JijiError('engine.failed', `${runner.server}: ${lastLine(output.stderr)}`, { server: runner.server })
    )
  }
  const { arch } = JSON.parse(output.stdout) as { arch: string }
  return { ...builder, arch: arch.replace(/^linux\//, '') }
}

/** What its engine's exit statuses mean. A builder has no entry under `servers` to change. */
export function builderFailure({ runner, isHere }: Builder, engine: Engine, output: Output): JijiError | undefined {
  const failure = engineFailure(runner, engine, output)
  if (failure?.code !== 'engine.missing') return failure
  const where = isHere ? 'this machine' : runner.server
  return new JijiError('engine.missing', `${where}: ${engine} is not installed`, {
    ...(isHere ? {} : { server: runner.server }),
    hint: `install ${engine} there, or name the engine it has: builder.engine`,
  })
}
