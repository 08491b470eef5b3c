import type { Config, Service } from '../config/config.ts'

/** The addresses that lead to a service, through the proxy's own ports. */
export function routesOf({ proxy: { http_port, https_port } }: Pick<Config, 'proxy'>, { proxy }: Service): string[] {
  return (proxy?.targets ?? []).flatMap(({ hosts, ssl, path_prefix = '' }) => {
    const [scheme, port, usual] = ssl ? ['https', https_port, 443] : ['http', http_port, 80]
    return hosts.map(host => `${scheme}://${host}${port === usual ? '' : `:${port}`}${path_prefix}`)
  })
}
