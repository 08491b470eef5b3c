import type { Config } from '../config/config.ts'
import { ownCertificates } from '../config/own-certificates.ts'
import { networkOwner } from '../config/shared-network.ts'
import { type Observation, observeAll } from '../deploy/observe.ts'
import { nextRelease } from '../deploy/plan/release-id.ts'
import { planRestart } from '../deploy/plan/restart.ts'
import { JijiError } from '../errors.ts'
import type { Context } from './context.ts'
import { loadProject, selectWithSharers } from './project.ts'
import { namingSkipped, withReached } from './reached.ts'
import { rehearse } from './rehearse.ts'
import { confirmPlan, isAsked, release } from './release.ts'
import { gatherSecrets, partsOf } from './secrets.ts'

/** Replaces what runs by new containers of the same images, in other numbers if that is asked for. */
export async function restart(
  context: Context,
  services: readonly string[] | undefined,
  replicas?: ReadonlyMap<string, number>,
): Promise<void> {
  const { options, output, signal } = context
  const config = loadProject(context)
  const selected = selectWithSharers(config, context, services)
  for (const name of replicas?.keys() ?? []) requireOwnNetwork(config, name)
  const unbuilt = selected.services.map(({ build: _, ...service }) => service)
  const secrets = await gatherSecrets(context, config, partsOf(config, { ...selected, services: unbuilt }))
  const certificates = ownCertificates(config, secrets)
  await withReached(context, config, secrets, selected, async reached => {
    const { runners } = reached
    const planFrom = (observations: readonly Observation[]) => {
      const release = nextRelease(observations, new Date())
      const request = { config, selected: reached.selected, observations, certificates, release }
      return namingSkipped(planRestart({ ...request, ...(replicas ? { replicas } : {}) }), reached)
    }
    if (options.flag('dry-run')) return rehearse(context, config, secrets, runners, planFrom)
    if (isAsked(context)) await confirmPlan(context, planFrom(await observeAll(config, runners, signal)))
    await release(context, { config, secrets, runners }, planFrom, async () => new Map())
  })
  for (const { name, replicas: configured } of selected.services) {
    const count = replicas?.get(name)
    if (count !== undefined && count !== configured)
      output.warn(`${name} has ${count} replicas until the next deploy: deploy.yml says ${configured}`)
  }
}

/** Several containers could not share the network of one, nor one that of several. */
function requireOwnNetwork({ services }: Config, name: string): void {
  const sharer = services.find(one => one.name === name || networkOwner(one) === name)
  const owner = networkOwner(sharer)
  if (sharer === undefined || owner === undefined) return
  throw new JijiError('usage', `${sharer.name} shares the network of one container of ${owner}: there is one of each`, {
    hint: `remove services.${sharer.name}.network_mode first`,
  })
}
