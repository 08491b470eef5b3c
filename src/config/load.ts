import { readFileSync } from 'node:fs'
import { JijiError } from '../errors.ts'
import { build } from './build.ts'
import type { Config } from './config.ts'
import { type Document, type Path, type Position, readDocument } from './document.ts'
import { findConfig } from './find.ts'
import { type Finding, findingsOf } from './issues.ts'
import { overlay } from './overlay.ts'
import { byPosition, InvalidConfig, type Problem } from './problem.ts'
import { checkRules, literalSecrets, references } from './rules.ts'
import { schema } from './schema.ts'

export type Loaded = { config: Config; problems: [] } | { config: undefined; problems: Problem[] }

/**
 * Reads the configuration and gives all that is wrong with it at once, sorted by position.
 * @throws JijiError config.missing when there is no file to read
 */
export function readConfig(wanted: Parameters<typeof findConfig>[0]): Loaded {
  const found = findConfig(wanted)
  const documents = found.files.map(file => readDocument(file, readText(file)))
  const syntax = documents.flatMap(document => document.problems)
  if (syntax.length > 0) return { config: undefined, problems: syntax.sort(byPosition) }

  const { locate, problemOf } = positions(documents)
  const data = withoutAnchors(documents.map(document => document.data).reduce(overlay))
  const parsed = schema.safeParse(data)
  if (!parsed.success)
    return { config: undefined, problems: findingsOf(parsed.error, schema).map(problemOf).sort(byPosition) }

  for (const { path, reference } of references(parsed.data)) reference.path = path
  const problems = checkRules(parsed.data, found.root).map(problemOf)
  if (problems.length > 0) return { config: undefined, problems: problems.sort(byPosition) }
  const warnings = literalSecrets(parsed.data).map(problemOf).sort(byPosition)
  return { config: build(parsed.data, { ...found, environment: wanted.environment, warnings, locate }), problems: [] }
}

/** @throws JijiError config.missing, config.invalid */
export function loadConfig(wanted: Parameters<typeof findConfig>[0]): Config {
  const { config, problems } = readConfig(wanted)
  if (config) return config
  throw new InvalidConfig(problems)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new JijiError('config.missing', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** Where things stand when several files are laid over each other: in the last one that has them. */
function positions(documents: readonly Document[]) {
  const documentOf = (path: Path) => documents.findLast(document => document.has(path))
  const locate = (path: Path, at: 'key' | 'value' = 'value'): Position => {
    for (let length = path.length; length > 0; length--) {
      const document = documentOf(path.slice(0, length))
      if (document) return document.locate(path, at)
    }
    return { file: documents[0]?.file ?? '', line: 1, column: 1 }
  }
  const problemOf = ({ path, at, ...finding }: Finding): Problem => ({
    ...locate(path, at),
    path: path.join('.'),
    ...finding,
  })
  return { locate, problemOf }
}

/** `x-…` at the top level is a place for anchors. */
function withoutAnchors(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return data
  return Object.fromEntries(Object.entries(data).filter(([key]) => !key.startsWith('x-')))
}
