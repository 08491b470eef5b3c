import type { Config, Engine } from '../../config/config.ts'
import type { Selected } from '../../config/select.ts'
import type { Observation } from '../observe.ts'
import { observationOf, type ServerPlan } from './plan.ts'
import { pruneOf } from './prune.ts'

/** What a server keeps beyond the releases that the project retains. */
export type Excess = { server: string; engine: Engine } & ServerPlan['prune']

/** What a deploy would take away, but nothing that runs: that is for a deploy to stop. */
export function excessOf(config: Config, { servers }: Selected, observations: readonly Observation[]): Excess[] {
  // A deploy leaves room for the release that it makes.
  const deploy = { ...config.deploy, retain: config.deploy.retain + 1 }
  return servers.map(server => {
    const observation = observationOf(observations, server)
    const { containers, images, releases, keep } = pruneOf({ ...config, deploy }, observation, [])
    const running = observation.containers.filter(one => one.project === config.scope && one.isRunning)
    const used = [...keep, ...running.map(({ image }) => image)]
    return {
      server: server.name,
      engine: server.engine,
      containers: containers.filter(name => !running.some(one => one.name === name)),
      images: images.filter(image => !used.includes(image)),
      releases,
      keep: [...new Set(used)],
    }
  })
}
