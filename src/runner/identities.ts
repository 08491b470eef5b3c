import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import ssh2, { type BaseAgent, type ParsedKey } from 'ssh2'
import { Secret } from '../config/secret.ts'
import { expandHome, type SshSettings } from './ssh-config.ts'
import type { SshTarget } from './ssh-target.ts'

/** One way to prove who we are, and its name for people. */
export type Identity = { name: string } & ({ key: ParsedKey } | { agent: BaseAgent; keys: readonly ParsedKey[] })

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

  const own = await Promise.all(target.keys.map(key => readIdentity(key, { skip, required: true })))
  const files = await Promise.all(settings.identityFiles.map(file => readIdentity(file, { skip, required: false })))
  const agent = await agentIdentity(settings, skip)

  const offered: Identity[] = []
  const isOffered = (key: ParsedKey) => offered.some(identity => keysOf(identity).some(other => isSameKey(key, other)))
  const offer = (identity: Identity | undefined) => {
    if (identity && !keysOf(identity).every(isOffered)) offered.push(identity)
  }
  own.forEach(offer)
  offer(agent)
  files.forEach(offer)
  return { offered, skipped }
}

function keysOf(identity: Identity): readonly ParsedKey[] {
  return 'key' in identity ? [identity.key] : identity.keys
}

type Skip = (name: string, why: string) => void

async function readIdentity(
  source: string | Secret,
  { skip, required }: { skip: Skip; required: boolean },
): Promise<{ name: string; key: ParsedKey } | undefined> {
  const name = String(source)
  const text = source instanceof Secret ? source.reveal() : await readText(expandHome(source, homedir()))
  if (text === undefined) {
    if (required) skip(name, 'not found')
    return undefined
  }
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

async function agentIdentity(settings: SshSettings, skip: Skip): Promise<Identity | undefined> {
  if (settings.agent === undefined) return undefined
  try {
    const agent = ssh2.createAgent(settings.agent)
    const allowed = settings.identitiesOnly ? await publicKeysOf(settings.identityFiles) : undefined
    const all = await keysInAgent(agent)
    const keys = all.filter(key => !allowed || allowed.some(other => isSameKey(key, other)))
    if (keys.length === 0) return undefined
    return {
      name: `the ssh agent (${keys.length === 1 ? '1 key' : `${keys.length} keys`})`,
      agent: new SomeKeys(agent, keys),
      keys,
    }
  } catch (error) {
    skip(`the ssh agent at ${settings.agent}`, (error as Error).message)
    return undefined
  }
}

function keysInAgent(agent: BaseAgent): Promise<ParsedKey[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it does not answer')), 5_000)
    agent.getIdentities((error, keys) => {
      clearTimeout(timer)
      if (error) reject(error)
      else resolve((keys ?? []) as ParsedKey[])
    })
  })
}

/** IdentitiesOnly names keys by their files; the public half may lie beside a private one that only the agent holds. */
async function publicKeysOf(files: readonly string[]): Promise<ParsedKey[]> {
  const texts = await Promise.all(files.flatMap(file => [readText(`${file}.pub`), readText(file)]))
  return texts.flatMap(text => {
    const key = text === undefined ? undefined : ssh2.utils.parseKey(text)
    return key === undefined || key instanceof Error ? [] : [key]
  })
}

/** An agent that shows only some of its keys. */
class SomeKeys extends ssh2.BaseAgent<ParsedKey> {
  readonly #agent: BaseAgent
  readonly #keys: ParsedKey[]

  constructor(agent: BaseAgent, keys: ParsedKey[]) {
    super()
    this.#agent = agent
    this.#keys = keys
  }

  override getIdentities(callback: (error: null, keys: ParsedKey[]) => void): void {
    callback(null, this.#keys)
  }

  override sign(...args: unknown[]): void {
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
