import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'dotenv'
import { JijiError } from '../errors.ts'
import type { Config } from './config.ts'
import type { SecretReference } from './fields.ts'
import { byPosition, InvalidConfig, type Problem } from './problem.ts'
import { isCommand, isSecretName, references } from './rules.ts'
import { Secret } from './secret.ts'

export type Sources = {
  /** The process's environment; without it, only the files are searched. */
  environment: Readonly<Record<string, string | undefined>> | undefined
  /** Runs the command of a `$(command)` on this machine and gives its output. */
  runCommand: (command: string) => Promise<string>
}

/** The values behind a configuration's secret references. */
export class Secrets {
  readonly #values: ReadonlyMap<SecretReference, Secret>

  constructor(values: ReadonlyMap<SecretReference, Secret>) {
    this.#values = values
  }

  of(reference: SecretReference): Secret {
    const secret = this.#values.get(reference)
    if (!secret) throw new Error(`the secret at ${reference.path.join('.')} was not asked for`)
    return secret
  }

  /** For a field that is a path unless it names a secret. */
  fileOf(reference: SecretReference): string | Secret {
    return this.#values.get(reference) ?? reference.text
  }

  get all(): Secret[] {
    return [...this.#values.values()]
  }
}

/**
 * Looks up every secret that `parts` of the configuration refer to: in the process's environment, then `.env.ENV`,
 * then `.env`. An empty value counts as missing, because that is what CI systems give for a secret they do not have.
 * @throws InvalidConfig that names every missing one, before anything has been asked of a network
 */
export async function resolveSecrets(config: Config, parts: unknown, sources: Sources): Promise<Secrets> {
  const places = placesOf(config, sources.environment)
  const wanted = references(parts).map(({ reference }) => reference)
  const lookUp = (name: string) => places.map(place => place.values[name]).find(value => value)

  const missing = wanted.filter(({ text }) => isSecretName(text) && lookUp(text) === undefined)
  if (missing.length > 0)
    throw new InvalidConfig(missing.map(one => missingSecret(config, one, places)).sort(byPosition))

  const outputs = new Map<string, Promise<string>>()
  const values = wanted.map(async (reference): Promise<[SecretReference, Secret] | undefined> => {
    const { text } = reference
    const path = reference.path.join('.')
    if (isSecretName(text)) return [reference, new Secret(text, lookUp(text) ?? '')]
    if (isCommand(text)) {
      if (!outputs.has(text)) outputs.set(text, sources.runCommand(text.slice(2, -1)))
      return [reference, new Secret(path, await (outputs.get(text) ?? ''))]
    }
    return reference.otherwise === 'value' ? [reference, new Secret(path, text)] : undefined
  })
  return new Secrets(new Map((await Promise.all(values)).filter(entry => entry !== undefined)))
}

/** Every secret of a configuration that can be found without running anything: what must not be printed. */
export function findSecrets(config: Config, environment: Sources['environment']): Secret[] {
  const places = placesOf(config, environment)
  return references(config).flatMap(({ reference: { text, otherwise } }) => {
    if (isSecretName(text))
      return places.flatMap(({ values }) => (values[text] ? [new Secret(text, values[text])] : []))
    return otherwise === 'value' && !isCommand(text) ? [new Secret('a secret', text)] : []
  })
}

type Place = { name: string; values: Readonly<Record<string, string | undefined>> }

function placesOf(config: Config, environment: Sources['environment']): Place[] {
  const files = config.environment ? [`.env.${config.environment}`, '.env'] : ['.env']
  return [
    ...(environment ? [{ name: 'the environment', values: environment }] : []),
    ...files.map(name => ({ name, values: readEnv(join(config.root, name)) })),
  ]
}

/** Only `parse`: it expands nothing, so that `$`, `+` and `|` survive. */
function readEnv(file: string): Record<string, string> {
  if (!existsSync(file)) return {}
  try {
    return parse(readFileSync(file))
  } catch (cause) {
    throw new JijiError('config.missing', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function missingSecret(config: Config, reference: SecretReference, places: readonly Place[]): Problem {
  const where = places.map(({ name, values }) => (values[reference.text] === '' ? `${name} (empty there)` : name))
  return {
    ...config.locate(reference.path),
    path: reference.path.join('.'),
    code: 'missing-secret',
    message: `the secret ${reference.text} is not set`,
    hint: `searched: ${where.join(', ')}`,
  }
}
