import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SshTarget } from '../../src/runner/ssh-target.ts'

const binary = '/usr/sbin/sshd'

export const hasSshd = existsSync(binary)

export type Home = {
  path: string
  /** A client's key, whose public half every server here accepts. */
  key: string
  knownHosts: string
  environment: { [name: string]: string }
}

export type Sshd = {
  port: number
  hostKey: string
  log(): string
  target(more?: Partial<SshTarget>): SshTarget
  /** Ends it with all the sessions it has: what a power cut does to connections. */
  kill(): void
  stop(): Promise<void>
}

/** A home folder for a client, with a key and no known hosts. */
export function makeHome(): Home {
  const path = mkdtempSync(join(tmpdir(), 'jiji-runner-'))
  mkdirSync(join(path, '.ssh'), { mode: 0o700 })
  const key = join(path, 'key')
  makeKey(key)
  const environment = { HOME: path, PATH: process.env.PATH ?? '' }
  return { path, key, knownHosts: join(path, '.ssh/known_hosts'), environment }
}

export function removeHome(home: Home): void {
  rmSync(home.path, { recursive: true, force: true })
}

export function makeKey(file: string, { type = 'ed25519', passphrase = '' } = {}): void {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', file])
}

/** A real sshd on a free port of 127.0.0.1, run by the current user. */
export async function startSshd(home: Home, settings: readonly string[] = [], hostKeyType = 'ed25519'): Promise<Sshd> {
  const port = await freePort()
  const folder = mkdtempSync(join(home.path, 'sshd-'))
  const hostKey = join(folder, 'host_key')
  makeKey(hostKey, { type: hostKeyType })
  writeFileSync(
    join(folder, 'config'),
    [
      ...settings,
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${home.key}.pub`,
      `PidFile ${join(folder, 'pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'LogLevel VERBOSE',
      `SetEnv HOME=${home.path}`, // the user's own .bashrc may be slow
      '',
    ].join('\n'),
  )
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true })

  forget(home, port)
  const child = spawn(binary, ['-D', '-e', '-f', join(folder, 'config')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', chunk => {
    log += chunk
  })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const kill = () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    for (const pid of descendants(child.pid as number).reverse()) endProcess(pid) // sshd cannot tell how they ended
  }
  await listening(port)
  return {
    port,
    hostKey,
    log: () => log,
    target: more => ({
      server: 'web1',
      host: '127.0.0.1',
      port,
      keys: [home.key],
      config: false,
      strict: false,
      ...more,
    }),
    kill,
    async stop() {
      kill()
      await ended
    },
  }
}

/** An earlier server of the same home may have had the port, and another key. */
function forget({ knownHosts }: Home, port: number): void {
  if (!existsSync(knownHosts)) return
  const lines = readFileSync(knownHosts, 'utf8').split('\n')
  writeFileSync(knownHosts, lines.filter(line => !line.startsWith(`[127.0.0.1]:${port} `)).join('\n'))
}

/** One of ours, which may have ended by itself in the meantime. */
function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {}
}

/** A process and all that it started, children first. */
function descendants(pid: number): number[] {
  let children: number[] = []
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    // It has just ended.
  }
  return [...children.flatMap(descendants), pid]
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const isUp = await new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isUp) return
    await sleep(20)
  }
  throw new Error(`nothing listens on ${port}`)
}
