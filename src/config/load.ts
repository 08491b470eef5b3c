import { build } from './build.ts'
import type { Config } from './config.ts'
import { type Finding, findingsOf } from './issues.ts'
import { type Layers, readLayers } from './layers.ts'
import { byPosition, InvalidConfig, type Problem } from './problem.ts'
import { checkRules, literalSecrets, references } from './rules.ts'
import { schema } from './schema.ts'

type Wanted = Parameters<typeof readLayers>[0]

export type Loaded = { config: Config; problems: [] } | { config: undefined; problems: Problem[] }

/**
 * Reads the configuration and gives all that is wrong with it at once, sorted by position.
 * @throws JijiError config.missing when there is no file to read
 */
export function readConfig(wanted: Wanted): Loaded {
  const layers = readLayers(wanted)
  if (layers.problems.length > 0) return { config: undefined, problems: layers.problems.toSorted(byPosition) }
  const problemOf = asProblem(layers)
  const parsed = schema.safeParse(layers.data)
  if (!parsed.success)
    return { config: undefined, problems: findingsOf(parsed.error, schema).map(problemOf).sort(byPosition) }

  for (const { path, reference } of references(parsed.data)) reference.path = path
  const problems = checkRules(parsed.data, layers.root).map(problemOf)
  if (problems.length > 0) return { config: undefined, problems: problems.sort(byPosition) }
  const warnings = literalSecrets(parsed.data).map(problemOf).sort(byPosition)
  return { config: build(parsed.data, { ...layers, environment: wanted.environment, warnings }), problems: [] }
}

/** @throws JijiError config.missing, config.invalid */
export function loadConfig(wanted: Wanted): Config {
  const { config, problems } = readConfig(wanted)
  if (config) return config
  throw new InvalidConfig(problems)
}

function asProblem({ locate }: Layers) {
  return ({ path, at, ...finding }: Finding): Problem => ({
    ...locate(path, at),
    path: path.join('.'),
    ...finding,
  })
}
