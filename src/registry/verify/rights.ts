import { bearerOf } from '../protocol/challenge.ts'
import { RequestFailed } from '../protocol/failure.ts'
import type { Answer, Client, Request } from '../protocol/http.ts'
import { isPrivate } from '../protocol/origin.ts'
import { requestToken } from '../protocol/token.ts'
import { errorCode, plain, wordsOf } from '../protocol/words.ts'
import { type Entry, illness, manifestOf } from './enter.ts'
import type { Need } from './needs.ts'
import { causeOf, type Finding, type Reached } from './reach.ts'

export type Right = { state: 'ok'; note?: string } | Finding

/**
 * Whether an image may be pulled, by asking for the head of its manifest: that counts on no quota. What is yet to be
 * pushed for the first time cannot be proved; only a token that names its actions can disprove it.
 */
export async function checkPull(client: Client, reached: Reached, need: Need, entry: Entry): Promise<Right> {
  const { login, isBuilt } = need
  const { granted, refused } = entry
  const denied = { state: isBuilt ? 'unknown' : 'failed', cause: login ? 'no-pull' : 'no-credential' } as const
  if (refused?.actions.includes('pull')) return { ...denied, facts: { words: refused.words } }
  if (granted && !granted.includes('pull')) return { ...denied, state: 'failed', facts: { words: inToken(granted) } }
  const answer = await askManifest(client, manifestOf(reached, need), entry, granted !== undefined && isBuilt)
  const facts = { words: wordsOf(answer, login) }
  if (answer.status === 200) return { state: 'ok', ...quotaLeft(answer) }
  if (answer.status === 401 || answer.status === 403) return { ...denied, facts }
  if (answer.status !== 404) return { state: 'unknown', ...illness(answer.status, facts.words) }
  const isAllowed = granted !== undefined || errorCode(answer.body) === 'MANIFEST_UNKNOWN'
  if (isAllowed) return isBuilt ? { state: 'ok' } : { state: 'failed', cause: 'no-tag', facts }
  return { state: isBuilt ? 'unknown' : 'failed', cause: 'no-repository', facts }
}

/** Whether an image may be pushed, by beginning to, and giving up. */
export async function checkPush(client: Client, { base }: Reached, need: Need, entry: Entry): Promise<Right> {
  const { granted, refused } = entry
  const denied = { state: 'failed', cause: 'no-push' } as const
  if (refused?.actions.includes('push')) return { ...denied, facts: { words: refused.words } }
  if (granted && !granted.includes('push')) return { ...denied, facts: { words: inToken(granted) } }
  const uploads = `${base}/v2/${need.repository}/blobs/uploads/`
  const answer = await client.ask(uploads, { method: 'POST', headers: headersOf(entry) })
  const facts = { words: wordsOf(answer, need.login) }
  if (answer.status === 401 || answer.status === 403) return { ...denied, facts }
  if (answer.status === 404) return { state: 'failed', cause: 'no-repository', facts }
  if (answer.status < 200 || answer.status >= 300) return { state: 'unknown', ...illness(answer.status, facts.words) }
  await cancel(client, answer, need, entry)
  return { state: 'ok' }
}

/** What a request that got no answer means for a right. */
export function unanswered(error: RequestFailed): Finding {
  const cause = error.phase === 'http' && error.reason !== 'timeout' ? 'odd-answer' : causeOf(error)
  return { state: 'unknown', cause, facts: { words: plain(error.message) } }
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** A HEAD has no words for its refusal: those come with a GET. */
async function askManifest(client: Client, address: string, entry: Entry, isMissingEnough: boolean): Promise<Answer> {
  const headers = { accept: manifestTypes, ...headersOf(entry) }
  const head = await client.ask(address, { method: 'HEAD', headers, leaves: true })
  const isSilent = head.status >= 400 && head.status < 500 && head.status !== 429
  return isSilent && !(head.status === 404 && isMissingEnough) ? client.ask(address, { headers, leaves: true }) : head
}

/** An upload that stays open is cleared away by the registry in time: that it cannot be cancelled is no failure. */
async function cancel(client: Client, { headers, url }: Answer, { login }: Need, entry: Entry): Promise<void> {
  const { location } = headers
  if (!location || !URL.canParse(location, url.href)) return
  const upload = new URL(location, url)
  if (upload.origin !== url.origin || !isPrivate(upload)) return
  try {
    const { status, challenges } = await client.ask(upload, { method: 'DELETE', headers: headersOf(entry) })
    const bearer = status === 401 ? bearerOf(challenges) : undefined
    if (!bearer?.parameters.scope) return
    // Some want a right of its own for this, which nothing else needs.
    const answer = await requestToken(client, bearer, { scopes: [bearer.parameters.scope], login })
    if (answer.kind === 'granted')
      await client.ask(upload, { method: 'DELETE', headers: { authorization: `Bearer ${answer.token}` } })
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error
  }
}

function headersOf({ authorization }: Entry): NonNullable<Request['headers']> {
  return authorization ? { authorization } : {}
}

function inToken(granted: readonly string[]): string {
  return `its token grants ${plain(granted.join(', ')) || 'nothing'} there`
}

/** Docker Hub says how many pulls are left: `ratelimit-remaining: 76;w=21600`. */
function quotaLeft({ headers }: Answer): { note?: string } {
  const read = (name: string) => /^(\d{1,9})(?:;w=(\d{1,9}))?/.exec(String(headers[name] ?? ''))
  const [, left, seconds] = read('ratelimit-remaining') ?? []
  if (left === undefined) return {}
  const limit = read('ratelimit-limit')?.[1]
  const time = seconds ? ` in ${Math.max(1, Math.round(Number(seconds) / 3600))} h` : ''
  return { note: `${left}${limit ? ` of ${limit}` : ''} pulls${time} are left` }
}
