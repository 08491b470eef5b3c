import type { Target } from '../config/config.ts'
import { certificateOf } from '../config/own-certificates.ts'
import { markerName, type Slot } from './names.ts'

/** The parts of a site file, in the words of a Caddyfile. */

export type Where = {
  scope: string
  /** The port for HTTPS on the server, as it is seen from outside. */
  httpsPort: number
  /** Files of certificates by the names of the secrets that they are made of. */
  certificates: Readonly<Record<string, string>>
}

/** One target of one service, and the addresses that it has in each slot. */
export type Entry = { target: Target; name: string; upstreams: Readonly<Record<Slot, readonly string[]>> }

/** A file in the proxy's own container, which says that another takes its place. */
export const leaving = '/tmp/jiji-leaving'

// A connection that a client keeps is closed with an answer, since one that is closed between two requests may meet the
// next. What is no HTTP any more afterwards needs that header itself.
const closeWhenLeaving = [
  ...block(
    '@leaving',
    ...block('file', 'root /tmp', `try_files ${leaving.replace('/tmp', '')}`),
    'not header Connection *pgrade*',
  ),
  'header @leaving Connection close',
]

/** Where the proxy has a project's certificates. */
export function certificatesFolder(scope: string): string {
  return `/jiji/certificates/${scope}`
}

/** What leads to hosts that have the same targets. */
export function hostBlocks(where: Where, hosts: readonly string[], entries: readonly Entry[]): string[] {
  const [first] = entries
  if (!first) return []
  const { ssl, ssl_redirect } = first.target
  const isWhole = entries.some(({ target }) => target.path_prefix === undefined)
  const body = [
    ...entries.flatMap((entry, index) => entryLines(where, entry, index)),
    ...(isWhole ? [] : block('handle', 'respond 404')),
  ]
  if (ssl === false) return site('http', hosts, ...body)
  const plain = ssl_redirect ? [sendOn(`https://{host}${portSuffix(where)}`)] : body
  return [...site('https', hosts, ...certificateLine(where, first.target), ...body), ...site('http', hosts, ...plain)]
}

/** What sends on to a target. The port is that of the request, since what stands before the proxy may have another. */
export function redirectBlocks(where: Where, target: Target): string[] {
  const { hosts, redirect_from, ssl, ssl_redirect } = target
  const [to = ''] = hosts
  if (redirect_from.length === 0) return []
  const from = lower(redirect_from)
  const samePort = (scheme: string) => [
    '@port header_regexp port Host (:\\d+)$',
    `redir @port ${scheme}//${token(to)}{re.port.1}{uri} 308`,
    sendOn(`${scheme}//${token(to)}`),
  ]
  if (ssl === false) return site('http', from, ...samePort(''))
  const plain = ssl_redirect ? [sendOn(`https://${token(to)}${portSuffix(where)}`)] : samePort('')
  return [
    ...site('https', from, ...certificateLine(where, target), ...samePort('https:')),
    ...site('http', from, ...plain),
  ]
}

function entryLines({ scope }: Where, { target, name, upstreams }: Entry, index: number): string[] {
  const { path_prefix: prefix, strip_path_prefix, max_request_body: most } = target
  const lines = [
    ...(prefix && strip_path_prefix ? [`uri strip_prefix ${token(prefix)}`] : []),
    ...(most === undefined ? [] : sizeLines(most)),
    ...block('@b file', 'root /jiji/live', `try_files /${token(markerName(scope, name))}`),
    ...block('handle @b', ...upstream(target, upstreams.b)),
    ...block('handle', ...upstream(target, upstreams.a)),
  ]
  if (!prefix) return block('handle', ...lines)
  return [`@${index} path ${token(prefix)} ${token(prefix)}/*`, ...block(`handle @${index}`, ...lines)]
}

// A body whose length is known is refused at once; Caddy counts the others, and answers 502 for some of them.
function sizeLines(most: number): string[] {
  const length = '{http.request.header.Content-Length}'
  return [
    `@large expression \`${length} != "" && int(${length}) > ${most}\``,
    ...block('handle @large', 'respond 413 {', '\tclose', '}'),
    ...block('request_body', `max_size ${most}`),
  ]
}

// Idle connections to a service are given up before the service does (Node: 5 s), or a request could meet one that is
// just being closed. Of several replicas the one with the fewest requests is asked, and another instead of one that
// does not answer. What cannot be connected to is tried again for a while: a name server may be deaf (name-server.ts).
function upstream({ response_timeout, forward_headers }: Target, addresses: readonly string[]): string[] {
  const isShared = addresses.length > 1
  const trusted = forward_headers === true ? ['0.0.0.0/0', '::/0'] : forward_headers || []
  return block(
    `reverse_proxy ${addresses.map(token).join(' ')}`,
    ...(isShared ? ['lb_policy least_conn', 'fail_duration 2s'] : []),
    'lb_try_duration 5s',
    ...(trusted.length > 0 ? [`trusted_proxies ${trusted.map(token).join(' ')}`] : []),
    ...block(
      'transport http',
      'keepalive 3s',
      'dial_timeout 1s',
      ...(response_timeout === undefined ? [] : [`response_header_timeout ${response_timeout}ms`]),
    ),
  )
}

function sendOn(to: string): string {
  return `redir * ${to}{uri} 308`
}

function portSuffix({ httpsPort }: Where): string {
  return httpsPort === 443 ? '' : `:${httpsPort}`
}

function certificateLine({ scope, certificates }: Where, target: Target): string[] {
  const name = certificateOf(target)
  if (name === undefined) return []
  const file = token(`${certificatesFolder(scope)}/${certificates[name]}`)
  return [`tls ${file} ${file}`]
}

function site(scheme: string, hosts: readonly string[], ...body: readonly string[]): string[] {
  return block(hosts.map(host => token(`${scheme}://${host}`)).join(', '), ...closeWhenLeaving, ...body)
}

export function lower(hosts: readonly string[]): string[] {
  return hosts.map(host => host.toLowerCase())
}

function block(head: string, ...body: readonly string[]): string[] {
  return [`${head} {`, ...body.map(line => `\t${line}`), '}']
}

/** A value that Caddy reads as one word, in which nothing has a meaning of its own. */
function token(text: string): string {
  if (!/^[A-Za-z0-9*][A-Za-z0-9._~:/*-]*$|^[/:][A-Za-z0-9._~:/-]*$/.test(text))
    throw new Error(`${JSON.stringify(text)} must not stand in a site file`)
  return text
}
