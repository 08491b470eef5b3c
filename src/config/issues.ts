import type * as z from 'zod'
import type { Path } from './document.ts'
import { unshown } from './fields.ts'
import { nearest } from './nearest.ts'
import type { ProblemCode } from './problem.ts'

export type Finding = { path: Path; at: 'key' | 'value'; code: ProblemCode; message: string; hint?: string }

/**
 * What zod found, in our words. One issue may hold several unknown keys, and each is a finding of its own. A key that is
 * missing because it was misspelt is said once, at what was written.
 */
export function findingsOf(error: z.ZodError, schema: z.ZodType): Finding[] {
  const misspelt = new Set<string>()
  const findings = error.issues.flatMap(inMap).flatMap((issue): Finding[] => {
    const path = issue.path as (string | number)[]
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, path)
      for (const key of issue.keys) misspelt.add([...path, nearest(key, known)].join('.'))
      return issue.keys.map(key => unknownKey(path, key, known))
    }
    if (issue.code === 'invalid_key') {
      return [{ path, at: 'key', code: 'wrong-value', message: issue.issues[0]?.message ?? issue.message }]
    }
    if (issue.message.startsWith('missing: ')) {
      const message = `${nameOf(path)} is missing: ${issue.message.slice('missing: '.length)}`
      return [{ path, at: 'key', code: 'missing-key', message }]
    }
    const code = issue.message.endsWith(unshown) ? 'literal-secret' : 'wrong-value'
    return [{ path, at: 'value', code, message: issue.message, ...formHint(issue.message, schema, path) }]
  })
  return findings.filter(({ code, path }) => code !== 'missing-key' || !misspelt.has(path.join('.')))
}

/** How a list or a map is written, where a single value stands in its place. */
function formHint(message: string, schema: z.ZodType, path: Path): { hint?: string } {
  const [, wanted, given] = /^expected a (list|map), got ("(?:.*)")$/s.exec(message) ?? []
  if (wanted === 'list' && given !== undefined && given.length < 60) return { hint: `a list is written [${given}]` }
  const known = wanted === 'map' ? keysAt(schema, path) : []
  return known.length > 0 ? { hint: `a map is written {${known[0]}: …}; known here: ${known.join(', ')}` } : {}
}

/** Of a value that may be text or a map, and is a map: what is wrong in it. */
function inMap(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const map = issue.errors.find(issues => issues.every(one => one.path.length > 0 || one.code === 'unrecognized_keys'))
  return map?.map(one => ({ ...one, path: [...issue.path, ...one.path] })) ?? [issue]
}

function nameOf(path: Path): string {
  const last = path.at(-1)
  if (last === undefined) return 'everything'
  return typeof last === 'number' ? 'an item of the list' : last
}

function unknownKey(path: Path, key: string, known: string[]): Finding {
  const meant = nearest(key, known)
  return {
    path: [...path, key],
    at: 'key',
    code: 'unknown-key',
    message: `unknown key ${key}`,
    hint: meant ? `did you mean ${meant}?` : `known here: ${known.join(', ')}`,
  }
}

/** The keys that a schema knows at a path. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let current: unknown = schema
  for (const step of [...path, undefined]) {
    current = mapIn(unwrap(current))
    const def = (current as { def?: Record<string, unknown> }).def
    if (step === undefined) return Object.keys((def?.shape as object | undefined) ?? {})
    current = def?.type === 'object' ? (def.shape as Record<string, unknown>)[step] : (def?.valueType ?? def?.element)
  }
  return []
}

function unwrap(schema: unknown): unknown {
  const def = (schema as { def?: { innerType?: unknown } } | undefined)?.def
  return def?.innerType ? unwrap(def.innerType) : schema
}

/** The map among the kinds of value that something may be. */
function mapIn(schema: unknown): unknown {
  const options = (schema as { def?: { options?: unknown[] } } | undefined)?.def?.options
  return options?.find(option => (option as { def?: { shape?: unknown } }).def?.shape) ?? schema
}
