import { registryHost } from '../../config/registry-key.ts'
import { JijiError } from '../../errors.ts'
import { localRunner } from '../../runner/local.ts'
import type { Login } from '../../shell/images.ts'
import { bearerOf } from '../protocol/challenge.ts'
import { dialHere } from '../protocol/dial.ts'
import { type Client, createClient } from '../protocol/http.ts'
import { hostOfApi } from '../protocol/origin.ts'
import { basicOf, requestToken } from '../protocol/token.ts'
import { readSetting, trustOf } from '../protocol/trust.ts'
import { wordsOf } from '../protocol/words.ts'
import { type Explanation, explain } from './causes.ts'
import { isFinding, reach } from './reach.ts'

/**
 * `accepted`: the registry knows this name and password. `unknown`: it could not be asked from here (no route, a
 * certificate only the engine trusts), which proves nothing; the engine will say so in its own words.
 */
export type Verdict = 'accepted' | 'unknown'

/**
 * Asks the registry itself whether it takes a credential, by the token protocol of the distribution specification.
 * @throws JijiError registry.refused
 */
export async function checkLogin(
  login: Login,
  signal?: AbortSignal,
  client: Client = clientHere(registryHost(login.key), signal),
): Promise<Verdict> {
  const host = registryHost(login.key)
  try {
    const refusal = await refusalOf(client, `https://${hostOfApi(host)}/v2/`, login)
    if (typeof refusal === 'string') return refusal
    const { message, hint } = explain('wrong-password', { host, login, words: refusal.words })
    throw new JijiError('registry.refused', message, { hint })
  } catch (error) {
    if (error instanceof JijiError || signal?.aborted) throw error
    return 'unknown'
  } finally {
    client.close()
  }
}

/** Why a registry cannot be asked from here, if that is so. */
export async function whyUnreachable(host: string, signal: AbortSignal): Promise<Explanation | undefined> {
  const client = clientHere(host, signal)
  try {
    const found = await reach(client, dialHere, host, signal)
    return isFinding(found) ? explain(found.cause, { host, ...found.facts }) : undefined
  } finally {
    client.close()
  }
}

async function refusalOf(client: Client, address: string, login: Login): Promise<Verdict | { words: string }> {
  const first = await client.ask(address)
  const bearer = bearerOf(first.challenges)
  if (bearer) {
    const answer = await requestToken(client, bearer, { scopes: [], login })
    if (answer.kind === 'refused') return answer
    return answer.kind === 'granted' && first.status === 401 ? 'accepted' : 'unknown'
  }
  const answer = await client.ask(address, { headers: { authorization: basicOf(login) } })
  if (answer.status === 401 || answer.status === 403) return { words: wordsOf(answer, login) }
  // Where anybody is let in, being let in says nothing.
  return answer.status === 200 && first.status === 401 ? 'accepted' : 'unknown'
}

function clientHere(host: string, signal: AbortSignal | undefined): Client {
  const runner = localRunner('here')
  const setting = readSetting(runner, 'podman', [host], signal)
  setting.catch(() => {})
  return createClient({ dial: dialHere, trust: trustOf(runner, setting, host, signal), signal })
}
