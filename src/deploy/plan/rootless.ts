import type { Config, Server, Service } from '../../config/config.ts'
import { JijiError } from '../../errors.ts'
import type { Observation, Rootless } from '../observe.ts'
import { openPorts } from '../privileged-ports.ts'
import type { ServerPlan } from './plan.ts'

/** What cannot be, and what to do about it. */
type Obstacle = { what: string; hint: string }

/**
 * What a rootless Podman would refuse when it comes to it, or only warn of and leave out, is refused before anything changes.
 * @param services those that get new containers
 * @throws JijiError engine.denied
 */
export function checkRootless(
  { proxy: settings }: Config,
  { name: server }: Server,
  { rootless }: Observation,
  services: readonly Service[],
  { proxy }: Pick<ServerPlan, 'proxy'>,
): void {
  if (!rootless) return
  const obstacles = [
    ...(proxy === 'start' ? ofProxy(settings, rootless) : []),
    ...services.flatMap(service => [...ofPorts(service, rootless), ...ofLimits(service, rootless)]),
  ]
  if (obstacles.length === 0) return
  const whats = obstacles.map(({ what }) => what).join('; ')
  throw new JijiError('engine.denied', `${server}: Podman runs without root there, as ${rootless.user}: ${whats}`, {
    server,
    hint: [...new Set(obstacles.map(({ hint }) => hint))].join('\n'),
  })
}

function ofProxy({ http_port, https_port }: Config['proxy'], { firstPort }: Rootless): Obstacle[] {
  const low = [http_port, https_port].filter(port => port < firstPort)
  if (low.length === 0) return []
  return [
    {
      what: `the proxy may not listen on ${low.join(' and ')}, since ports below ${firstPort} are root's`,
      hint: openPorts(Math.min(...low), 'proxy.http_port and proxy.https_port'),
    },
  ]
}

function ofPorts({ name, ports }: Service, { firstPort }: Rootless): Obstacle[] {
  const low = ports.flatMap(port => hostPortOf(port) ?? []).filter(port => port < firstPort)
  if (low.length === 0) return []
  return [
    {
      what: `${name} may not listen on ${low.join(' and ')}, since ports below ${firstPort} are root's`,
      hint: openPorts(Math.min(...low), `services.${name}.ports`),
    },
  ]
}

/** 8080 in `8080:80` and `127.0.0.1:8080:80/udp`; none where the engine chooses. */
function hostPortOf(port: string): number | undefined {
  const [, onHost] = /(?:^|:)(\d+):\d+(?:\/\w+)?$/.exec(port) ?? []
  return onHost === undefined ? undefined : Number(onHost)
}

function ofLimits(service: Service, { limits, user }: Rootless): Obstacle[] {
  const { name } = service
  if (!limits) return []
  const wanted = limitsOf(service).filter(({ controller }) => !limits.controllers.includes(controller))
  if (wanted.length === 0) return []
  const keys = wanted.map(({ key }) => key).join(' and ')
  if (limits.cgroups === 'v1')
    return [
      {
        what: `${keys} of ${name} would be left out: resource limits are not supported on cgroups v1 rootless systems`,
        hint: `start that server with cgroups v2 (systemd.unified_cgroup_hierarchy=1), or take ${keys} out of services.${name}`,
      },
    ]
  const controllers = [...new Set(wanted.map(({ controller }) => controller))].join(' ')
  return [
    {
      what: `${keys} of ${name} cannot be had: the cgroup controller ${controllers} is not delegated to ${user}`,
      hint: `delegate it there: Delegate=${controllers} under [Service] in /etc/systemd/system/user@.service.d/delegate.conf, then sudo systemctl daemon-reload and log in anew; or take ${keys} out of services.${name}`,
    },
  ]
}

/** What a service limits, and the cgroup controller that does it. */
function limitsOf({ memory, cpus, options }: Service): { key: string; controller: string }[] {
  const keys = [
    ...(memory === undefined ? [] : [['memory', 'memory']]),
    ...(cpus === undefined ? [] : [['cpus', 'cpus']]),
    ...Object.keys(options).map(option => [`options.${option}`, option]),
  ]
  return keys.flatMap(([key = '', option = '']) => {
    const found = controllers.find(({ options: pattern }) => pattern.test(option))
    return found ? [{ key, controller: found.controller }] : []
  })
}

const controllers = [
  { controller: 'memory', options: /^memory/ },
  { controller: 'cpu', options: /^cpu(s$|-)/ },
  { controller: 'cpuset', options: /^cpuset-/ },
  { controller: 'pids', options: /^pids-limit$/ },
  { controller: 'io', options: /^(blkio-|device-(read|write)-)/ },
]
