import type { Challenge } from '../protocol/challenge.ts'
import { isUntrusted } from '../protocol/connect-tls.ts'
import type { Dial } from '../protocol/dial.ts'
import { RequestFailed } from '../protocol/failure.ts'
import type { Answer, Client } from '../protocol/http.ts'
import { hostOfApi, isLoopback } from '../protocol/origin.ts'
import { objectIn, plain, wordsOf } from '../protocol/words.ts'
import type { Cause, Facts } from './causes.ts'
import { lookAtCertificate } from './certificate.ts'

/** A registry that answers: where, and how it wants to be logged in to. */
export type Reached = { base: string; challenges: readonly Challenge[]; isGuarded: boolean }

/** What kept a check from ending well, and what is known about it. */
export type Finding = { state: 'failed' | 'unknown'; cause: Cause; facts?: Partial<Facts> }

export function isFinding(step: object): step is Finding {
  return 'cause' in step
}

/** Asks a registry for its version, without a credential: whether it is there, and is one. */
export async function reach(client: Client, dial: Dial, host: string, signal: AbortSignal): Promise<Reached | Finding> {
  const api = new URL(`https://${hostOfApi(host)}`)
  try {
    return reached(await client.ask(`${api.origin}/v2/`, { leaves: true }), api.origin)
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error
    return (await withoutTls(client, api, error)) ?? (await whyNot(dial, api, error, signal))
  }
}

function reached(answer: Answer, base: string): Reached | Finding {
  const { status, challenges, headers, url } = answer
  const facts = { words: wordsOf(answer, undefined) }
  if (status >= 500) return { state: 'failed', cause: 'registry-error', facts }
  if (status === 429) return { state: 'unknown', cause: 'rate-limited', facts }
  if (status >= 300 && status < 400)
    return notARegistry(`/v2/ leads to ${plain(String(headers.location ?? 'nowhere'))}`)
  if (url.origin !== new URL(base).origin) return notARegistry(`/v2/ leads to ${plain(url.href)}`)
  const isRegistry = 'docker-distribution-api-version' in headers
  if (status === 401 && (isRegistry || challenges.length > 0)) return { base, challenges, isGuarded: true }
  if (status === 200 && (isRegistry || isVersionBody(answer.body))) return { base, challenges, isGuarded: false }
  return notARegistry(`/v2/ gives ${facts.words}`)
}

/** `{}`, or nothing: what is not a web page. */
function isVersionBody(body: string): boolean {
  const text = body.trim()
  return text === '' || text === 'true' || objectIn(text) !== undefined
}

function notARegistry(words: string): Finding {
  return { state: 'failed', cause: 'not-a-registry', facts: { words } }
}

/** A registry on a loopback address may do without TLS; any other that does gets no credential. */
async function withoutTls(client: Client, api: URL, error: RequestFailed): Promise<Reached | Finding | undefined> {
  if (error.phase !== 'tls' || isUntrusted(error) || /^(CERT|ERR_TLS_CERT|clock)/.test(error.reason)) return undefined
  const base = `http://${api.host}`
  try {
    const answer = await client.ask(`${base}/v2/`)
    return isLoopback(api.hostname) ? reached(answer, base) : { state: 'failed', cause: 'plain-http' }
  } catch (failure) {
    if (failure instanceof RequestFailed) return undefined
    throw failure
  }
}

async function whyNot(dial: Dial, api: URL, error: RequestFailed, signal: AbortSignal): Promise<Finding> {
  const words = plain(error.message)
  const cause = causeOf(error)
  if (cause === 'connections-forbidden') return { state: 'unknown', cause, facts: { words } }
  if (!isAboutCertificate(cause)) return { state: 'failed', cause, facts: { words } }
  const host = api.hostname.replace(/^\[|\]$/g, '')
  const look = await dial(host, Number(api.port || 443), signal)
    .then(stream => lookAtCertificate(stream, host))
    .catch(() => undefined)
  if (!look) return { state: 'failed', cause, facts: { words } }
  if (cause === 'unknown-authority') return { state: 'failed', cause, facts: { words: plain(look.issuer ?? words) } }
  const { date } = look
  const isOurs = date !== undefined && date >= look.from && date <= look.to
  return isOurs
    ? {
        state: 'failed',
        cause: 'clock-skew',
        facts: { skew: Date.now() - date, words: 'it is the clock of this machine' },
      }
    : { state: 'failed', cause, facts: { words: `valid from ${day(look.from)} to ${day(look.to)}` } }
}

function isAboutCertificate(cause: Cause): boolean {
  return ['unknown-authority', 'certificate-expired', 'certificate-not-yet-valid'].includes(cause)
}

function day(time: number): string {
  return Number.isNaN(time) ? 'an unknown day' : new Date(time).toISOString().slice(0, 10)
}

/** What a failed request means. */
export function causeOf(error: RequestFailed): Cause {
  const { phase, reason } = error
  if (isUntrusted(error)) return 'unknown-authority'
  if (phase === 'dns') return 'dns'
  return causes[reason] ?? (phase === 'tls' ? 'no-tls' : phase === 'http' ? 'not-a-registry' : 'no-answer')
}

const causes: Readonly<Record<string, Cause>> = {
  ECONNREFUSED: 'nothing-listens',
  ETIMEDOUT: 'no-answer',
  timeout: 'no-answer',
  EHOSTUNREACH: 'no-route',
  ENETUNREACH: 'no-route',
  forbidden: 'connections-forbidden',
  CERT_HAS_EXPIRED: 'certificate-expired',
  CERT_NOT_YET_VALID: 'certificate-not-yet-valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'wrong-name',
  clock: 'clock-skew',
}
