import type { Login } from '../../shell/images.ts'
import { bearerOf, type Challenge } from '../protocol/challenge.ts'
import { RequestFailed } from '../protocol/failure.ts'
import { grantedActions } from '../protocol/grants.ts'
import type { Client } from '../protocol/http.ts'
import { basicOf, requestToken, type TokenAnswer } from '../protocol/token.ts'
import { plain, wordsOf } from '../protocol/words.ts'
import type { Need } from './needs.ts'
import { causeOf, type Finding, type Reached } from './reach.ts'

/** What came of showing a credential, and what to show from now on. */
export type Entry = {
  identity: { state: 'ok' | 'unknown' | 'skipped' } | Finding
  authorization?: string
  /** What its token allows, where that can be read. */
  granted?: readonly string[] | undefined
  /** What its token server did not want to allow, and why. */
  refused?: { actions: readonly string[]; words: string }
}

/** Shows a registry the credential for an image, also where it would do without. Without one it enters as anybody. */
export async function enter(client: Client, reached: Reached, need: Need): Promise<Entry> {
  const { login } = need
  const manifest = manifestOf(reached, need)
  const challenges = reached.isGuarded
    ? reached.challenges
    : (await client.ask(manifest, { method: 'HEAD', leaves: true })).challenges
  const bearer = bearerOf(challenges)
  if (bearer) return enterByToken(client, bearer, need)
  if (!login) return { identity: { state: 'skipped' } }
  const isAsked = challenges.length > 0
  const address = isAsked && !reached.isGuarded ? manifest : `${reached.base}/v2/`
  return enterByPassword(client, address, login, reached.isGuarded || isAsked)
}

export function manifestOf({ base }: Reached, { repository, reference }: Need): string {
  return `${base}/v2/${repository}/manifests/${reference}`
}

async function enterByPassword(client: Client, address: string, login: Login, isAsked: boolean): Promise<Entry> {
  const authorization = basicOf(login)
  const answer = await client.ask(address, { headers: { authorization } })
  const facts = { words: wordsOf(answer, login) }
  const isRefused = answer.status === 401 || (answer.status === 403 && address.endsWith('/v2/'))
  if (isRefused) return { identity: { state: 'failed', cause: 'wrong-password', facts } }
  if (answer.status === 429 || answer.status >= 500)
    return { identity: { state: 'unknown', ...illness(answer.status, facts.words) }, authorization }
  // Where anybody is let in, being let in says nothing.
  return { identity: { state: isAsked ? 'ok' : 'unknown' }, authorization }
}

/**
 * A token server may refuse what it does not want to allow in the same way as a name that it does not know. So what is
 * refused is asked for again with less, and in the end with nothing.
 */
async function enterByToken(client: Client, challenge: Challenge, need: Need): Promise<Entry> {
  const { login, repository, push } = need
  const most = push ? ['pull', 'push'] : ['pull']
  let refusal = ''
  for (const actions of [most, ...(push ? [['pull']] : []), []]) {
    const scopes = actions.length > 0 ? [`repository:${repository}:${actions.join(',')}`] : []
    const answer = await ask(client, challenge, scopes, login)
    if ('identity' in answer) return answer
    if (answer.kind === 'none') return { identity: { state: 'unknown', ...illness(answer.status, answer.words) } }
    if (answer.kind === 'granted') {
      const missing = most.filter(action => !actions.includes(action))
      return {
        identity: { state: login ? 'ok' : 'skipped' },
        authorization: `Bearer ${answer.token}`,
        granted: actions.length > 0 ? grantedActions(answer.token, repository) : undefined,
        ...(missing.length > 0 ? { refused: { actions: missing, words: refusal } } : {}),
      }
    }
    refusal = answer.words
  }
  return login
    ? { identity: { state: 'failed', cause: 'wrong-password', facts: { words: refusal } } }
    : { identity: { state: 'skipped' }, refused: { actions: most, words: refusal } }
}

async function ask(
  client: Client,
  challenge: Challenge,
  scopes: readonly string[],
  login: Login | undefined,
): Promise<TokenAnswer | Entry> {
  try {
    return await requestToken(client, challenge, { scopes, login })
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error
    const { host } = new URL(challenge.parameters.realm ?? '')
    const facts = { host, words: plain(error.message) }
    const isProof = error.phase !== 'http' && error.reason !== 'forbidden'
    return {
      identity: { state: isProof ? 'failed' : 'unknown', cause: isProof ? causeOf(error) : 'odd-answer', facts },
    }
  }
}

/** What an answer means that is neither yes nor no. */
export function illness(status: number | undefined, words: string): Pick<Finding, 'cause' | 'facts'> {
  if (status === 429) return { cause: 'rate-limited', facts: { words } }
  return { cause: status !== undefined && status >= 500 ? 'registry-error' : 'odd-answer', facts: { words } }
}
