import { readdirSync, readFileSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { registryHost } from '../config/registry-key.ts'
import { JijiError } from '../errors.ts'
import type { Login } from '../shell/images.ts'

/**
 * `accepted`: the registry knows this name and password. `unknown`: it could not be asked from here (no route, a
 * certificate only the engine trusts), which proves nothing; the engine will say so in its own words.
 */
export type Verdict = 'accepted' | 'unknown'

/**
 * Asks the registry itself whether it takes a credential, by the token protocol of the distribution specification.
 * @throws JijiError registry.refused
 */
export async function checkLogin(login: Login, signal?: AbortSignal): Promise<Verdict> {
  const host = registryHost(login.key)
  const base = `https://${host === 'docker.io' ? 'registry-1.docker.io' : host}`
  const authorization = `Basic ${Buffer.from(`${login.username}:${login.password.reveal()}`).toString('base64')}`
  try {
    const first = await ask(`${base}/v2/`, host, {}, signal)
    const bearer = first.challenges.find(({ scheme }) => scheme === 'bearer')
    const answer = bearer?.parameters.realm
      ? await ask(tokenAddress(bearer.parameters, login.username), host, { authorization }, signal)
      : await ask(`${base}/v2/`, host, { authorization }, signal)
    if (answer.status === 401 || answer.status === 403) throw refused(login, host, answer)
    // Where anybody is let in, being let in says nothing.
    return answer.status === 200 && first.status === 401 ? 'accepted' : 'unknown'
  } catch (error) {
    if (error instanceof JijiError || signal?.aborted) throw error
    return 'unknown'
  }
}

function refused(login: Login, host: string, answer: Answer): JijiError {
  return new JijiError('registry.refused', `${host} refused the login of ${login.username}: ${answer.reason}`, {
    hint: `check the user name, and that ${login.password.name} holds a password or token that is still valid`,
  })
}

type Challenge = { scheme: string; parameters: Record<string, string> }
type Answer = { status: number; reason: string; challenges: Challenge[] }

function tokenAddress({ realm = '', service }: Record<string, string>, username: string): string {
  const address = new URL(realm)
  // A password must not go to a place where anybody could listen.
  if (address.protocol !== 'https:' && !isLoopback(address.hostname)) throw new Error('the token server has no TLS')
  if (service) address.searchParams.set('service', service)
  address.searchParams.set('account', username)
  return address.href
}

function ask(
  address: string,
  registry: string,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<Answer> {
  const url = new URL(address)
  const request = url.protocol === 'http:' ? requestHttp : requestHttps
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { headers, timeout: 5000, ca: authoritiesFor(registry), ...(signal ? { signal } : {}) },
      response => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', chunk => {
          if (body.length < 65_536) body += chunk
        })
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            reason: `${response.statusCode} ${messageIn(body) ?? response.statusMessage ?? ''}`.trim(),
            challenges: parseChallenges(response.headers['www-authenticate'] ?? ''),
          }),
        )
      },
    )
    sent.on('timeout', () => sent.destroy(new Error('no answer in 5 s')))
    sent.on('error', reject)
    sent.end()
  })
}

/** `Bearer realm="…",service="…"`, with commas inside quotes; RFC 7235 section 2.1. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = []
  const token =
    /[\s,]*(?:([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([\w!#$%&'*+.^`|~-]+)(?=\s|,|$))/y
  for (let match = token.exec(header); match; match = token.exec(header)) {
    const [, name, quoted, plain, scheme] = match
    if (scheme) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} })
    else if (name) {
      const parameters = challenges.at(-1)?.parameters
      if (parameters) parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? ''
    }
  }
  return challenges
}

function messageIn(body: string): string | undefined {
  try {
    const { errors, details } = JSON.parse(body) as { errors?: { message?: unknown }[]; details?: unknown }
    const message = errors?.[0]?.message ?? details
    return typeof message === 'string' ? message.slice(0, 200) : undefined
  } catch {
    return undefined
  }
}

/** The authorities that Docker trusts for this registry, beside the public ones. */
function authoritiesFor(registry: string): string[] | undefined {
  const folder = join('/etc/docker/certs.d', registry)
  try {
    const own = readdirSync(folder).filter(name => name.endsWith('.crt'))
    return [...rootCertificates, ...own.map(name => readFileSync(join(folder, name), 'utf8'))]
  } catch {
    return undefined
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}
