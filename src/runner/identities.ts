import { readFile } from 'node:fs/promises'
import ssh2, { type BaseAgent, type ParsedKey } from 'ssh2'
import { Secret } from '../config/secret.ts'
import { expandHome, type SshSettings } from './ssh-config.ts'
import type { SshTarget } from './ssh-target.ts'

/** One way to prove who we are, and its name for people. */
export type Identity = { name: string } & ({ key: ParsedKey } | { agent: SomeKeys; keys: readonly ParsedKey[] })

export type Identities = {
  /** In the order in which they are offered. */
  offered: readonly Identity[]
  /** What exists but cannot be used, with the reason. */
  skipped: readonly string[]
}

/**
 * The keys of the configuration, then the agent's, then ssh's identity files. No key is offered twice: a server ends
 * the connection after a few refusals.
 */
export async function identitiesFor(target: SshTarget, settings: SshSettings): Promise<Identities> {
  const skipped: string[] = []
  const skip = (name: string, why: string) => void skipped.push(`${name} (${why})`)
  const paths = target.keys.filter(key => typeof key === 'string').map(path => expandHome(path, settings.home))

  const own = await Promise.all(target.keys.map(key => configuredIdentity(key, settings.home, skip)))
  const inAgent = await keysInAgent(settings, [...paths, ...settings.identityFiles], skip)
  const files = await Promise.all(settings.identityFiles.map(file => identityInFile(file, skip)))

  const offered: Identity[] = own.filter(isThere)
  const isNew = (key: ParsedKey) => !offered.some(identity => keysOf(identity).some(other => isSameKey(key, other)))
  if (inAgent) offered.push(...identityOfAgent(inAgent.agent, inAgent.keys.filter(isNew)))
  for (const file of files) if (file && isNew(file.key)) offered.push(file)
  return { offered, skipped }
}

function keysOf(identity: Identity): readonly ParsedKey[] {
  return 'key' in identity ? [identity.key] : identity.keys
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined
}

type Skip = (name: string, why: string) => void
type KeyIdentity = { name: string; key: ParsedKey }

async function configuredIdentity(key: string | Secret, home: string, skip: Skip): Promise<KeyIdentity | undefined> {
  if (key instanceof Secret) return identityOf(String(key), key.reveal(), skip)
  const text = await readText(expandHome(key, home))
  if (text !== undefined) return identityOf(key, text, skip)
  skip(key, 'cannot be read')
  return undefined
}

async function identityInFile(file: string, skip: Skip): Promise<KeyIdentity | undefined> {
  const text = await readText(file)
  return text === undefined ? undefined : identityOf(file, text, skip)
}

function identityOf(name: string, text: string, skip: Skip): KeyIdentity | undefined {
  const key = parsePrivateKey(text)
  if (!(key instanceof Error)) return { name, key }
  skip(name, /encrypted|passphrase/i.test(key.message) ? 'encrypted: add it to your ssh agent' : key.message)
  return undefined
}

/** A key that came through an environment variable may have lost its last newline or have got Windows' ones. */
function parsePrivateKey(text: string): ParsedKey | Error {
  const key = ssh2.utils.parseKey(`${text.replaceAll('\r\n', '\n').trim()}\n`)
  if (key instanceof Error) return key
  return key.isPrivateKey() ? key : new Error('not a private key')
}

type AgentKeys = { agent: BaseAgent; keys: readonly ParsedKey[] }

/** The keys that also lie in one of the files come first; with IdentitiesOnly they are all. */
async function keysInAgent(
  settings: SshSettings,
  files: readonly string[],
  skip: Skip,
): Promise<AgentKeys | undefined> {
  if (settings.agent === undefined) return undefined
  try {
    const agent = ssh2.createAgent(settings.agent)
    const named = await publicKeysIn(files)
    const isNamed = (key: ParsedKey) => named.some(other => isSameKey(key, other))
    const keys = await askAgent(agent)
    const others = settings.identitiesOnly ? [] : keys.filter(key => !isNamed(key))
    return { agent, keys: [...keys.filter(isNamed), ...others] }
  } catch (error) {
    skip(`the ssh agent at ${settings.agent}`, (error as Error).message)
    return undefined
  }
}

function identityOfAgent(agent: BaseAgent, keys: readonly ParsedKey[]): Identity[] {
  if (keys.length === 0) return []
  const count = keys.length === 1 ? '1 key' : `${keys.length} keys`
  return [{ name: `the ssh agent (${count})`, agent: new SomeKeys(agent, keys), keys }]
}

function askAgent(agent: BaseAgent): Promise<ParsedKey[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it does not answer')), 5_000)
    agent.getIdentities((error, keys) => {
      clearTimeout(timer)
      if (error) reject(error)
      else resolve((keys ?? []) as ParsedKey[])
    })
  })
}

/** The public half may lie beside a private key that only the agent can use. */
async function publicKeysIn(files: readonly string[]): Promise<ParsedKey[]> {
  const texts = await Promise.all(files.flatMap(file => [readText(`${file}.pub`), readText(file)]))
  return texts.flatMap(text => {
    const key = text === undefined ? undefined : ssh2.utils.parseKey(text)
    return key === undefined || key instanceof Error ? [] : [key]
  })
}

/** An agent that shows only some of its keys. */
class SomeKeys extends ssh2.BaseAgent<ParsedKey> {
  readonly #agent: BaseAgent
  readonly #keys: readonly ParsedKey[]
  /** What it signed with last: a server is first asked whether it would take a key. */
  lastUsed: ParsedKey | undefined

  constructor(agent: BaseAgent, keys: readonly ParsedKey[]) {
    super()
    this.#agent = agent
    this.#keys = keys
  }

  override getIdentities(callback: (error: null, keys: ParsedKey[]) => void): void {
    callback(null, [...this.#keys])
  }

  override sign(...args: unknown[]): void {
    this.lastUsed = args[0] as ParsedKey
    ;(this.#agent.sign as (...args: unknown[]) => void)(...args)
  }
}

function isSameKey(one: ParsedKey, other: ParsedKey): boolean {
  return one.getPublicSSH().equals(other.getPublicSSH())
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    return undefined
  }
}
