import { readFileSync } from 'node:fs'
import { JijiError } from '../errors.ts'
import { type Document, type Path, type Position, readDocument } from './document.ts'
import { type Found, findConfig } from './find.ts'
import { overlay } from './overlay.ts'
import type { Problem } from './problem.ts'
import { decode } from './text-file.ts'

/** The files of a configuration laid over each other, before anything in it is checked. */
export type Layers = Found & {
  data: unknown
  /** What is no YAML. */
  problems: readonly Problem[]
  /** Where a value (or with `at: 'key'` its key) stands: in the last file that has it, or its nearest parent. */
  locate(path: Path, at?: 'key' | 'value'): Position
  has(path: Path): boolean
}

/** @throws JijiError config.missing when there is no file to read */
export function readLayers(wanted: Parameters<typeof findConfig>[0]): Layers {
  return layersOf(findConfig(wanted))
}

export function layersOf(found: Found): Layers {
  const documents = found.files.map(file => readDocument(file, readText(file)))
  const problems = documents.flatMap(document => document.problems)
  const data = problems.length > 0 ? undefined : withoutAnchors(documents.map(({ data }) => data).reduce(overlay))
  return { ...found, data, problems, ...positions(documents) }
}

function readText(file: string): string {
  try {
    return decode(readFileSync(file))
  } catch (cause) {
    throw new JijiError('config.missing', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function positions(documents: readonly Document[]): Pick<Layers, 'locate' | 'has'> {
  const documentOf = (path: Path) => documents.findLast(document => document.has(path))
  return {
    locate(path, at = 'value') {
      for (let length = path.length; length > 0; length--) {
        const document = documentOf(path.slice(0, length))
        if (document) return document.locate(path, at)
      }
      return { file: documents[0]?.file ?? '', line: 1, column: 1 }
    },
    has: path => documentOf(path) !== undefined,
  }
}

/** `x-…` at the top level is a place for anchors. */
function withoutAnchors(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return data
  return Object.fromEntries(Object.entries(data).filter(([key]) => !key.startsWith('x-')))
}
