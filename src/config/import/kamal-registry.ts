import type { Path } from '../document.ts'
import { type Draft, isMap } from '../draft.ts'
import { userPlaceholder } from '../propose/registry.ts'
import { variableOf } from './kamal-values.ts'
import { secretNameOf } from './names.ts'
import { eachKey, type Translation } from './translation.ts'

const keys = { server: '', username: '', password: '' }

/** Where built images go: `server` absent is Docker Hub. */
export function translateRegistry(translation: Translation, { registry, image }: Draft): void {
  const own = isMap(registry) ? registry : {}
  const to = ['builder', 'registry']
  eachKey(translation, registry, ['registry'], keys, 'a registry has no such key')
  const server = typeof own.server === 'string' && !own.server.includes('<%') ? own.server : undefined
  const local = /^localhost(?::(\d+))?$/.exec(server ?? '')
  if (local) {
    translation.put([...to, 'type'], 'local', ['registry', 'server'])
    if (local[1] !== undefined) translation.put([...to, 'port'], local[1], ['registry', 'server'])
    return
  }
  if (registry === undefined) {
    translation.put([...to, 'type'], 'local', [])
    return
  }
  translation.put([...to, 'server'], server ?? 'docker.io', ['registry', 'server'])
  if (own.server !== undefined && server === undefined)
    translation.change(['registry', 'server'], 'Ruby is not run here: write the registry in the place of docker.io')
  const owner = putLogin(translation, own, server ?? 'docker.io', to, ['registry'])
  putNamespace(translation, image, owner, to)
}

/** A registry of an accessory of its own becomes a credential. */
export function translatePullRegistry(translation: Translation, registry: unknown, from: Path, name: string): void {
  eachKey(translation, registry, from, keys, 'a registry has no such key')
  if (!isMap(registry)) return
  const server = typeof registry.server === 'string' ? registry.server : 'docker.io'
  translation.put(['registries', name, 'server'], server, [...from, 'server'])
  putLogin(translation, registry, server, ['registries', name], from)
}

/** Gives the user's name, where it is one. */
function putLogin(translation: Translation, own: Draft, server: string, to: Path, from: Path): string | undefined {
  const kind = kindOf(server, own.username)
  if (kind !== undefined && kind !== 'gcp-service-account') {
    translation.put([...to, 'auth'], kind, [...from, 'server'])
    const command = kind === 'aws-ecr' ? 'aws' : kind === 'azure-acr' ? 'az' : 'gcloud'
    if (own.password !== undefined)
      translation.change([...from, 'password'], `the command ${command} makes a token per run`)
    return undefined
  }
  const secret = secretIn(translation, own.password, [...from, 'password'])
  if (kind === 'gcp-service-account') {
    translation.put([...to, 'auth'], kind, [...from, 'username'])
    translation.put([...to, 'key'], secret, [...from, 'password'])
    return undefined
  }
  const username = typeof own.username === 'string' && !own.username.includes('<%') ? own.username : undefined
  translation.put([...to, 'username'], username ?? userPlaceholder, [...from, 'username'])
  if (username === undefined)
    translation.change([...from, 'username'], 'a user name is no secret here: write it in the place of your-name')
  translation.put([...to, 'password'], secret, [...from, 'password'])
  return username
}

function kindOf(
  server: string,
  username: unknown,
): 'aws-ecr' | 'gcp-service-account' | 'gcp-access-token' | 'azure-acr' | undefined {
  if (/\.dkr[.-]ecr[.-]|^public\.ecr\.aws/.test(server)) return 'aws-ecr'
  if (username === '_json_key' || username === '_json_key_base64') return 'gcp-service-account'
  if (username === 'oauth2accesstoken') return 'gcp-access-token'
  return username === '00000000-0000-0000-0000-000000000000' ? 'azure-acr' : undefined
}

/** The name of a password: what a file says in clear stays where it is. */
function secretIn(translation: Translation, password: unknown, from: Path): string {
  const [first] = Array.isArray(password) ? password : [variableOf(password)]
  if (typeof first === 'string') return secretNameOf(first)
  translation.change(from, 'it was not copied: put it into .env as REGISTRY_PASSWORD')
  return 'REGISTRY_PASSWORD'
}

/** The part of the image's name that says whose it is. */
function putNamespace(translation: Translation, image: unknown, owner: string | undefined, to: Path): void {
  if (typeof image !== 'string') return
  const namespace = image.split('/').slice(0, -1).join('/')
  if (namespace !== '' && namespace !== owner) translation.put([...to, 'namespace'], namespace, ['image'])
  translation.change(['image'], 'images are named by jiji, by project and service')
}
