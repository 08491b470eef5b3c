import type { Finding } from './issues.ts'
import type { Settings } from './schema.ts'

type Service = Settings['services'][string]

/** Options that Jiji gives itself, and what to write instead, where there is something. */
const own: Readonly<Record<string, string>> = {
  attach: '',
  cidfile: '',
  detach: '',
  entrypoint: 'entrypoint',
  env: 'environment',
  'env-file': 'environment',
  interactive: '',
  label: 'labels',
  'label-file': 'labels',
  name: '',
  net: 'network_mode',
  'net-alias': '',
  network: 'network_mode',
  'network-alias': '',
  pod: '',
  'pod-id-file': '',
  publish: 'ports',
  'publish-all': 'ports',
  pull: '',
  replace: '',
  restart: 'restart',
  rm: '',
  rmi: '',
  'stop-timeout': 'deploy.stop_timeout',
  volume: 'volumes',
}

/** Options that a key of the service gives as well. */
const keyOf: Readonly<Record<string, (service: Service) => boolean>> = {
  'add-host': ({ extra_hosts }) => extra_hosts.length > 0,
  'cap-add': ({ cap_add }) => cap_add.length > 0,
  'cap-drop': ({ cap_drop }) => cap_drop.length > 0,
  cpus: ({ cpus }) => cpus !== undefined,
  device: ({ devices }) => devices.length > 0,
  'log-driver': ({ log }) => log.driver !== undefined,
  'log-opt': ({ log }) => Object.keys(log.options).length > 0,
  memory: ({ memory }) => memory !== undefined,
  privileged: ({ privileged }) => privileged,
  'shm-size': ({ shm_size }) => shm_size !== undefined,
  tmpfs: ({ tmpfs }) => tmpfs.length > 0,
  ulimit: ({ ulimits }) => Object.keys(ulimits).length > 0,
  user: ({ user }) => user !== undefined,
}

/** An option must not undo what Jiji relies on, nor say once more what a key says. */
export function optionRules(path: string[], service: Service): Finding[] {
  return Object.keys(service.options).flatMap((name): Finding[] => {
    const at = { path: [...path, 'options', name], at: 'key', code: 'conflict' } as const
    if (Object.hasOwn(own, name)) {
      const hint = own[name] ? `write it as \`${own[name]}\`` : 'remove it'
      return [{ ...at, message: `jiji gives the option ${name} itself`, hint }]
    }
    if (Object.hasOwn(keyOf, name) && keyOf[name]?.(service))
      return [{ ...at, message: `the option ${name} is given twice`, hint: 'a key of the service gives it already' }]
    return []
  })
}
