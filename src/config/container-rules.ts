import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from './issues.ts'
import { optionRules } from './option-rules.ts'
import type { Settings } from './schema.ts'
import { sharedNetworkRules } from './shared-network-rules.ts'

type Service = Settings['services'][string]

const largestFile = 1024 * 1024

/** How the keys of a service's container must agree with each other, with its servers' engines, and with the disk. */
export function containerRules(settings: Settings, root: string): Finding[] {
  return Object.entries(settings.services).flatMap(([name, service]) => {
    const path = ['services', name]
    return [
      ...hostNetwork(path, service),
      ...sharedNetworkRules(name, service, settings),
      ...healthRules(path, service),
      ...logRules(path, service, settings),
      ...optionRules(path, service),
      ...service.files.flatMap((file, index) => fileRules([...path, 'files', index], join(root, file.local), root)),
      ...targetRules(path, service),
    ]
  })
}

/** On the server's own network there is no other port to give, and no name by which the proxy could find it. */
function hostNetwork(path: string[], service: Service): Finding[] {
  if (service.network_mode !== 'host') return []
  const conflict = (key: string, message: string, hint: string): Finding => ({
    path: [...path, key],
    at: 'key',
    code: 'conflict',
    message,
    hint,
  })
  const other = 'remove it, or remove `network_mode`'
  if (service.proxy) return [conflict('proxy', 'the proxy does not reach the network of the server', other)]
  if (service.ports.length > 0)
    return [conflict('ports', 'with network_mode: host every port is one of the server', other)]
  const two = 'on the network of the server two containers would want the same ports'
  if (service.replicas > 1) return [conflict('replicas', two, other)]
  if (!service.stop_first)
    return [conflict('network_mode', two, 'add stop_first: true (a short gap), or remove `network_mode`')]
  return []
}

function healthRules(path: string[], { healthcheck, proxy }: Service): Finding[] {
  if (!healthcheck) return []
  if (proxy) {
    return [
      {
        path: [...path, 'healthcheck'],
        at: 'key',
        code: 'conflict',
        message: 'a service behind the proxy is asked through it',
        hint: 'write it as proxy.healthcheck, or remove it',
      },
    ]
  }
  if (healthcheck.command) return []
  return (['interval', 'timeout'] as const)
    .filter(key => healthcheck[key] !== undefined)
    .map(key => ({
      path: [...path, 'healthcheck', key],
      at: 'key',
      code: 'conflict',
      message: `${key} is that of a command, and there is none`,
      hint: 'add `command`; the HEALTHCHECK of an image has its own',
    }))
}

/** Drivers that one engine alone has; Docker has others by its plugins. */
const logDrivers = {
  podman: ['json-file', 'k8s-file', 'journald', 'none', 'passthrough', 'passthrough-tty'],
  dockerHasNot: ['k8s-file', 'passthrough', 'passthrough-tty'],
}

function logRules(path: string[], { log: { driver }, hosts }: Service, settings: Settings): Finding[] {
  if (driver === undefined) return []
  const lacking = hosts.find(host => {
    const engine = settings.servers[host]?.engine ?? settings.builder.engine
    return engine === 'podman' ? !logDrivers.podman.includes(driver) : logDrivers.dockerHasNot.includes(driver)
  })
  if (lacking === undefined) return []
  const engine = settings.servers[lacking]?.engine ?? settings.builder.engine
  const hint = engine === 'podman' ? logDrivers.podman.join(', ') : 'json-file, local, journald, syslog and others'
  const message = `${lacking} runs ${engine}, which has no log driver ${driver}`
  return [{ path: [...path, 'log', 'driver'], at: 'value', code: 'conflict', message, hint: `${engine} has ${hint}` }]
}

function fileRules(path: (string | number)[], file: string, root: string): Finding[] {
  const found = statSync(file, { throwIfNoEntry: false })
  if (!found?.isFile()) {
    const message = `there is no file ${file}`
    return [{ path, at: 'value', code: 'missing-file', message, hint: `paths are relative to ${root}` }]
  }
  if (found.size <= largestFile) return []
  const message = `${file} has ${(found.size / largestFile).toFixed(1)} MiB; a file may have 1 MiB`
  return [{ path, at: 'value', code: 'wrong-value', message, hint: 'put it into the image, or into a directory' }]
}

/** One place in the container cannot hold two things; engines say so only when everything has been stopped for them. */
function targetRules(path: string[], { volumes, files, directories, tmpfs }: Service): Finding[] {
  const targets = [
    ...volumes.map((volume, index) => ({ at: ['volumes', index], target: volume.split(':')[1] ?? '' })),
    ...files.map(({ remote }, index) => ({ at: ['files', index], target: remote })),
    ...directories.map(({ remote }, index) => ({ at: ['directories', index], target: remote })),
    ...tmpfs.map((place, index) => ({ at: ['tmpfs', index], target: place.split(':')[0] ?? '' })),
  ]
  const bare = (target: string) => target.replace(/\/+$/, '')
  return targets.flatMap(({ at, target }, index): Finding[] => {
    const isTaken = targets.slice(0, index).some(other => bare(other.target) === bare(target))
    if (!isTaken) return []
    const message = `something else stands at ${target} already`
    return [{ path: [...path, ...at], at: 'value', code: 'conflict', message }]
  })
}
