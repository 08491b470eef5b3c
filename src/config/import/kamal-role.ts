import type { Path } from '../document.ts'
import { at, isMap } from '../draft.ts'
import { putBuild } from './kamal-builder.ts'
import { containerKeys, putLabels, putVolumes } from './kamal-container.ts'
import { translateEnv } from './kamal-env.ts'
import type { Kamal, Role } from './kamal-project.ts'
import { translateProxy } from './kamal-proxy.ts'
import { seconds } from './kamal-values.ts'
import { putLogging } from './logging.ts'
import { eachKey, type Translation } from './translation.ts'

/** A role is a service of the image that all roles share; what it says itself wins over what holds for all. */
export function translateRole(translation: Translation, role: Role, to: Path, kamal: Kamal): void {
  const { top, servers, setting } = kamal
  const { own, from } = role
  const names = role.hosts.flatMap(({ address }) => servers.get(address) ?? [])
  putBuild(translation, top.builder, [...to, 'build'])
  translation.put([...to, 'hosts'], [...new Set(names.length > 0 ? names : Object.keys(setting.servers))], from)
  const environment = [...to, 'environment']
  if (isMap(top.accessories)) translateEnv(translation, top.env, ['env'], environment, kamal)
  translateEnv(translation, own.env, [...from, 'env'], environment, kamal)
  putVolumes(translation, top.volumes, ['volumes'], to)
  putLabels(translation, top.labels, ['labels'], to)
  if (own.logging === undefined) putLogging(translation, top.logging, ['logging'], to)
  roleProxy(translation, role, to, kamal)
  eachKey(
    translation,
    own,
    from,
    {
      ...containerKeys(translation, to),
      hosts: '',
      env: '',
      proxy: '',
      stop_timeout: 'write deploy.stop_timeout, for all services',
      asset_path: 'files of earlier releases are not kept: serve them with a fingerprint from a volume or elsewhere',
    },
    'a service has no such key',
  )
}

/** The primary role has the proxy unless it says no; others have it if they say so. */
function roleProxy(translation: Translation, { own, from, isPrimary }: Role, to: Path, kamal: Kamal): void {
  const { top, setting } = kamal
  const { proxy } = own
  const isProxied = proxy === undefined ? isPrimary && top.proxy !== 'false' : proxy !== 'false'
  const deployTimeout = top.deploy_timeout
  if (isProxied) {
    const parts = [
      { value: top.proxy, from: ['proxy'] },
      ...(isMap(proxy) ? [{ value: proxy, from: [...from, 'proxy'] }] : []),
    ]
    translateProxy(translation, parts, [...to, 'proxy'], { domain: setting.domain, deployTimeout })
  } else if (deployTimeout !== undefined && at(translation.draft, [...to, 'healthcheck']) === undefined) {
    translation.put([...to, 'healthcheck', 'deploy_timeout'], seconds(deployTimeout), ['deploy_timeout'])
  }
}
