import type { Config, Server, Service } from '../../config/config.ts'
import type { OwnCertificates } from '../../config/own-certificates.ts'
import type { Selected } from '../../config/select.ts'
import { JijiError } from '../../errors.ts'
import type { Stored } from '../../registry/local/contents.ts'
import { containerName } from '../../shell/names.ts'
import type { Observation } from '../observe.ts'
import { buildsOf, pushedName } from './builds.ts'
import { movesOf } from './moves.ts'
import { heading, observationOf, type Plan, type ReplacementPlan, serverPlan } from './plan.ts'
import { proxyPlan } from './proxy.ts'
import { pruneOf, retireOf } from './prune.ts'
import { replacementOf } from './replacement.ts'
import { checkRootless } from './rootless.ts'
import { withRounds } from './rounds.ts'
import { seedOf } from './seed.ts'
import { withOwners } from './sharing.ts'

export type DeployRequest = {
  config: Config
  selected: Selected
  observations: readonly Observation[]
  release: string
  version: string
  /** What images are built for unless a server says otherwise. */
  builderArch: string
  /** The services' own certificates. */
  certificates?: OwnCertificates
  /** What the local registry has been found to hold. */
  stored?: readonly Stored[] | undefined
}

/**
 * @throws JijiError route.taken when another project on a server owns one of our host names
 * @throws JijiError name.taken when another project's service there has the names of one of ours
 * @throws JijiError engine.denied when a rootless Podman cannot do what a service asks
 * @throws JijiError config.invalid when images would be built for another architecture than a server has
 */
export function planDeploy(request: DeployRequest): Plan {
  const { config, selected, observations, release, version, builderArch, certificates, stored } = request
  const services = selected.services
  const builds = buildsOf(config, selected, version, builderArch)
  return withRounds(config, {
    ...heading('deploy', config, release, version),
    builds,
    servers: selected.servers.flatMap(server => {
      const observation = observationOf(observations, server)
      const own = services.filter(service => service.servers.includes(server.name))
      const serviceOf = (name: string) => own.find(one => one.name === name)
      const retire = retireOf(config, observation, own)
      if (own.length === 0 && retire.length === 0) return []
      if (own.some(({ build }) => build)) checkArch(server, observation, builderArch)
      checkNames(config, server, observation, own)
      const each = own.map(service => ({
        ...replacementOf(config, service, observation, release, version),
        ...pushedName(builds, service.name, server.arch ?? builderArch),
        ...hookOf(config, service, server, selected, release),
      }))
      const replacements = withOwners(config, observation, each, { serviceOf, retire })
      const proxy = proxyPlan(config, server, { observation, replacements, retire, certificates })
      checkRootless(config, server, observation, own, proxy)
      return {
        ...serverPlan(server, observation),
        ...seedOf(config, selected, server),
        ...proxy,
        replacements,
        ...(stored ? movesOf(config, server, replacements, { observations, version, stored }) : {}),
        retire,
        prune: pruneOf(config, observation, replacements, { retire }),
      }
    }),
  })
}

/** Once in a release: on the first of the servers that get the service now. */
function hookOf(
  config: Config,
  { name, hooks, servers }: Service,
  server: Server,
  selected: Selected,
  release: string,
): Pick<ReplacementPlan, 'hook'> {
  const first = selected.servers.find(one => servers.includes(one.name))
  if (!hooks.pre_deploy || first !== server) return {}
  return { hook: { container: `${containerName(config.scope, name, release)}-hook`, command: hooks.pre_deploy } }
}

/** Names of containers, volumes and hosts on the network begin with project and service: `shop-api` and `web` are one with `shop` and `api-web`. */
function checkNames({ scope }: Config, { name: server }: Server, { containers }: Observation, own: readonly Service[]) {
  const others = containers.filter(({ project }) => project !== scope)
  for (const { name } of own) {
    const other = others.find(({ project, service }) => `${project}-${service}` === `${scope}-${name}`)
    if (!other) continue
    const what = `${name} of ${scope} and ${other.service} of ${other.project} would have the same names there`
    throw new JijiError('name.taken', `${server}: ${what}: ${scope}-${name}`, {
      server,
      hint: 'give one of the two services another name',
    })
  }
}

function checkArch(server: Server, { engine }: Observation, builderArch: string): void {
  const actual = engine.arch.replace(/^linux\//, '')
  const built = server.arch ?? builderArch
  if (actual === '' || actual === built) return
  throw new JijiError('config.invalid', `${server.name} is ${actual}, and its images would be built for ${built}`, {
    server: server.name,
    hint: `write servers.${server.name}.arch: ${actual}`,
  })
}
