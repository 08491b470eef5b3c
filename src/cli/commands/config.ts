import { relative } from 'node:path'
import type { Path } from '../../config/document.ts'
import { readLayers } from '../../config/layers.ts'
import { loadConfig } from '../../config/load.ts'
import { nearest } from '../../config/nearest.ts'
import { type Resolved, resolved, valueAt } from '../../config/resolved.ts'
import { yamlText, yamlWithComments } from '../../config/yaml-text.ts'
import { JijiError } from '../../errors.ts'
import type { Context } from '../context.ts'

export async function run({ options, output, directory, args }: Context): Promise<void> {
  const wanted = { directory, file: options.text('config'), environment: options.text('environment') }
  const layers = readLayers(wanted)
  for (const warning of loadConfig(wanted, layers).warnings) output.warn(warning)
  const whole = resolved(layers)
  const path = args[0]?.split('.') ?? []
  const data = select(whole.data, path)
  const originOf = (inner: Path) => originText(whole, [...path, ...inner], directory)
  if (output.style.json) {
    const origins = options.flag('origins') ? { origins: Object.fromEntries(originsIn(data, originOf)) } : {}
    return output.json({ schemaVersion: 1, files: layers.files, config: data, ...origins })
  }
  const text = options.flag('origins') ? yamlWithComments(data, originOf) : yamlText(data)
  output.document(text.trimEnd())
}

/** @throws JijiError usage.unknown-key */
function select(data: unknown, path: readonly string[]): unknown {
  for (const [index, step] of path.entries()) {
    const parent = valueAt(data, path.slice(0, index))
    if (valueAt(parent, [step]) !== undefined) continue
    const known = typeof parent === 'object' && parent !== null ? Object.keys(parent) : []
    const meant = nearest(step, known)
    throw new JijiError('usage.unknown-key', `the configuration has no ${path.slice(0, index + 1).join('.')}`, {
      ...(meant && { hint: `did you mean ${[...path.slice(0, index), meant].join('.')}?` }),
    })
  }
  return valueAt(data, path)
}

function originText(whole: Resolved, path: Path, directory: string): string {
  const origin = whole.originOf(path)
  return origin ? `${relative(directory, origin.file)}:${origin.line}` : 'default'
}

/** Of each single value, under its path. */
function originsIn(data: unknown, originOf: (path: Path) => string, path: Path = []): [string, string][] {
  if (typeof data !== 'object' || data === null) return [[path.join('.'), originOf(path)]]
  return Object.entries(data).flatMap(([key, value]) =>
    originsIn(value, originOf, [...path, Array.isArray(data) ? Number(key) : key]),
  )
}
