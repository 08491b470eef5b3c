import type { Service } from '../config/config.ts'
import { network } from './names.ts'
import type { Word } from './script.ts'

/** Words of the engine's run for what a service asks of its container; the engines have the same. */
export function containerWords(service: Service): Word[] {
  const { log, ulimits, user, memory, cpus, shm_size, options } = service
  return [
    ...['--network', service.network_mode === 'host' ? 'host' : network],
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
