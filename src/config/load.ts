import { build } from './build.ts'
import type { Config } from './config.ts'
import type { Path } from './document.ts'
import { idleKeys } from './idle-keys.ts'
import { type Finding, findingsOf } from './issues.ts'
import { type Layers, readLayers } from './layers.ts'
import { mistakenFile } from './mistaken-file.ts'
import { byPosition, InvalidConfig, type Problem } from './problem.ts'
import { checkRules, literalSecrets, references } from './rules.ts'
import { type Settings, schema } from './schema.ts'

type Wanted = Parameters<typeof readLayers>[0]

export type Loaded = { config: Config; problems: [] } | { config: undefined; problems: Problem[] }

/**
 * Reads the configuration and gives all that is wrong with it at once, sorted by position.
 * @throws JijiError config.missing when there is no file to read
 */
export function readConfig(wanted: Wanted, layers: Layers = readLayers(wanted)): Loaded {
  if (layers.problems.length > 0) return { config: undefined, problems: layers.problems.toSorted(byPosition) }
  const problemOf = asProblem(layers)
  const mistaken = mistakenFile(layers)
  if (mistaken) return { config: undefined, problems: [problemOf(mistaken)] }
  const parsed = schema.safeParse(layers.data, { jitless: true }) // compiling the check takes longer than one check
  if (!parsed.success)
    return { config: undefined, problems: findingsOf(parsed.error, schema).map(problemOf).sort(byPosition) }

  for (const { path, reference } of references(parsed.data)) reference.path = path
  const problems = checkRules(parsed.data, layers.root).map(problemOf)
  if (problems.length > 0) return { config: undefined, problems: problems.sort(byPosition) }
  const warnings = warningsOf(parsed.data, layers).map(problemOf).sort(byPosition)
  return { config: build(parsed.data, { ...layers, environment: wanted.environment, warnings }), problems: [] }
}

/** @throws JijiError config.missing, config.invalid */
export function loadConfig(wanted: Wanted, layers?: Layers): Config {
  const { config, problems } = readConfig(wanted, layers)
  if (config) return config
  throw new InvalidConfig(problems)
}

/** A base serves several environments: what one of them has no use for may be another's. */
function warningsOf(settings: Settings, { files, has, locate }: Layers): Finding[] {
  const last = files.at(-1)
  const isGiven = (path: Path) => has(path) && locate(path, 'key').file === last
  return [...literalSecrets(settings), ...idleKeys(settings, isGiven)]
}

function asProblem({ locate }: Layers) {
  return ({ path, at, ...finding }: Finding): Problem => ({
    ...locate(path, at),
    path: path.join('.'),
    ...finding,
  })
}
