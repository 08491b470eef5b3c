import type { Path } from '../document.ts'
import { at, isMap } from '../draft.ts'
import { seconds } from './kamal-values.ts'
import { eachKey, type Rules, type Translation, textsIn } from './translation.ts'

/** What leads to a service, from one or two maps, of which the later wins. */
export function translateProxy(
  translation: Translation,
  parts: readonly { value: unknown; from: Path }[],
  to: Path,
  { domain, deployTimeout }: { domain: string | undefined; deployTimeout: unknown },
): void {
  const maps = parts.filter(({ value }) => isMap(value))
  const key = (name: string) => maps.findLast(({ value }) => isMap(value) && value[name] !== undefined)
  const place = maps.at(-1)?.from ?? parts.at(-1)?.from ?? []
  const port = key('app_port')
  translation.put([...to, 'app_port'], at(port?.value, ['app_port']) ?? '80', [...(port?.from ?? place), 'app_port'])
  for (const { value, from } of maps) {
    const own = Object.fromEntries(
      Object.entries(isMap(value) ? value : {}).filter(([name]) => key(name)?.from === from),
    )
    eachKey(translation, own, from, proxyKeys(translation, to), 'the proxy has no such key')
  }
  if (at(translation.draft, [...to, 'hosts']) === undefined) {
    translation.put([...to, 'hosts'], [domain ?? 'app.example.com'], place)
    if (domain === undefined)
      translation.change(place, 'the proxy goes by host names: write yours in the place of app.example.com')
  }
  if (key('ssl') === undefined && key('forward_headers') === undefined && maps.length > 0) {
    translation.put([...to, 'forward_headers'], 'true', place)
    translation.change(place, 'without ssl, X-Forwarded-… headers are passed on as they were: forward_headers')
  }
  if (deployTimeout !== undefined)
    translation.put([...to, 'healthcheck', 'deploy_timeout'], seconds(deployTimeout), ['deploy_timeout'])
  asTargets(translation, to)
}

function proxyKeys(translation: Translation, to: Path): Rules {
  const text =
    (...key: string[]) =>
    (value: unknown, from: Path) =>
      translation.put([...to, ...key], seconds(value), from)
  const hosts = (value: unknown, from: Path) => {
    for (const item of textsIn(translation, value, from))
      for (const host of item.text.split(',')) translation.append([...to, 'hosts'], host.trim(), item.from)
  }
  const prefixes = (value: unknown, from: Path) => {
    const all = textsIn(translation, value, from).flatMap(item => item.text.split(','))
    const found = all.map(one => `/${one.trim().replace(/^\/+|\/+$/g, '')}`).filter(one => one !== '/')
    if (found.length > 0) translation.put([...to, 'path_prefix'], found.length === 1 ? found[0] : found, from)
  }
  const nothing = 'requests and answers are not buffered'
  return {
    app_port: '',
    run: '',
    host: hosts,
    hosts,
    ssl: (value, from) => translation.put([...to, 'ssl'], value, from),
    ssl_redirect: (value, from) => translation.put([...to, 'ssl_redirect'], value, from),
    forward_headers: (value, from) => translation.put([...to, 'forward_headers'], value, from),
    response_timeout: text('response_timeout'),
    path_prefix: prefixes,
    path_prefixes: prefixes,
    strip_path_prefix: (value, from) => translation.put([...to, 'strip_path_prefix'], value, from),
    healthcheck: (value, from) =>
      eachKey(
        translation,
        value,
        from,
        {
          path: (path, place) => translation.put([...to, 'healthcheck', 'path'], path, place),
          interval: text('healthcheck', 'interval'),
          timeout: text('healthcheck', 'timeout'),
        },
        'a health check has no such key',
      ),
    buffering: (value, from) =>
      eachKey(
        translation,
        value,
        from,
        {
          max_request_body: (size, place) => {
            if (size !== '0') translation.put([...to, 'max_request_body'], size, place)
          },
        },
        nothing,
      ),
    logging: 'jiji proxy logs has no choice of headers',
  }
}

/** Several prefixes are several targets, that are alike otherwise. */
function asTargets({ draft }: Translation, to: Path): void {
  const proxy = at(draft, to)
  if (!isMap(proxy) || !Array.isArray(proxy.path_prefix)) return
  const { path_prefix: prefixes, ...rest } = proxy
  for (const key of Object.keys(proxy)) delete proxy[key]
  proxy.targets = prefixes.map(path_prefix => ({ ...rest, path_prefix }))
}

/** How the proxy itself runs. */
export function proxyRun(translation: Translation, value: unknown, from: Path): void {
  eachKey(
    translation,
    value,
    from,
    {
      http_port: (port, place) => translation.put(['proxy', 'http_port'], port, place),
      https_port: (port, place) => translation.put(['proxy', 'https_port'], port, place),
      registry: 'the proxy is Caddy: proxy.image',
      repository: 'the proxy is Caddy: proxy.image',
      version: 'the proxy is Caddy: proxy.image',
    },
    'the proxy has no such option',
  )
}
