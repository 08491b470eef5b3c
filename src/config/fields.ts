import * as z from 'zod'
import { durationForm, longestDuration, parseDuration } from './duration.ts'
import { serviceAccountKey } from './service-account.ts'
import { parseShare, type Share, shareForm } from './share.ts'

/**
 * The kinds of value a configuration holds. YAML is read as plain text (see document.ts), and these say what the text
 * means, so that `VERSION: 1.10` keeps its zero and `ENABLED: yes` stays `yes`.
 */

/**
 * A value that may be the name of a secret or `$(command)`; it is resolved in secrets.ts. Anything else is the value
 * itself, or for an SSH key the path of its file. A `file` is always a path, and the secret is what the file holds.
 */
export class SecretReference {
  readonly text: string
  readonly otherwise: 'value' | 'path' | 'file'
  /** The key it stands at, which a schema's transform is not told: load.ts fills it in. */
  path: readonly (string | number)[]
  /** Makes what is needed of what was found; throws an Error, without the secret in it, where that cannot be. */
  readonly read: (found: string) => string

  constructor(
    text: string,
    otherwise: 'value' | 'path' | 'file',
    path: readonly (string | number)[] = [],
    read: (found: string) => string = found => found,
  ) {
    this.text = text
    this.otherwise = otherwise
    this.path = path
    this.read = read
  }

  get isName(): boolean {
    return this.otherwise !== 'file' && /^[A-Z][A-Z0-9_]*$/.test(this.text)
  }

  get isCommand(): boolean {
    return this.otherwise !== 'file' && /^\$\(.*\)$/s.test(this.text)
  }
}

export function text() {
  return z.string({ error: expected('text') }).min(1, 'expected text, got nothing')
}

/** Text that may be empty. */
export function value() {
  return z.string({ error: expected('text') })
}

export function matching(pattern: RegExp, description: string) {
  return text()
    .regex(pattern, { error: issue => `expected ${description}, got ${show(issue.input)}` })
    .meta({ form: description })
}

/** Names of secrets: what stands there may be the secret itself, so that it is not repeated. */
export function secretMatching(pattern: RegExp, description: string) {
  return text()
    .regex(pattern, { error: `expected ${description}${unshown}` })
    .meta({ form: description })
}

/** How a message ends that leaves out what was found. */
export const unshown = ', and not the secret itself'

export function integer(minimum: number, maximum: number) {
  const range = `a whole number from ${minimum} to ${maximum}`
  return z
    .string({ error: expected(range) })
    .refine(text => /^\d+$/.test(text) && Number(text) >= minimum && Number(text) <= maximum, {
      error: issue => `expected ${range}, got ${show(issue.input)}`,
    })
    .transform(Number)
    .meta({ type: 'integer', minimum, maximum })
}

export function boolean() {
  return z
    .enum(['true', 'false'], { error: expected('true or false') })
    .transform(text => text === 'true')
    .meta({ type: 'boolean' })
}

/** In milliseconds. */
export function duration() {
  return z
    .string({ error: expected(durationForm) })
    .refine(text => parseDuration(text) !== undefined, {
      error: issue => `expected ${durationForm}, got ${show(issue.input)}`,
      abort: true,
    })
    .refine(text => (parseDuration(text) ?? 0) <= longestDuration, {
      error: issue => `expected 24h at most, got ${show(issue.input)}`,
    })
    .transform(text => parseDuration(text) ?? 0)
    .meta({ form: durationForm })
}

export function share() {
  return z
    .string({ error: expected(shareForm) })
    .refine(text => parseShare(text) !== undefined, {
      error: issue => `expected ${shareForm}, got ${show(issue.input)}`,
    })
    .transform((text): Share => parseShare(text) ?? 'all')
    .meta({ form: shareForm })
}

/** In bytes. */
export function size() {
  return matching(/^\d+(\.\d+)?([kmgKMG][bB]?|[bB])?$/, 'a size such as 512k or 10m').transform(text => {
    const [, amount, unit = 'b'] = /^([\d.]+)([kmgb]?)/i.exec(text) ?? []
    return Math.round(Number(amount) * 1024 ** 'bkmg'.indexOf(unit.toLowerCase() || 'b'))
  })
}

export function oneOf<const T extends readonly [string, ...string[]]>(options: T) {
  return z.enum(options, { error: expected(options.join(' or ')) })
}

export function secret() {
  return text()
    .transform(written => new SecretReference(written, 'value'))
    .meta({ form: 'the name of a secret', writeOnly: true })
}

/** A secret that must be given by name. */
export function secretName(read?: (found: string) => string) {
  return secretMatching(/^[A-Z][A-Z0-9_]*$/, 'an ALL_CAPS secret name').transform(
    written => new SecretReference(written, 'value', [], read),
  )
}

/** The key of a Google service account. */
export function serviceAccount(otherwise: 'value' | 'file') {
  return text()
    .transform(written => new SecretReference(written, otherwise, [], serviceAccountKey))
    .meta(otherwise === 'file' ? { form: 'a path' } : { form: 'the name of a secret', writeOnly: true })
}

/** The path of a file, or the name of a secret that holds what such a file would. */
export function secretFile() {
  return text()
    .regex(/^[^\n]*$/, { error: 'expected a path, or the name of a secret, and not what it holds' })
    .transform(written => new SecretReference(written, 'path'))
    .meta({ form: 'a path, or the name of a secret' })
}

export function list<T extends z.ZodType>(item: T) {
  return z.array(item, { error: expected('a list') })
}

/** Words of a command: a list, or one text that the container's shell reads. */
export function words() {
  return z.union([text().transform(line => ['sh', '-c', line]), list(value())], {
    error: expected('a list of words, or one text'),
  })
}

export function mapOf<T extends z.ZodType>(key: z.ZodString, item: T) {
  return z.record(key, item, { error: expected('a map') })
}

/** A map with exactly these keys; each of them carries its description. */
export function keys<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, { error: expected('a map') })
}

function expected(what: string) {
  return (issue: { code: string; input?: unknown }) => {
    if (issue.code === 'unrecognized_keys' || issue.code === 'invalid_key') return undefined
    return issue.input === undefined ? `missing: expected ${what}` : `expected ${what}, got ${show(issue.input)}`
  }
}

function show(input: unknown): string {
  if (Array.isArray(input)) return 'a list'
  if (typeof input === 'object' && input !== null) return 'a map'
  return JSON.stringify(input)
}
