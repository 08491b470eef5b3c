import { type ExecFileException, execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { JijiError } from '../errors.ts'
import type { SshTarget } from './ssh-target.ts'

/** What OpenSSH would do for a host. */
export type SshSettings = {
  host: string
  port: number
  user: string
  /** The name under which known_hosts files know the host. */
  knownAs: string
  identityFiles: readonly string[]
  /** The socket of the agent; none when there is no agent or it is not to be asked. */
  agent?: string
  /** Of the agent's keys, only those that are also in `identityFiles`. */
  identitiesOnly: boolean
  /** The first of them is where a new key is recorded. */
  knownHostsFiles: readonly string[]
  strict: boolean
  hashKnownHosts: boolean
  /** A file of host keys that are not to be accepted, wherever else they stand. */
  revokedKeys?: string
  /** A program knows host keys that no file has. */
  hasKnownHostsCommand: boolean
  proxyJump?: string
  proxyCommand?: string
  /** Milliseconds. */
  connectTimeout?: number
  /** What `~` stands for in paths. */
  home: string
  warnings: readonly string[]
}

type Environment = { readonly [name: string]: string | undefined }

/**
 * Asks OpenSSH itself (`ssh -G`), so that Include, Match and the tokens mean what they mean to it. What the target
 * says goes before what the files say. JIJI_KNOWN_HOSTS names the one file of those who are known, for jobs that are to
 * leave nothing in a home.
 */
export async function sshSettings(target: SshTarget, environment: Environment = process.env): Promise<SshSettings> {
  const homes = { real: userInfo().homedir, used: environment.HOME || userInfo().homedir }
  const { options, warnings } = await askOpenSsh(target, homes, environment)
  return { ...settingsOf(options, target, homes, environment), warnings }
}

type Homes = { real: string; used: string }

async function askOpenSsh(target: SshTarget, homes: Homes, environment: Environment) {
  const file = configurationFile(target.config, homes)
  const args = [
    ...(file === undefined ? [] : ['-F', file]),
    ...(target.user === undefined ? [] : ['-l', target.user]),
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
  ]
  const { error, stdout, stderr } = await runSsh(['-G', ...args, '--', target.host], environment)
  if (error?.code === 'ENOENT') return { options: new Map<string, string[]>(), warnings: ignoredFile(target, homes) }
  if (error) throw notUnderstood(target, stderr || error.message)
  return { options: parseOptions(stdout), warnings: [] }
}

type Ended = { error: ExecFileException | null; stdout: string; stderr: string }

/** By Node alone, which is there already: who has nothing to run on this machine need not load execa. */
function runSsh(words: readonly string[], environment: Environment): Promise<Ended> {
  return new Promise(resolve => {
    const done = (error: Ended['error'], stdout: string, stderr: string) => resolve({ error, stdout, stderr })
    execFile('ssh', words, { env: environment, timeout: 20_000 }, done).stdin?.end()
  })
}

/**
 * OpenSSH takes the home from the password file and ignores $HOME: where they differ, $HOME is meant. A file that is
 * named goes instead of the system's, which is little to lose.
 */
function configurationFile(config: boolean | string, homes: Homes): string | undefined {
  if (config === false) return 'none'
  if (typeof config === 'string') return resolve(expandHome(config, homes.used))
  if (homes.real === homes.used) return undefined
  return [join(homes.used, '.ssh/config'), '/etc/ssh/ssh_config'].find(file => existsSync(file)) ?? 'none'
}

function ignoredFile({ server, config }: SshTarget, homes: Homes): string[] {
  const file = config === true ? join(homes.used, '.ssh/config') : config
  return file !== false && existsSync(expandHome(file, homes.used))
    ? [`${server}: ${file} is not used, because no ssh is installed here that could read it`]
    : []
}

function notUnderstood({ server, config }: SshTarget, stderr: string): JijiError {
  const file = typeof config === 'string' ? config : '~/.ssh/config'
  return new JijiError('config.invalid', `${server}: ssh does not understand its configuration: ${stderr.trim()}`, {
    server,
    hint: `correct ${file}, or set \`ssh: {config: false}\` to do without it`,
  })
}

/** The output of `ssh -G`: a lower-case key and its value on each line, some keys several times. */
function parseOptions(text: string): Map<string, string[]> {
  const options = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ')
    if (space < 0) continue
    const key = line.slice(0, space)
    options.set(key, [...(options.get(key) ?? []), line.slice(space + 1)])
  }
  return options
}

function settingsOf(
  options: Map<string, string[]>,
  target: SshTarget,
  homes: Homes,
  environment: Environment,
): Omit<SshSettings, 'warnings'> {
  const given = (key: string) => options.get(key)?.[0]
  const isOn = (key: string) => ['yes', 'true'].includes(given(key) ?? '')

  const host = given('hostname') ?? target.host
  const port = target.port ?? Number(given('port') ?? 22)
  const user = target.user ?? given('user') ?? userInfo().username
  const alias = given('hostkeyalias')
  const tokens = {
    '%': '%',
    h: host,
    n: target.host,
    p: String(port),
    r: user,
    u: userInfo().username,
    i: String(userInfo().uid),
    d: homes.used,
    k: alias ?? target.host,
    l: hostname(),
    L: hostname().split('.')[0] ?? '',
  }
  const path = (text: string) => absolutePath(expand(text, tokens, environment), homes)

  const identityFiles = options.get('identityfile') ?? defaultIdentities
  const agent = agentSocket(given('identityagent'), path, environment)
  const proxyCommand = given('proxycommand')
  const proxyJump = target.proxy ?? (proxyCommand === undefined ? given('proxyjump') : undefined)
  const revokedKeys = given('revokedhostkeys')
  const connectTimeout = Number(given('connecttimeout'))
  const onlyKnown = environment.JIJI_KNOWN_HOSTS

  return {
    home: homes.used,
    host,
    port,
    user,
    knownAs: knownName(host, port, alias),
    identityFiles: identityFiles.filter(isSet).map(path),
    ...(agent === undefined ? {} : { agent }),
    identitiesOnly: isOn('identitiesonly'),
    knownHostsFiles: onlyKnown
      ? [resolve(onlyKnown)]
      : [
          ...paths(given('userknownhostsfile') ?? '~/.ssh/known_hosts ~/.ssh/known_hosts2'),
          ...paths(given('globalknownhostsfile') ?? '/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2'),
        ].map(path),
    strict: target.strict || Boolean(onlyKnown) || isOn('stricthostkeychecking'),
    hashKnownHosts: isOn('hashknownhosts'),
    ...(isSet(revokedKeys) ? { revokedKeys: path(revokedKeys) } : {}),
    hasKnownHostsCommand: isSet(given('knownhostscommand')),
    ...(isSet(proxyJump) ? { proxyJump } : {}),
    ...(target.proxy === undefined && isSet(proxyCommand) ? { proxyCommand: expand(proxyCommand, tokens, {}) } : {}),
    ...(connectTimeout > 0 ? { connectTimeout: connectTimeout * 1000 } : {}),
  }
}

const defaultIdentities = ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa']

/** `[host]:port`, unless the port is 22 or the host goes by another name. */
function knownName(host: string, port: number, alias: string | undefined): string {
  if (isSet(alias)) return alias.toLowerCase()
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
}

function agentSocket(
  given: string | undefined,
  path: (text: string) => string,
  environment: Environment,
): string | undefined {
  if (given === 'none') return undefined
  if (given === undefined || given === 'SSH_AUTH_SOCK') return environment.SSH_AUTH_SOCK || undefined
  if (given.startsWith('$')) return environment[given.replace(/^\$\{?(\w+)\}?$/, '$1')] || undefined
  return path(given)
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== 'none'
}

function paths(list: string): string[] {
  return list.split(/\s+/).filter(path => path !== '' && path !== 'none')
}

function expand(text: string, tokens: Readonly<Record<string, string>>, environment: Environment): string {
  return text
    .replace(/%(.)/g, (token, letter: string) => tokens[letter] ?? token)
    .replace(/\$\{(\w+)\}/g, (variable, name: string) => environment[name] ?? variable)
}

/** In some of its answers ssh has put the home from the password file already. */
function absolutePath(path: string, homes: Homes): string {
  if (path.startsWith(`${homes.real}/`)) return join(homes.used, path.slice(homes.real.length))
  const expanded = expandHome(path, homes.used)
  return isAbsolute(expanded) ? expanded : resolve(expanded)
}

export function expandHome(path: string, home: string): string {
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path
}
