import { basicAuth } from '../../shell/engine.ts'
import type { Login } from '../../shell/images.ts'
import type { Challenge } from './challenge.ts'
import type { Answer, Client } from './http.ts'
import { isPrivate } from './origin.ts'
import { wordsOf } from './words.ts'

export type TokenAnswer =
  | { kind: 'granted'; token: string }
  /** It does not know this name and password, or gives nothing of what was asked for. */
  | { kind: 'refused'; words: string }
  /** It is busy, ill, or no token server. */
  | { kind: 'none'; status?: number; words: string }

type Wanted = { scopes: readonly string[]; login: Login | undefined }

/**
 * Asks the token server that a registry names, as the distribution specification has it; without a login, as anybody.
 * @throws RequestFailed
 */
export async function requestToken(client: Client, challenge: Challenge, wanted: Wanted): Promise<TokenAnswer> {
  const { realm = '', service } = challenge.parameters
  if (!URL.canParse(realm)) return { kind: 'none', words: 'the registry names no address of a token server' }
  const address = new URL(realm)
  if (!isPrivate(address)) return { kind: 'none', words: 'its token server has no TLS, so that anybody could listen' }
  const got = await askByGet(client, address, service, wanted)
  const isOther = wanted.login && [404, 405].includes(got.status)
  return readToken(isOther ? await askByPost(client, address, service, wanted) : got, wanted.login)
}

export function basicOf(login: Login): string {
  return `Basic ${basicAuth(login).reveal()}`
}

function askByGet(client: Client, realm: URL, service: string | undefined, { scopes, login }: Wanted): Promise<Answer> {
  const address = new URL(realm)
  if (service) address.searchParams.set('service', service)
  for (const scope of scopes) address.searchParams.append('scope', scope)
  if (login) address.searchParams.set('account', login.username)
  return client.ask(address, login ? { headers: { authorization: basicOf(login) } } : {})
}

/** The form of OAuth 2, which some token servers know alone. */
function askByPost(
  client: Client,
  realm: URL,
  service: string | undefined,
  { scopes, login }: Wanted,
): Promise<Answer> {
  const form = new URLSearchParams({
    grant_type: 'password',
    client_id: 'jiji',
    ...(service ? { service } : {}),
    ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
    ...(login ? { username: login.username, password: login.password.reveal() } : {}),
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return client.ask(realm, { method: 'POST', headers, body: form.toString() })
}

function readToken(answer: Answer, login: Login | undefined): TokenAnswer {
  const words = wordsOf(answer, login)
  if (answer.status === 401 || answer.status === 403) return { kind: 'refused', words }
  const token = answer.status === 200 ? tokenIn(answer.body) : undefined
  if (token) return { kind: 'granted', token }
  return {
    kind: 'none',
    status: answer.status,
    words: answer.status === 200 ? 'its token server gives no token' : words,
  }
}

/** A token must be able to stand in a header. */
function tokenIn(body: string): string | undefined {
  try {
    const { token, access_token } = JSON.parse(body) as { token?: unknown; access_token?: unknown }
    return [token, access_token].find((one): one is string => typeof one === 'string' && /^[\x21-\x7e]+$/.test(one))
  } catch {
    return undefined
  }
}
