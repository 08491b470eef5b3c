import { type AuthKind, lifetimeOf } from '../../config/auth-kinds.ts'
import type { Secret } from '../../config/secret.ts'

/** A declared credential as a format that refers to its secret needs it. */
export type Declared = {
  /** `builder.registry`, or its name under `registries`. */
  name: string
  key: string
  auth: AuthKind
  username: string
  /** The secret's ALL_CAPS name, for systems that keep the value under it. */
  variable: string
}

/** The same, for a format that keeps a copy of the secret. */
export type Held = Declared & { password: Secret }

/** A file of an export: its usual name, and what is in it. */
export type ExportFile = { name: string; contents: string | Buffer }

/** Where an export comes from, for the comment at its head. */
export type Origin = { format: string; project: string; files: readonly string[] }

/** In the order of their keys, so that the order in which they are declared makes no difference. */
export function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}

/** Lines that say where a copy comes from and how long it is good for. No time: the same declaration is the same bytes. */
export function headerLines({ format, project, files }: Origin, credentials: readonly Declared[]): string[] {
  return [
    `Registry logins of ${project}, from ${files.join(' + ')}; made by: jiji registry export ${format}`,
    ...credentials.map(({ key, auth }) => `${key}: ${lifetimeText(auth)}`),
  ]
}

/** As comments for a format where `#` begins one. */
export function asComments(lines: readonly string[]): string {
  // Whatever could end a line, or is not allowed in a comment, is a space.
  const plain = (line: string) => line.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\ufeff]+/gu, ' ')
  return lines.map(line => `# ${plain(line)}\n`).join('')
}

/** `12 h`, or undefined for a credential that holds until somebody changes it. */
export function lifetimeWords(auth: AuthKind): string | undefined {
  const lifetime = lifetimeOf(auth)
  if (lifetime === undefined) return undefined
  return lifetime % 3_600_000 === 0 ? `${lifetime / 3_600_000} h` : `${Math.ceil(lifetime / 60_000)} min`
}

function lifetimeText(auth: AuthKind): string {
  const words = lifetimeWords(auth)
  return words ? `expires ${words} after it was made` : 'holds until it is changed'
}
