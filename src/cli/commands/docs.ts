import { configSchema, editorSchema } from '../../config/json-schema.ts'
import { childrenOf, type Entry, entriesOf, findEntries } from '../../config/reference.ts'
import { JijiError } from '../../errors.ts'
import { referencePage } from '../../ui/reference.ts'
import type { Context } from '../context.ts'

export async function run({ options, output, args }: Context): Promise<void> {
  const whole = ['schema', 'markdown'].filter(name => options.flag(name))
  if (whole.length > 1 || (whole.length > 0 && args.length > 0))
    throw new JijiError('usage', `--${whole[0]} is all of it, and goes with nothing else`)
  if (options.flag('schema')) return output.json(editorSchema())
  const all = entriesOf(configSchema())
  if (options.flag('markdown')) return output.document(referencePage(all).trimEnd())
  const found = args[0] === undefined ? all.filter(({ key }) => !key.includes('.')) : entriesFor(all, args[0])
  if (output.style.json) return output.json({ schemaVersion: 1, keys: found.flatMap(one => [one, ...below(all, one)]) })
  const only = found.length === 1 ? found[0] : undefined
  if (args[0] === undefined) return showTop(output, found)
  output.result([...found.map(paragraph), ...(only ? childrenOf(all, only).map(paragraph) : [])].join('\n\n'))
}

function showTop(output: Context['output'], keys: readonly Entry[]): void {
  output.table(
    ['key', 'what it is for'],
    keys.map(({ key, description, isRequired }) => [key, `${description}${isRequired ? ' (required)' : ''}`]),
  )
  output.note('\nmore of one: jiji docs services, jiji docs proxy.healthcheck, jiji docs replicas')
}

/** @throws JijiError usage.unknown-key */
function entriesFor(all: readonly Entry[], wanted: string): Entry[] {
  const { found, nearest } = findEntries(all, wanted)
  if (found.length > 0) return found
  throw new JijiError('usage.unknown-key', `the configuration knows no key ${wanted}`, {
    hint: nearest ? `did you mean ${nearest}?` : 'jiji docs shows the keys there are',
  })
}

function below(all: readonly Entry[], { key }: Entry): Entry[] {
  return all.filter(other => /^[.[]/.test(other.key.slice(key.length)) && other.key.startsWith(key))
}

function paragraph({ key, type, default: usual, isRequired, description }: Entry): string {
  const more = isRequired ? ' (required)' : usual === undefined ? '' : ` (default: ${usual})`
  return `${key}\n    ${type}${more}\n    ${description}`
}
