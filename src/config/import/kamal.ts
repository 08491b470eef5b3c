import { type Document, type Path, readDocument } from '../document.ts'
import { type Draft, isMap, put } from '../draft.ts'
import { InvalidConfig } from '../problem.ts'
import { translateAccessory } from './kamal-accessory.ts'
import { translateBuilder } from './kamal-builder.ts'
import { translateEnv } from './kamal-env.ts'
import type { Kamal } from './kamal-project.ts'
import { proxyRun } from './kamal-proxy.ts'
import { translateRegistry } from './kamal-registry.ts'
import { translateRole } from './kamal-role.ts'
import { nameServers, readRoles } from './kamal-servers.ts'
import { translateSsh } from './kamal-ssh.ts'
import { seconds, withoutRuby } from './kamal-values.ts'
import { fitName, freeName } from './names.ts'
import type { Setting } from './setting.ts'
import { eachKey, inOrder, type Rules, type Translation, translationOf } from './translation.ts'

/**
 * Kamal's config/deploy.yml as a configuration: each role and each accessory is a service.
 * @throws InvalidConfig when it is no YAML
 */
export function translateKamal(source: string, setting: Setting): Translation {
  const document = readDocument(setting.file, source)
  if (document.problems.length > 0) throw new InvalidConfig(withAdvice(document, source))
  const translation = translationOf(document)
  const top = withoutRuby(translation, document.data)
  const project = (typeof top.service === 'string' ? fitName(top.service) : undefined) ?? setting.project
  if (project !== top.service) translation.change(['service'], `the project is called ${project}`)
  translation.put(['project'], project, ['service'])
  translateRegistry(translation, top)
  translateBuilder(translation, top)
  translateSsh(translation, top.ssh, ['ssh'])

  const roles = readRoles(translation, top)
  const accessories = isMap(top.accessories) ? top.accessories : {}
  const servers = nameServers(translation, roles, top, setting)
  const hosts = new Map(
    Object.entries(accessories).map(([name, one]) => {
      const known = isMap(one) && typeof one.service === 'string' ? one.service : `${String(top.service)}-${name}`
      return [known, `${fitName(name, 30) ?? name}.${project}.jiji`]
    }),
  )
  const kamal: Kamal = { setting, top, roles, servers, hosts }
  if (!isMap(top.accessories)) translateEnv(translation, top.env, ['env'], ['environment'], kamal)
  for (const role of roles) translateRole(translation, role, ['services', role.name], kamal)
  for (const [before, accessory] of Object.entries(accessories)) {
    const taken = Object.keys(isMap(translation.draft.services) ? translation.draft.services : {})
    const name = freeName(fitName(before, 30) ?? 'service', one => taken.includes(one))
    translateAccessory(translation, accessory, { before, name }, kamal)
  }
  for (const [name, service] of Object.entries(isMap(translation.draft.services) ? translation.draft.services : {}))
    put(translation.draft, ['services', name], inOrder(service as Draft))
  eachKey(translation, top, [], topKeys(translation), 'jiji has no such key')
  return translation
}

function topKeys(translation: Translation): Rules {
  const to = (key: string) => (value: unknown, from: Path) => translation.put(['deploy', key], seconds(value), from)
  const own = [
    'service',
    'image',
    'servers',
    'env',
    'registry',
    'builder',
    'ssh',
    'accessories',
    'volumes',
    'labels',
    'logging',
    'primary_role',
  ]
  return {
    ...Object.fromEntries(own.map(key => [key, ''])),
    proxy: (value, from) => {
      if (isMap(value) && value.run !== undefined) proxyRun(translation, value.run, [...from, 'run'])
    },
    retain_containers: (value, from) => translation.put(['deploy', 'retain'], value, from),
    drain_timeout: to('drain_timeout'),
    stop_timeout: to('stop_timeout'),
    readiness_delay: to('settle'),
    deploy_timeout: '',
    boot: (value, from) =>
      eachKey(
        translation,
        value,
        from,
        {
          limit: (limit, place) => translation.put(['deploy', 'parallel'], limit, place),
          wait: (wait, place) => translation.put(['deploy', 'wait'], seconds(wait), place),
          parallel_roles: 'services are replaced one after the other on a server: deploy.order',
        },
        'a rollout has no such key',
      ),
    aliases: 'there are no aliases: write a script, or a function of your shell',
    asset_path: 'files of earlier releases are not kept: serve them with a fingerprint from a volume or elsewhere',
    error_pages_path: 'the proxy has no error pages of yours',
    hooks_path: 'hooks are in .jiji/hooks, and are told JIJI_… instead of KAMAL_…',
    hooks_output: 'what a hook writes is shown',
    secrets_path: 'secrets are looked up in the environment, .env.ENVIRONMENT and .env',
    require_destination: 'a project without a base file needs -e: keep deploy.ENVIRONMENT.yml alone',
    allow_empty_roles: 'a service runs on one server at least',
    minimum_version: 'pin the version where jiji is installed',
    run_directory: 'a project has /var/lib/jiji/PROJECT on its servers',
    sshkit: 'connections are limited and tried again without being told to',
    output: 'jiji deploy --report FILE writes how it went',
  }
}

/** Ruby between the lines is what keeps such a file from being YAML. */
function withAdvice({ problems }: Document, source: string): Document['problems'] {
  if (!/<%/.test(source)) return problems
  const hint = 'Ruby (<% … %>) is not run here: write what it makes, or the names of secrets, and try again'
  return problems.map((problem, index) => (index === 0 ? { ...problem, hint } : problem))
}
