import type { Path } from '../document.ts'
import { type Draft, isMap } from '../draft.ts'
import type { One } from './compose-one.ts'
import { isLocalName } from './names.ts'
import { leaveItem, onlyKeys, type Translation, textsIn } from './translation.ts'

type Port = { ip: string; published: string; target: string; protocol: string; from: Path }

/**
 * What is published on port 80, or by a service that is built where a domain is known, is served by the proxy; other ports
 * stay, and a fixed one can be held by one container only.
 */
export function translatePorts(translation: Translation, own: Draft, from: Path, to: Path, one: One): void {
  const ports = portsIn(translation, own.ports, [...from, 'ports'])
  const onHost = own.network_mode === 'host'
  const web = onHost ? undefined : webPort(ports, own, one)
  if (web) {
    one.proxied.by = one.name
    const domain = one.setting.domain ?? 'app.example.com'
    const proxy = { app_port: web.target, hosts: [domain], ...(isLocalName(domain) ? {} : { ssl: 'true' }) }
    translation.put([...to, 'proxy'], { ...proxy, healthcheck: { path: '/' } }, web.from)
    const named = one.setting.domain ? '' : ': put its domain in the place of app.example.com'
    translation.change(web.from, `jiji's proxy serves it${named}`)
  }
  for (const port of ports) {
    if (port === web) continue
    if (onHost) translation.leave(port.from, 'with network_mode: host every port is one of the server')
    else if (web && /^(80|443)$/.test(port.published))
      translation.leave(port.from, "jiji's proxy has it: see proxy.ssl")
    else publish(translation, port, to)
  }
}

function webPort(ports: readonly Port[], own: Draft, { proxied, setting }: One): Port | undefined {
  if (proxied.by !== undefined || own.network_mode !== undefined) return undefined
  const tcp = ports.filter(({ protocol, target }) => protocol === 'tcp' && /^\d+$/.test(target))
  const onHttp = tcp.find(({ published }) => published === '80')
  return onHttp ?? (own.build !== undefined && setting.domain !== undefined ? tcp[0] : undefined)
}

function publish(translation: Translation, { ip, published, target, protocol, from }: Port, to: Path): void {
  const address = published === '' ? '' : `${ip === '' ? '' : `${ip}:`}${published}:`
  translation.append([...to, 'ports'], `${address}${target}${protocol === 'tcp' ? '' : `/${protocol}`}`, from)
  if (published === '') return
  translation.put([...to, 'stop_first'], 'true', from)
  translation.change(from, 'stop_first goes with it: the old and the new container cannot both hold the port')
}

function portsIn(translation: Translation, value: unknown, from: Path): Port[] {
  if (value === undefined) return []
  const items = Array.isArray(value) ? value : [value]
  return items.flatMap((item, index): Port[] => {
    const place = [...from, index]
    if (isMap(item)) {
      const { host_ip = '', published = '', target, protocol = 'tcp' } = item as Record<string, string | undefined>
      onlyKeys(translation, item, place, ['host_ip', 'published', 'target', 'protocol', 'mode', 'name', 'app_protocol'])
      if (target !== undefined) return [{ ip: host_ip, published, target, protocol, from: place }]
    }
    return textsIn(translation, [item], from).flatMap(({ text }): Port[] => {
      const match = /^(?:(?:(\d+(?:\.\d+){3}|\[[^\]]*\]):)?([\d-]*):)?([\d-]+)(?:\/(tcp|udp))?$/.exec(text)
      if (!match) return leaveItem(translation, place, 'it is not of a form that is known here')
      const [, ip = '', published = '', target = '', protocol = 'tcp'] = match
      return [{ ip, published, target, protocol, from: place }]
    })
  })
}
