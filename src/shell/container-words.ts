import type { Service } from '../config/config.ts'
import { networkOwner } from '../config/shared-network.ts'
import { network } from './names.ts'
import type { Word } from './script.ts'

/**
 * Words of the engine's run for what a service asks of its container; the engines have the same.
 * @param joins the container whose network it shares
 */
export function containerWords(service: Service, joins?: string): Word[] {
  const { log, ulimits, user, memory, cpus, shm_size, options } = service
  return [
    ...['--network', networkOf(service, joins)],
    ...optional('--user', user),
    ...optional('--memory', memory),
    ...optional('--cpus', cpus),
    ...optional('--shm-size', shm_size),
    ...each('--ulimit', pairs(ulimits)),
    ...each('--cap-add', service.cap_add),
    ...each('--cap-drop', service.cap_drop),
    ...each('--device', service.devices),
    ...(service.privileged ? ['--privileged'] : []),
    ...each('--tmpfs', service.tmpfs),
    ...each('--add-host', service.extra_hosts),
    ...optional('--log-driver', log.driver),
    ...each('--log-opt', pairs(log.options)),
    // In one word with its name, so that no value can be taken for another option, and `true` stands for a flag.
    ...Object.entries(options).flatMap(([name, values]) => [values].flat().map(value => `--${name}=${value}`)),
  ]
}

function networkOf(service: Service, joins: string | undefined): string {
  if (networkOwner(service) === undefined) return service.network_mode === 'host' ? 'host' : network
  if (joins === undefined) throw new Error(`${service.name} has no container to share the network of`)
  return `container:${joins}`
}

/** Engines take one word as the entrypoint; the others come before the command. */
export function entrypointWords({ entrypoint }: Service): { options: Word[]; before: Word[] } {
  const [first, ...others] = entrypoint ?? []
  return first === undefined ? { options: [], before: [] } : { options: ['--entrypoint', first], before: others }
}

function optional(name: string, value: string | undefined): Word[] {
  return value === undefined ? [] : [name, value]
}

function each(name: string, values: readonly string[]): Word[] {
  return values.flatMap(value => [name, value])
}

function pairs(map: Readonly<Record<string, string>>): string[] {
  return Object.entries(map).map(([name, value]) => `${name}=${value}`)
}
