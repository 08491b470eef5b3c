import { readDocument } from '../document.ts'
import { type Draft, isMap } from '../draft.ts'
import { InvalidConfig } from '../problem.ts'
import type { ComposeService } from './compose-one.ts'
import { buildOrder, type Dependency } from './compose-order.ts'
import { translateService } from './compose-service.ts'
import { resolveVariables } from './compose-variables.ts'
import { fitName, freeName } from './names.ts'
import type { Setting } from './setting.ts'
import { eachKey, type Translation, translationOf } from './translation.ts'

/**
 * A Compose file as a configuration. All services go to the first server, where they find each other as they did.
 * @throws InvalidConfig when it is no YAML
 */
export function translateCompose(source: string, setting: Setting): Translation {
  const document = readDocument(setting.file, source)
  if (document.problems.length > 0) throw new InvalidConfig(document.problems)
  const translation = translationOf(document)
  const data = resolveVariables(translation, document.data)
  const project = projectOf(data, setting)
  translation.put(['project'], project, ['name'])
  translation.put(['servers'], setting.servers, [])

  const services = isMap(data.services) ? data.services : {}
  const names = nameServices(translation, services)
  const hosts = new Map([...names].map(([before, now]) => [before, `${now}.${project}.jiji`]))
  const dependencies: Dependency[] = []
  const whole: ComposeService = { setting, names, hosts, project, top: data, dependencies, proxied: { by: undefined } }
  for (const [before, name] of names) translateService(translation, services[before], { ...whole, before, name })

  const order = buildOrder(dependencies)
  if (order.length > 0) translation.put(['deploy', 'order'], order, ['services'])
  eachKey(translation, data, [], topKeys(translation), 'jiji has no such key')
  return translation
}

/** What is said of these is said where a service has them. */
const fileKeys = { file: '', environment: '', content: '', external: '', name: '' }

function projectOf({ name }: Draft, { project }: Setting): string {
  return (typeof name === 'string' ? fitName(name) : undefined) ?? project
}

function nameServices(translation: Translation, services: Draft): Map<string, string> {
  const names = new Map<string, string>()
  for (const [before, service] of Object.entries(services)) {
    const from = ['services', before]
    if (isMap(service) && Array.isArray(service.profiles)) {
      translation.leave(from, 'it is for some profiles only: write it as a service if servers are to run it')
      continue
    }
    const taken = [...names.values()]
    const name = freeName(fitName(before, 30) ?? 'service', one => taken.includes(one))
    if (name !== before) translation.change(from, `it is called ${name}: a name has small letters, digits, - and _`)
    names.set(before, name)
  }
  return names
}

function topKeys(translation: Translation) {
  const parts =
    (kind: string, rules: (name: string) => Record<string, string>) =>
    (value: unknown, from: readonly (string | number)[]) => {
      if (!isMap(value)) return
      for (const [name, part] of Object.entries(value))
        if (isMap(part)) eachKey(translation, part, [...from, name], rules(name), `a ${kind} has no such key here`)
    }
  return {
    name: '',
    version: '',
    services: '',
    networks: (value: unknown, from: readonly (string | number)[]) => {
      if (!isMap(value)) return
      for (const name of Object.keys(value))
        if (name !== 'default') translation.leave([...from, name], 'all services of a server are on one network')
    },
    volumes: parts('volume', name => ({
      external: `the volume that is there is not used: mount what it holds with /PATH:/TARGET, or copy it over`,
      name: `the volume of ${name} is named by jiji: PROJECT-SERVICE-${name}`,
      driver: 'volumes are the local ones of each server',
      driver_opts: 'mount it on the server itself, and write /PATH:/TARGET',
      labels: 'volumes have no labels',
    })),
    secrets: parts('secret', () => fileKeys),
    configs: parts('config', () => fileKeys),
    include: 'translate the other file too, and put both together',
    models: 'jiji starts no models',
  }
}
