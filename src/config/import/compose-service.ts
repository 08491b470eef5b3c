import type { Path } from '../document.ts'
import { at, type Draft, isMap, put } from '../draft.ts'
import { translateBuild } from './compose-build.ts'
import { healthcheck, translateDeploy } from './compose-deploy.ts'
import { translateEnvFiles, translateEnvironment } from './compose-environment.ts'
import { mountSecrets, translateVolumes } from './compose-mounts.ts'
import type { One } from './compose-one.ts'
import { optionKeys } from './compose-options.ts'
import { translatePorts } from './compose-ports.ts'
import { putLogging } from './logging.ts'
import { eachKey, inOrder, onlyKeys, pairsIn, type Rules, type Translation, textsIn } from './translation.ts'
import { splitWords } from './words.ts'

export function translateService(translation: Translation, service: unknown, one: One): void {
  const from = ['services', one.before]
  const to = ['services', one.name]
  const own = isMap(service) ? service : {}
  if (own.build === undefined && own.image === undefined) {
    translation.leave(from, own.extends ? 'copy here what it extends, and translate again' : 'it has no image')
    return
  }
  const server = Object.keys(one.setting.servers)[0] ?? ''
  if (own.build === undefined) translation.put([...to, 'image'], own.image, [...from, 'image'])
  else translateBuild(translation, own.build, [...from, 'build'], [...to, 'build'], one)
  translation.put([...to, 'hosts'], [server], from)
  translateEnvFiles(translation, own.env_file, [...from, 'env_file'], to, one)
  translateEnvironment(translation, own.environment, [...from, 'environment'], to, one)
  translatePorts(translation, own, from, to, one)
  translateVolumes(translation, own, from, to, one)
  mountSecrets(translation, own, from, to, one)
  eachKey(translation, own, from, serviceKeys(translation, own, to, one), 'jiji has no such key')
  // Two of them must not have the same data open.
  const keeps = ['volumes', 'directories'].some(key => at(translation.draft, [...to, key]) !== undefined)
  if (own.build === undefined && keeps) translation.put([...to, 'stop_first'], 'true', [...from, 'volumes'])
  put(translation.draft, to, inOrder(at(translation.draft, to) as Draft))
}

function serviceKeys(translation: Translation, own: Draft, to: Path, one: One): Rules {
  const words = (key: string) => (value: unknown, from: Path) => {
    const found =
      typeof value === 'string' ? splitWords(value) : textsIn(translation, value, from).map(({ text }) => text)
    if (!found) {
      translation.leave(from, 'a quote in it is not closed')
      return
    }
    if (found.length > 0) translation.put([...to, key], found, from)
  }
  const text = (key: string) => (value: unknown, from: Path) => translation.put([...to, key], value, from)
  const list = (key: string) => (value: unknown, from: Path) => {
    for (const item of textsIn(translation, value, from)) translation.append([...to, key], item.text, item.from)
  }
  const pairs = (key: string) => (value: unknown, from: Path) => {
    for (const { name, text: value_, from: at_ } of pairsIn(translation, value, from)) {
      if (/^(traefik|caddy)\b/.test(name)) translation.leave(at_, 'routes are those of jiji: write `proxy`')
      else translation.put([...to, key, name], value_ ?? '', at_)
    }
  }
  return {
    ...Object.fromEntries(
      ['build', 'environment', 'env_file', 'ports', 'volumes', 'secrets', 'configs'].map(key => [key, '']),
    ),
    image: own.build === undefined ? '' : 'an image that is built is named by jiji',
    expose: '',
    profiles: '',
    command: words('command'),
    entrypoint: words('entrypoint'),
    user: text('user'),
    privileged: text('privileged'),
    shm_size: text('shm_size'),
    mem_limit: text('memory'),
    cpus: text('cpus'),
    scale: text('replicas'),
    cap_add: list('cap_add'),
    cap_drop: list('cap_drop'),
    tmpfs: list('tmpfs'),
    labels: pairs('labels'),
    devices: devices(translation, to),
    extra_hosts: extraHosts(translation, to),
    ulimits: ulimits(translation, to),
    logging: (value, from) => putLogging(translation, value, from, to),
    restart: restart(translation, to),
    network_mode: networkMode(translation, to, one),
    healthcheck: healthcheck(translation, to),
    deploy: (value, from) => translateDeploy(translation, value, from, to),
    depends_on: dependsOn(translation, one),
    networks: networks(translation),
    ...optionKeys(translation, to),
    container_name: 'containers are named by jiji, which has several of a service at once',
    links: `services of a server reach each other as SERVICE.${one.project}.jiji`,
    external_links: 'services of one project reach each other as SERVICE.PROJECT.jiji',
    extends: 'copy here what it extends',
    pull_policy: 'an image is pulled once per release, by its digest',
    platform: 'write `arch` at the server: amd64 or arm64',
    stop_grace_period: 'write deploy.stop_timeout, for all services',
    develop: 'it is for a laptop',
    attach: 'jiji logs shows what services write',
    stdin_open: 'jiji run -i has a terminal',
    tty: 'jiji run -i has a terminal',
    post_start: 'there is no hook in a container that runs; hooks.pre_deploy runs once before it',
    pre_stop: 'the process is sent a signal, and has deploy.stop_timeout',
    provider: 'jiji runs containers only',
    models: 'jiji starts no models',
    label_file: 'write the labels themselves',
  }
}

function devices(translation: Translation, to: Path) {
  return (value: unknown, from: Path) => {
    for (const [index, item] of (Array.isArray(value) ? value : []).entries()) {
      onlyKeys(translation, item, [...from, index], ['source', 'target', 'permissions'])
      const { source, target, permissions } = isMap(item) ? item : {}
      const text = isMap(item)
        ? [source, target ?? source, permissions].filter(one => one !== undefined).join(':')
        : item
      translation.append([...to, 'devices'], text, [...from, index])
    }
  }
}

function extraHosts(translation: Translation, to: Path) {
  return (value: unknown, from: Path) => {
    if (!isMap(value)) {
      for (const { text, from: at_ } of textsIn(translation, value, from))
        translation.append([...to, 'extra_hosts'], text.replace('=', ':'), at_)
      return
    }
    for (const [name, addresses] of Object.entries(value))
      for (const { text, from: at_ } of textsIn(translation, addresses, [...from, name]))
        translation.append([...to, 'extra_hosts'], `${name}:${text}`, at_)
  }
}

function ulimits(translation: Translation, to: Path) {
  return (value: unknown, from: Path) => {
    for (const [name, limit] of Object.entries(isMap(value) ? value : {})) {
      onlyKeys(translation, limit, [...from, name], ['soft', 'hard'])
      const text = isMap(limit) ? `${limit.soft ?? limit.hard}:${limit.hard ?? limit.soft}` : limit
      translation.put([...to, 'ulimits', name], text, [...from, name])
    }
  }
}

function restart(translation: Translation, to: Path) {
  return (value: unknown, from: Path) => {
    const [policy, count] = String(value).split(':')
    translation.put([...to, 'restart'], policy, from)
    if (count !== undefined) translation.change(from, 'it is restarted any number of times')
  }
}

function networkMode(translation: Translation, to: Path, { names }: One) {
  return (value: unknown, from: Path) => {
    const [, other] = /^service:(.*)$/.exec(String(value)) ?? []
    translation.put([...to, 'network_mode'], other === undefined ? value : `service:${names.get(other) ?? other}`, from)
    if (value !== 'host') return
    translation.put([...to, 'stop_first'], 'true', from)
    translation.change(from, 'stop_first goes with it: two containers would want the same ports')
  }
}

function dependsOn(translation: Translation, { names, name, dependencies }: One) {
  return (value: unknown, from: Path) => {
    const needed = isMap(value) ? Object.keys(value) : textsIn(translation, value, from).map(({ text }) => text)
    for (const [other, settings] of Object.entries(isMap(value) ? value : {})) {
      onlyKeys(translation, settings, [...from, other], ['condition', 'required', 'restart'])
      if (isMap(settings) && settings.condition === 'service_completed_successfully')
        translation.leave([...from, other], 'what runs once before a release is hooks.pre_deploy of the service')
    }
    for (const other of needed) if (!names.has(other)) translation.leave(from, `the service ${other} is not translated`)
    dependencies.push({ service: name, needs: needed.flatMap(other => names.get(other) ?? []) })
  }
}

function networks(translation: Translation) {
  return (value: unknown, from: Path) => {
    const names = isMap(value) ? Object.keys(value) : textsIn(translation, value, from).map(({ text }) => text)
    if (names.some(name => name !== 'default')) translation.leave(from, 'all services of a server are on one network')
  }
}
