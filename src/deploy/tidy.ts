import type { Config } from '../config/config.ts'
import { tidyBuilt } from '../shell/builder-images.ts'
import { lines } from '../shell/script.ts'
import type { Builder, Builders } from './builder.ts'
import { limits } from './limits.ts'
import { imagesOf } from './plan/builds.ts'
import type { Plan } from './plan/plan.ts'

type Tidying = { config: Config; builders: Builders; builds: Plan['builds']; signal: AbortSignal }

/**
 * Keeps on the machines that build as many versions of each image as are retained on servers. A machine that is a server too
 * is left alone: there the releases on record say what stays. @returns the images that are gone
 */
export async function tidyBuilders({ config, builders, builds, signal }: Tidying): Promise<string[]> {
  const scripts = builds.flatMap(build => {
    const keep = imagesOf(build).map(({ name }) => name)
    const repositories = new Set(keep.map(name => name.replace(/:[^:/]*$/, '')))
    const others = (config.deploy.retain - 1) * keep.length
    return [...repositories].map(repository =>
      tidyBuilt(config.builder.engine, config.scope, { repository, keep, others }),
    )
  })
  if (scripts.length === 0) return []
  const all = [builders.main, ...builders.byArch.values()].filter(builder => !isServer(config, builder))
  const said = all.map(async ({ runner }) => {
    const { stdout } = await runner.run(lines(...scripts), { signal, timeout: limits.ask })
    return [...stdout.matchAll(/^gone (.+)$/gm)].map(([, name = '']) => name)
  })
  const done = await Promise.allSettled(said)
  return done.flatMap(one => (one.status === 'fulfilled' ? one.value : []))
}

function isServer({ servers, builder }: Config, { isHere }: Builder): boolean {
  const elsewhere = [builder.remote, ...Object.values(builder.remotes)].flatMap(one => one?.host ?? [])
  return servers.some(({ host }) => (isHere ? host === 'local' : elsewhere.includes(host)))
}
