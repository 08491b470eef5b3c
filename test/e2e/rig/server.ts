import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { rigScript } from './claims.ts'

export type ServerEngine = 'docker' | 'podman' | 'both' | 'none'

type Output = { code: number; stdout: string; stderr: string }

export type Server = {
  name: string
  address: string
  engine: ServerEngine
  /** Runs a line of shell as root on the server, without ssh. */
  exec(command: string, options?: { input?: string | Readable | Uint8Array }): Promise<Output>
  /** A power cut: nothing on the server has time to say good-bye. Its disk stays. */
  poweroff(): Promise<void>
  boot(): Promise<void>
  /** Pulls or plugs the cable of its network. */
  link(state: 'up' | 'down'): Promise<void>
  /** Leaves so many megabytes of its disk, or as many as there were. */
  room(megabytes: number | 'off'): Promise<void>
  /** Has its sshd read its configuration again; ends when it does. */
  reloadSshd(): Promise<void>
  /** Holds back each packet for some milliseconds in each direction; needs a C compiler. */
  delay(milliseconds: number | 'off'): Promise<void>
  /** The command lines of all its processes, those in its containers included. */
  processes(): Promise<string[]>
  /** How many commands, shells and subsystems its sshd has started since it was made. */
  executions(): number
  /** How many connections its sshd has let in since it was made. */
  connections(): number
  sshLog(): string
  /** The files that have been written on the server, to disk or memory, and hold a text. */
  filesHolding(text: string): Promise<string[]>
}

type Place = { name: string; address: string; engine: ServerEngine; dir: string }

/** Runs a line of shell on a server that has to succeed. @returns its output, without white space around it */
export async function must(
  server: Server,
  command: string,
  options?: { input?: string | Readable | Uint8Array },
): Promise<string> {
  const { code, stdout, stderr } = await server.exec(command, options)
  if (code !== 0) throw new Error(`${server.name}: ${command}: exited with ${code}: ${stderr || stdout}`)
  return stdout.trim()
}

const environment = {
  HOME: '/root',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
}

export function serverAt({ name, address, engine, dir }: Place): Server {
  const state = join(dir, name)
  const disk = join(state, 'disk')
  const rig = (command: string, ...words: string[]) => execa(rigScript, [command, dir, name, ...words])
  const initPid = () => readFileSync(join(state, 'init.pid'), 'utf8').trim()
  const sshLog = () => readFileSync(join(disk, 'upper/var/log/sshd.log'), 'utf8')

  const exec = async (command: string, { input = '' }: { input?: string | Readable | Uint8Array } = {}) => {
    const words = ['-t', initPid(), '-m', '-u', '-i', '-n', '-p', '--', 'sh', '-c', command]
    const done = await execa('nsenter', words, { env: environment, extendEnv: false, input, reject: false })
    return { code: done.exitCode ?? 128, stdout: done.stdout, stderr: done.stderr }
  }

  return {
    name,
    address,
    engine,
    exec,
    sshLog,
    poweroff: async () => void (await rig('poweroff')),
    boot: async () => void (await rig('boot')),
    link: async up => void (await rig('link', up)),
    room: async megabytes => void (await rig('room', String(megabytes))),
    reloadSshd: async () => {
      const starts = () => sshLog().match(/^Server listening on 0\.0\.0\.0 /gm)?.length ?? 0
      const before = starts()
      await exec('kill -HUP $(cat /run/sshd.pid)')
      while (starts() === before) await sleep(20)
    },
    delay: async milliseconds => void (await rig('delay', String(milliseconds))),
    processes: async () => (await exec('ps -eww -o args=')).stdout.split('\n'),
    executions: () => sshLog().match(/^Starting session: /gm)?.length ?? 0,
    connections: () => sshLog().match(/^Accepted \S+ for /gm)?.length ?? 0,
    filesHolding: text => filesHolding(text, disk, initPid()),
  }
}

async function filesHolding(text: string, disk: string, initPid: string): Promise<string[]> {
  const memory = ['run', 'tmp', 'dev/shm'].map(directory => `/proc/${initPid}/root/${directory}`)
  const places = ['upper', 'home', 'docker', 'containers'].map(directory => join(disk, directory))
  const words = ['-rlF', '--devices=skip', '--binary-files=text', '-e', text, ...places, ...memory]
  const { stdout } = await execa('grep', words, { reject: false })
  return stdout.split('\n').filter(Boolean)
}
