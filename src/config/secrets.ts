import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { Config } from './config.ts'
import { type EnvFile, readEnvFile } from './env-file.ts'
import type { SecretReference } from './fields.ts'
import { nearest } from './nearest.ts'
import { byPosition, InvalidConfig, type Problem } from './problem.ts'
import { references } from './rules.ts'
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

  /** These, and those of others. */
  and(others: Secrets): Secrets {
    return new Secrets(new Map([...this.#values, ...others.#values]))
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
  const wanted = [...new Set(references(parts).map(({ reference }) => reference))]
  const problems: Problem[] = []
  const values = new Map<SecretReference, Secret>()
  for (const reference of wanted) {
    const found = lookUp(config, reference, places)
    if (typeof found === 'string') {
      const secret = readSecret(config, reference, found)
      if (secret instanceof Secret) values.set(reference, secret)
      else problems.push(secret)
    } else if (found) problems.push(found)
  }
  if (problems.length > 0) throw new InvalidConfig(problems.sort(byPosition))

  const outputs = new Map<string, Promise<string>>()
  const commands = wanted.filter(({ isCommand }) => isCommand)
  await Promise.all(
    commands.map(async reference => {
      const command = reference.text.slice(2, -1)
      if (!outputs.has(command)) outputs.set(command, sources.runCommand(command))
      const secret = readSecret(config, reference, await (outputs.get(command) ?? ''))
      if (!(secret instanceof Secret)) throw new InvalidConfig([secret])
      values.set(reference, secret)
    }),
  )
  return new Secrets(values)
}

/** Every secret of a configuration that can be found without running anything: what must not be printed. */
export function findSecrets(config: Config, environment: Sources['environment']): Secret[] {
  const places = placesOf(config, environment)
  return references(config).flatMap(({ reference }) => {
    const { text } = reference
    const found = lookUp(config, reference, places)
    const values = reference.isName ? places.map(place => place.values[text]) : [found]
    return values
      .filter(value => typeof value === 'string' && value !== '')
      .flatMap(value => [value, readable(reference, value as string)])
      .map(value => new Secret(reference.isName ? text : 'a secret', value as string))
  })
}

/** Where each secret of `parts` comes from, in words, for people who wonder. */
export function sourceOf(config: Config, reference: SecretReference, environment: Sources['environment']): string {
  const { text } = reference
  if (reference.isCommand) return `the command ${text.slice(2, -1)}`
  if (reference.otherwise === 'file') return `the file ${text}`
  if (!reference.isName) return 'the configuration itself'
  const place = placesOf(config, environment).find(({ values }) => values[text])
  return place ? `${text} in ${place.name}` : `${text}, which is not set`
}

/** What was found for a reference; a problem if it should have been; nothing for a command and for a path. */
function lookUp(config: Config, reference: SecretReference, places: readonly Place[]): string | Problem | undefined {
  const { text, otherwise } = reference
  if (reference.isName) {
    const place = places.find(({ values, doubt }) => values[text] || doubt(text))
    return doubtful(config, reference, place) ?? place?.values[text] ?? missingSecret(config, reference, places)
  }
  if (reference.isCommand || otherwise === 'path') return undefined
  return otherwise === 'file' ? readSecretFile(config, reference) : text
}

function readSecret(config: Config, reference: SecretReference, found: string): Secret | Problem {
  const path = reference.path.join('.')
  try {
    if (found.includes('\0')) throw new Error('the secret has a NUL in it, which cannot be passed to any program')
    return new Secret(reference.isName ? reference.text : path, reference.read(found))
  } catch (error) {
    const message = (error as Error).message
    return { ...config.locate(reference.path), path, code: 'wrong-secret', message }
  }
}

/** A form of a secret that must not be printed either. */
function readable(reference: SecretReference, found: string): string {
  try {
    return reference.read(found)
  } catch {
    return found
  }
}

function readSecretFile(config: Config, { text, path }: SecretReference): string | Problem {
  const written = text.replace(/^~(?=\/)/, homedir())
  const file = isAbsolute(written) ? written : join(config.root, written)
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const message = `${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`
    const hint = `paths are relative to ${config.root}`
    return { ...config.locate(path), path: path.join('.'), code: 'missing-file', message, hint }
  }
}

/** A name in a file that may have been meant: of the environment's, nobody is told. */
function similar(name: string, places: readonly Place[]): string {
  const files = places.filter(place => place.name !== theEnvironment)
  const found = files.flatMap(place => {
    const meant = nearest(name, Object.keys(place.values))
    return meant && meant !== name ? [`${place.name} has ${meant}`] : []
  })
  return found.length > 0 ? `; ${found.join(', ')}` : ''
}

const theEnvironment = 'the environment'

/** Those that are searched, the first one first. */
export function envFiles({ environment }: Pick<Config, 'environment'>): string[] {
  return environment ? [`.env.${environment}`, '.env'] : ['.env']
}

type Place = Pick<EnvFile, 'doubt'> & { name: string; values: Readonly<Record<string, string | undefined>> }

function placesOf(config: Config, environment: Sources['environment']): Place[] {
  return [
    ...(environment ? [{ name: theEnvironment, values: environment, doubt: () => undefined }] : []),
    ...envFiles(config).map(name => ({ name, ...readEnvFile(join(config.root, name)) })),
  ]
}

/** The place is named in words, because a line of a `.env` file must not be shown. */
function doubtful(config: Config, { text, path }: SecretReference, place: Place | undefined): Problem | undefined {
  const doubt = place?.doubt(text)
  if (!doubt) return undefined
  const message = `the secret ${text} in ${place?.name} ${doubt.message}`
  return { ...config.locate(path), path: path.join('.'), code: 'wrong-secret', message, hint: doubt.hint }
}

function missingSecret(config: Config, reference: SecretReference, places: readonly Place[]): Problem {
  const where = places.map(({ name, values }) => (values[reference.text] === '' ? `${name} (empty there)` : name))
  return {
    ...config.locate(reference.path),
    path: reference.path.join('.'),
    code: 'missing-secret',
    message: `the secret ${reference.text} is not set`,
    hint: `searched: ${where.join(', ')}${similar(reference.text, places)}`,
  }
}
