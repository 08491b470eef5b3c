import { registryHost, registryKey } from '../../config/registry-key.ts'
import { Secret } from '../../config/secret.ts'
import { readYaml } from '../../config/yaml-text.ts'
import { JijiError } from '../../errors.ts'

/** An entry of a file with logins: one that can be declared, or why it cannot. */
export type Entry = { registry: string } & (
  | { login: { key: string; username: string; password: Secret } }
  | { reason: string }
)

/**
 * The logins in a Docker config.json, a Podman auth.json, or Kubernetes secrets (YAML or JSON; several documents, lists).
 * Errors and reasons repeat nothing of what is in it but names of registries.
 * @throws JijiError usage when it is none of these
 */
export function readLogins(text: string): Entry[] {
  const documents = parseAll(text)
  const secrets = documents.flatMap(secretsIn)
  const entries =
    secrets.length > 0 ? secrets.flatMap(readSecret) : documents.length === 1 ? readDocker(documents[0]) : undefined
  if (entries) return unrepeated(entries)
  throw new JijiError('usage', 'this holds no registry logins', {
    hint: "jiji reads Docker's config.json, Podman's auth.json and Kubernetes secrets of the types dockerconfigjson and dockercfg",
  })
}

type Json = Readonly<Record<string, unknown>>

/** What a parser has to say about a file like this may quote it, so it is not told. */
function parseAll(text: string): unknown[] {
  try {
    return [JSON.parse(text.replace(/^\ufeff/, ''))]
  } catch {
    const documents = readYaml(text)
    if (documents) return documents
    throw new JijiError('usage', 'the file is neither JSON nor YAML', {
      hint: 'has a part of it been lost? of YAML, 200 kB are read; choose the secrets that hold logins, or take JSON',
    })
  }
}

function secretsIn(document: unknown): Json[] {
  if (!isObject(document)) return []
  if (Array.isArray(document.items) && /^(Secret)?List$/.test(textIn(document.kind)))
    return document.items.flatMap(item => (isObject(item) && hasLogins(item) ? [item] : []))
  return document.kind === 'Secret' ? [document] : []
}

/** Of several secrets only those that hold logins are meant; a single one is said to hold none. */
function hasLogins(secret: Json): boolean {
  return secret.kind === 'Secret' && /^kubernetes\.io\/dockerc(fg|onfigjson)$/.test(textIn(secret.type))
}

function readSecret(secret: Json): Entry[] {
  const metadata = isObject(secret.metadata) ? secret.metadata : {}
  const name = `the secret ${shown(textIn(metadata.name) || 'without a name')}`
  for (const key of ['.dockerconfigjson', '.dockercfg']) {
    const text = dataOf(secret, key)
    if (text === undefined) continue
    const inner = parseJson(text)
    const entries = isObject(inner) ? readDocker(key === '.dockercfg' ? { auths: inner } : inner, true) : undefined
    return entries ?? [{ registry: name, reason: `its ${key} cannot be read` }]
  }
  return [{ registry: name, reason: 'it is no registry login: it has neither .dockerconfigjson nor .dockercfg' }]
}

/** `stringData` wins over `data`, as in Kubernetes. */
function dataOf({ stringData, data }: Json, key: string): string | undefined {
  const plain = isObject(stringData) ? own(stringData, key) : undefined
  if (typeof plain === 'string') return plain
  const encoded = isObject(data) ? own(data, key) : undefined
  return typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString() : undefined
}

/** Also the oldest form, `.dockercfg`, in which the entries stand alone. */
function readDocker(config: unknown, isKubernetes = false): Entry[] | undefined {
  if (!isObject(config)) return undefined
  const { auths, credHelpers, credsStore } = config
  const isOldest = auths === undefined && Object.values(config).some(one => isObject(one) && 'auth' in one)
  const logins = isObject(auths) ? auths : isOldest ? config : undefined
  const helpers = isObject(credHelpers) ? credHelpers : {}
  const store = typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined
  if (!logins && Object.keys(helpers).length === 0 && !store) return undefined

  const entries = Object.entries(logins ?? {})
    .filter(([registry]) => !Object.hasOwn(helpers, registry))
    .map(([registry, entry]) => readEntry(registry, entry, { isKubernetes, store }))
  const helped = Object.entries(helpers).map(([registry, helper]) => ({
    registry: shown(registry),
    reason: `its login is with the credential helper ${shown(textIn(helper))}; declare it with password: $(command)`,
  }))
  const isEmpty = entries.length === 0 && helped.length === 0 && store !== undefined
  return [
    ...entries,
    ...helped,
    ...(isEmpty ? [{ registry: '*', reason: `all logins are in the credential store ${shown(store)}` }] : []),
  ]
}

function readEntry(
  registry: string,
  entry: unknown,
  { isKubernetes, store }: { isKubernetes: boolean; store: string | undefined },
): Entry {
  const skipped = (reason: string) => ({ registry: shown(registry), reason })
  const key = keyOf(registry, isKubernetes)
  if (key === undefined) return skipped('this is not the name of a registry')
  if (!isObject(entry)) return skipped('it holds no login')
  const found = nameAndPassword(entry)
  if (typeof found === 'object' && found.username !== '<token>') {
    const { username, password } = found
    return { registry: key, login: { key, username, password: new Secret(key, password) } }
  }
  if (typeof found === 'object' || entry.identitytoken) {
    return skipped('it holds an identity token, which only the engine that got it can use; declare a password or token')
  }
  if (entry.registrytoken) return skipped('it holds a registry token, which soon expires')
  if (typeof found === 'string') return skipped(found)
  return skipped(store ? `its login is in the credential store ${shown(store)}` : 'it holds no login')
}

/** Or what is wrong; nothing where there is none. Docker cuts off NUL bytes at the end, and so do we. */
function nameAndPassword(entry: Json): { username: string; password: string } | string | undefined {
  const { auth } = entry
  if (entry.identitytoken) return undefined
  let { username, password } = entry
  if (typeof auth === 'string' && auth !== '') {
    const bytes = Buffer.from(auth, 'base64')
    const text = bytes.toString()
    const colon = text.indexOf(':')
    if (!/^[A-Za-z0-9+/_=\s-]+$/.test(auth) || colon < 0) return 'its auth is not base64 of a name and a password'
    if (!Buffer.from(text).equals(bytes)) return 'its name or password is not UTF-8 text'
    username = text.slice(0, colon)
    password = text.slice(colon + 1).replace(/\0+$/, '')
  }
  if (typeof username !== 'string' || typeof password !== 'string') return undefined
  if (username === '' || password === '') return 'its name or its password is empty'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/\0/.test(password) || /[\u0000-\u001f\u007f:]/.test(username))
    return 'its name or password holds a character that no registry takes'
  return { username, password }
}

/**
 * Docker keeps logins under addresses, of which it goes by the host alone; Podman and Kubernetes under names, which may
 * be namespaces. `/v1/` and `/v2/` belong to no name.
 */
function keyOf(registry: string, isKubernetes: boolean): string | undefined {
  try {
    const name = registry.replace(/\/v[012]\/?$/, '')
    const key = registryKey(name)
    return /^https?:\/\//i.test(registry) && !isKubernetes ? registryHost(key) : key
  } catch (error) {
    if (error instanceof JijiError) return undefined
    throw error
  }
}

/** Two entries may be one registry in two spellings, as Docker Hub often is. */
function unrepeated(entries: readonly Entry[]): Entry[] {
  const first = new Map<string, { username: string; password: Secret }>()
  return entries.flatMap((entry): Entry[] => {
    if (!('login' in entry)) return [entry]
    const { key, username, password } = entry.login
    const before = first.get(key)
    if (!before) {
      first.set(key, entry.login)
      return [entry]
    }
    const isSame = before.username === username && before.password.reveal() === password.reveal()
    return isSame ? [] : [{ registry: key, reason: 'the file has another login for it, which was taken' }]
  })
}

/** A name of a file that others wrote, fit for a line of a table; user information in it stays out. */
function shown(text: string): string {
  return text
    .replace(/^.*@/s, '')
    .replace(/\p{C}+/gu, ' ')
    .slice(0, 80)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function own(object: Json, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
