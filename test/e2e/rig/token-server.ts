import { randomUUID, sign } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/** Beginnings of repositories' names, and what is granted on them: `{'personal/': ['pull', 'push']}`. */
type Grants = Record<string, string[]>

export type TokenOptions = {
  users: Record<string, { password: string; grants: Grants }>
  /** What everybody gets who names nobody; nothing by default. */
  anonymous?: Grants
}

export type TokenServer = { realm: string; issuer: string; log(): string; stop(): Promise<void> }

type Start = TokenOptions & {
  address: string
  service: string
  tls: { key: string | undefined; cert: string | undefined }
  /** RSA, with a certificate that the registry trusts. */
  signing: { key: string; certificate: string }
}

/**
 * A token server as the distribution specification has it, GET and POST. A user who is known gets a token for those of
 * the wanted actions that are granted, be it none: only a wrong password is refused.
 */
export async function startTokenServer(options: Start): Promise<TokenServer> {
  const issuer = 'rig-issuer'
  let log = ''
  const server = createServer(options.tls, async (request, response) => {
    const form = new URLSearchParams(request.method === 'POST' ? await textOf(request) : '')
    const { searchParams } = new URL(request.url ?? '/', 'https://any')
    const scopes = [...searchParams.getAll('scope'), ...form.getAll('scope')]
      .flatMap(scope => scope.split(' '))
      .filter(Boolean)
    const [name, password] = whoAsks(request, form)
    log += `${request.method} ${name ?? '-'} ${scopes.join(' ')}\n`
    response.setHeader('content-type', 'application/json')
    const user = name === undefined ? undefined : options.users[name]
    if (name !== undefined && user?.password !== password) {
      const errors = [{ code: 'UNAUTHORIZED', message: 'incorrect username or password' }]
      response.writeHead(401).end(JSON.stringify({ errors }))
      return
    }
    const access = accessOf(user?.grants ?? options.anonymous ?? {}, scopes)
    const token = makeToken(options, { iss: issuer, sub: name ?? '', aud: options.service, access })
    response.end(JSON.stringify({ token, access_token: token, expires_in: 300 }))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, options.address, resolve)
  })
  return {
    realm: `https://${options.address}:${(server.address() as AddressInfo).port}/token`,
    issuer,
    log: () => log,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

function whoAsks(
  { headers }: IncomingMessage,
  form: URLSearchParams,
): [name: string | undefined, password: string | undefined] {
  if (form.get('grant_type') === 'password')
    return [form.get('username') ?? undefined, form.get('password') ?? undefined]
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1]
  if (!basic) return [undefined, undefined]
  const [name, ...password] = Buffer.from(basic, 'base64').toString().split(':')
  return [name, password.join(':')]
}

function accessOf(grants: Grants, scopes: string[]) {
  return scopes.flatMap(scope => {
    const [type = '', name = '', wanted = ''] = scope.split(':')
    const granted = Object.entries(grants).flatMap(([prefix, actions]) => (name.startsWith(prefix) ? actions : []))
    const actions = wanted.split(',').filter(action => granted.includes(action))
    return type === 'repository' && actions.length > 0 ? [{ type, name, actions }] : []
  })
}

function makeToken({ signing }: Start, claims: object): string {
  const x5c = [signing.certificate.replace(/-----[^-]+-----|\s/g, '')]
  const now = Math.floor(Date.now() / 1000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const times = { iat: now, nbf: now - 10, exp: now + 300, jti: randomUUID() }
  const unsigned = `${part({ typ: 'JWT', alg: 'RS256', x5c })}.${part({ ...claims, ...times })}`
  return `${unsigned}.${sign('sha256', Buffer.from(unsigned), signing.key).toString('base64url')}`
}
