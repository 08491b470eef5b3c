import type { Credential } from '../config/config.ts'
import { covers, registryHost, registryKey } from '../config/registry-key.ts'
import type { Secret } from '../config/secret.ts'
import { JijiError } from '../errors.ts'
import { hostEntry } from '../shell/engine.ts'
import { hostCredential } from './credentials.ts'

/** What a configuration declares, for programs that ask for one login at a time. */
export type Declared = {
  credentials: readonly Credential[]
  /** The file it is declared in; nothing where there is no configuration. */
  file: string | undefined
  /** Looks up the secret of one credential, and of no other. */
  secretOf: (credential: Credential) => Promise<Secret>
}

/** What is written to stdout, and whether the exit status says that it is an error. */
export type Answer = { text: string; isError: boolean }

/** To the letter, because by these words the engines know that they may go on without a login. */
const notFound = 'credentials not found in native keychain'
const noServer = 'no credentials server URL'

/** `get` of the protocol of docker-credential-helpers: a server's address in, its login out. */
export async function answerGet(input: string, { credentials, secretOf }: Declared): Promise<Answer> {
  const server = input.trim()
  if (server === '') return refuse(noServer)
  const credential = credentialAt(credentials, server)
  if (!credential) return refuse(notFound)
  const secret = await secretOf(credential)
  return answer({ ServerURL: server, Username: credential.username, Secret: secret.reveal() })
}

/** `list`: which servers there are logins for, and whose; by the names that Docker gives them. */
export function answerList({ credentials }: Declared): Answer {
  const hosts = new Set(credentials.map(({ key }) => registryHost(key)))
  return answer(
    Object.fromEntries(
      [...hosts].map(host => [hostEntry('docker', host), hostCredential(credentials, host)?.username]),
    ),
  )
}

/** `store` is refused, unless it would change nothing: `docker login` with what is declared then succeeds. */
export async function answerStore(input: string, declared: Declared): Promise<Answer> {
  const { server, username, secret } = readStored(input)
  const credential = credentialAt(declared.credentials, server)
  if (credential?.username === username && (await isSame(declared, credential, secret))) return answer()
  const place = declared.file ?? 'a .jiji/deploy.yml (jiji init writes one)'
  return refuse(
    credential
      ? `nothing was stored, because ${credential.key} is declared in ${place}: change its secret where ${credential.name} takes it from`
      : `jiji stores no credentials: declare ${registryKey(server)} under registries in ${place}`,
  )
}

/** The credential that covers the whole of a name with the longest key. */
export function longestCovering(credentials: readonly Credential[], name: string): Credential | undefined {
  return credentials.filter(({ key }) => covers(key, name)).toSorted((a, b) => b.key.length - a.key.length)[0]
}

/**
 * Engines ask for a host, and some for a part of one. A word that is no host is nobody's: only in the name of an image
 * does it mean Docker Hub, whose login must not go anywhere else.
 */
function credentialAt(credentials: readonly Credential[], server: string): Credential | undefined {
  const address = addressOf(server)
  if (address === undefined) return undefined
  const key = registryKey(address)
  const host = registryHost(key)
  return key === host ? hostCredential(credentials, host) : longestCovering(credentials, key)
}

/** Without the path of the API; nothing for what Docker keeps of its own accounts beside Docker Hub's login. */
function addressOf(server: string): string | undefined {
  if (server.length > 300) throw new JijiError('usage', 'that is too long for the address of a registry')
  const bare = server.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
  if (/^index\.docker\.io\/v1\/(access|refresh)-token$/.test(bare)) return undefined
  const [host = '', ...path] = bare.split('/')
  if (!/[.:@]/.test(host) && host.toLowerCase() !== 'localhost') return undefined
  return /^v[12]\/?$/.test(path.join('/')) ? host : bare
}

function readStored(input: string): { server: string; username: string; secret: string } {
  try {
    const { ServerURL: server, Username: username, Secret: secret } = JSON.parse(input)
    if ([server, username, secret].every(one => typeof one === 'string')) return { server, username, secret }
  } catch {
    // What was written may hold a secret, and is not repeated.
  }
  throw new JijiError('usage', 'expected JSON with ServerURL, Username and Secret')
}

async function isSame({ secretOf }: Declared, credential: Credential, secret: string): Promise<boolean> {
  const own = await secretOf(credential)
  return own.reveal() === secret
}

function answer(value?: unknown): Answer {
  return { text: value === undefined ? '' : `${JSON.stringify(value)}\n`, isError: false }
}

function refuse(why: string): Answer {
  return { text: `${why}\n`, isError: true }
}
