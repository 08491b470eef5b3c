import type { Path } from '../document.ts'
import { at, isMap } from '../draft.ts'
import { parseDuration } from '../duration.ts'
import { eachKey, type Translation } from './translation.ts'

export function translateDeploy(translation: Translation, value: unknown, from: Path, to: Path): void {
  const text =
    (...key: string[]) =>
    (found: unknown, at: Path) =>
      translation.put([...to, ...key], found, at)
  const limits = { cpus: text('cpus'), memory: text('memory'), pids: text('options', 'pids-limit') }
  const reservations = { memory: text('options', 'memory-reservation'), devices: gpus(translation, to) }
  const nothing = 'jiji has no such limit'
  eachKey(
    translation,
    value,
    from,
    {
      replicas: text('replicas'),
      resources: (resources, at) =>
        eachKey(
          translation,
          resources,
          at,
          {
            limits: (found, place) => eachKey(translation, found, place, limits, nothing),
            reservations: (found, place) => eachKey(translation, found, place, reservations, 'jiji reserves nothing'),
          },
          nothing,
        ),
      restart_policy: 'write `restart`: no, always, unless-stopped or on-failure',
      update_config: 'write deploy.parallel, deploy.wait and stop_first',
      rollback_config: 'a failed release is put back: deploy.on_failure',
      placement: 'write `hosts`: the servers that it runs on',
      labels: 'write `labels`',
      mode: 'it runs on each of its `hosts`, with `replicas` on each',
      endpoint_mode: 'services of a server reach each other as SERVICE.PROJECT.jiji',
    },
    'jiji has no such key',
  )
}

function gpus(translation: Translation, to: Path) {
  return (value: unknown, from: Path) => {
    const [device, ...others] = Array.isArray(value) ? value : []
    const { capabilities, count, driver } = isMap(device) ? device : {}
    const isGpu = Array.isArray(capabilities) && capabilities.includes('gpu') && others.length === 0
    const isOurs = isGpu && (driver === undefined || driver === 'nvidia')
    if (isOurs) translation.put([...to, 'options', 'gpus'], count ?? 'all', from)
    else translation.leave(from, 'write `devices`, or `options: {gpus: all}`')
  }
}

/** How a service is found to be healthy: behind the proxy, the proxy asks it. */
export function healthcheck(translation: Translation, to: Path) {
  return (value: unknown, from: Path): void => {
    if (!isMap(value)) {
      translation.leave(from, 'a map was expected here')
      return
    }
    const isOff = value.disable === 'true' || (Array.isArray(value.test) && value.test[0] === 'NONE')
    if (isOff) {
      translation.put([...to, 'options', 'no-healthcheck'], 'true', from)
      return
    }
    const isProxied = at(translation.draft, [...to, 'proxy']) !== undefined
    if (isProxied) {
      translation.leave(from, 'the proxy asks the service itself: proxy.healthcheck.path')
      return
    }
    const command = commandIn(value.test)
    if (command === undefined) {
      translation.leave(from, 'without `test` the image says how it is checked')
      return
    }
    translation.put([...to, 'healthcheck', 'command'], command, [...from, 'test'])
    const duration = (key: string) => (text: unknown, place: Path) => {
      if (parseDuration(String(text)) === undefined)
        translation.leave(place, 'a duration such as 60s, 1m30s or 500ms was expected')
      else translation.put([...to, 'healthcheck', key], text, place)
    }
    const { test: _, disable: __, ...others } = value
    eachKey(
      translation,
      others,
      from,
      {
        interval: duration('interval'),
        timeout: duration('timeout'),
        retries: 'it is asked until healthcheck.deploy_timeout',
        start_period: 'it is asked until healthcheck.deploy_timeout',
        start_interval: 'it is asked every healthcheck.interval',
      },
      'a health check has no such key',
    )
  }
}

/** A list of words, or a text for the container's shell. */
function commandIn(test: unknown): string | string[] | undefined {
  if (typeof test === 'string') return test
  if (!Array.isArray(test)) return undefined
  const [kind, ...words] = test.filter(word => typeof word === 'string')
  if (kind === 'CMD-SHELL') return words.join(' ')
  return kind === 'CMD' && words.length > 0 ? words : undefined
}
