import { lifetimeOf } from '../config/auth-kinds.ts'
import type { Credential } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { type AuditEntry, parseAuditEntry, readLogins } from '../shell/audit.ts'
import { sh } from '../shell/script.ts'
import { loginsAt, type Place } from './places.ts'

/** What one place says: which keys it holds a login for, and the logins that it remembers. */
export type Answer = {
  place: string
  held: ReadonlyMap<string, string | undefined> | undefined
  logins: readonly AuditEntry[]
  reason?: string
}

/** A credential as a list shows it: nothing in it has been made from the secret. */
export type Listed = {
  name: string
  registry: string
  username: string | null
  auth: string
  description?: string
  /** When what the last login stored is worth nothing any more. */
  expires?: string
  lastLogin?: { at: string; by: string; server: string }
  logins: { place: string; state: 'held' | 'none' | 'unknown'; username?: string; reason?: string }[]
}

/** Asks a place; a server also for what it remembers under a scope. What cannot be known is an answer, and says why. */
export async function askPlace(
  place: Place,
  keys: readonly string[],
  scope: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const { held, text } = await loginsAt(place, keys, scope === undefined ? sh`:` : readLogins(scope), signal)
    return {
      place: place.name,
      held,
      logins: [...text.matchAll(/^login (.*)$/gm)].flatMap(([, line = '']) => parseAuditEntry(line)),
    }
  } catch (error) {
    if (error instanceof JijiError && !signal.aborted) return unanswered(place.name, error)
    throw error
  }
}

export function unanswered(place: string, error: JijiError | undefined): Answer {
  return { place, held: undefined, logins: [], reason: error?.message ?? 'it could not be reached' }
}

export function listed({ name, key, auth, username, description }: Credential, answers: readonly Answer[]): Listed {
  const last = answers
    .flatMap(({ logins }) => logins)
    .filter(({ registry, result }) => registry === key && result === 'done')
    .toSorted((a, b) => a.at.localeCompare(b.at))
    .at(-1)
  const expires = last && expiryOf(last.at, lifetimeOf(auth))
  return {
    name,
    registry: key,
    username,
    auth,
    ...(description ? { description } : {}),
    ...(last ? { lastLogin: { at: last.at, by: last.by, server: last.server } } : {}),
    ...(expires ? { expires } : {}),
    logins: answers.map(({ place, held, reason }) => {
      if (!held) return { place, state: 'unknown', ...(reason ? { reason } : {}) }
      const user = held.get(key)
      return { place, state: held.has(key) ? 'held' : 'none', ...(user ? { username: user } : {}) }
    }),
  }
}

function expiryOf(at: string, lifetime: number | undefined): string | undefined {
  const since = Date.parse(at)
  return lifetime === undefined || Number.isNaN(since) ? undefined : new Date(since + lifetime).toISOString()
}
