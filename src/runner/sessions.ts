import { constants } from 'node:os'
import type { ClientChannel } from 'ssh2'
import { JijiError } from '../errors.ts'
import type { Script } from '../shell/script.ts'
import type { Link } from './link.ts'
import { lostError } from './lost.ts'
import { pause } from './pause.ts'
import type { Output, RunOptions } from './runner.ts'
import { reasonOf, runScript, type Shell } from './shell.ts'
import { slots } from './slots.ts'

/** sshd allows 10 sessions on a connection by default (MaxSessions). */
const atOnce = 8

/** Runs scripts over a connection, each in a session of its own. */
export function sessionsOver(link: Link, grace: number) {
  const places = slots(atOnce)
  return {
    run: (script: Script, options: RunOptions = {}): Promise<Output> =>
      places.use(async () => {
        const shell = await openShell(link, () => places.taken > 1, options.signal)
        return runScript(shell, script, { ...options, server: link.peer.server, grace })
      }),
  }
}

/** A server with a lower MaxSessions refuses some of them: they wait until others have ended. */
async function openShell(link: Link, hasOthers: () => boolean, signal: AbortSignal | undefined): Promise<Shell> {
  for (let refusals = 0; ; ) {
    if (signal?.aborted) throw reasonOf(signal)
    try {
      return await startShell(link)
    } catch (error) {
      if (link.lostBecause() !== undefined) throw lostError(link, 'before a command could run', error)
      if (!hasOthers()) refusals += 1
      if (refusals > 3) throw noSession(link, error as Error)
      await pause(50 * 2 ** refusals, signal)
    }
  }
}

function startShell(link: Link): Promise<Shell> {
  return new Promise((resolve, reject) => {
    link.client.exec('sh', (error, channel) => (error ? reject(error) : resolve(shellOver(channel, link))))
  })
}

/** Called with the channel, not later: it can close at once, where a login shell refuses to run anything. */
function shellOver(channel: ClientChannel, link: Link): Shell {
  const exited = new Promise<number>((resolve, reject) => {
    channel.on('exit', (code: unknown, signal: unknown) => {
      if (typeof code === 'number') resolve(code)
      else if (isSignal(signal)) resolve(128 + constants.signals[signal])
    })
    channel.on('close', () => reject(lostError(link, 'while a command ran'))) // says nothing after an exit
  })
  const closed = Promise.all([
    new Promise(resolve => channel.on('close', resolve)),
    new Promise(resolve => channel.stderr.on('close', resolve)),
  ]).then(() => {
    if (link.lostBecause() !== undefined) throw lostError(link, 'while a command ran')
  })
  for (const promise of [exited, closed]) promise.catch(() => {}) // both are looked at, but maybe later
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    exited,
    closed,
    kill: () => {
      channel.signal('KILL')
      channel.close()
    },
  }
}

function isSignal(name: unknown): name is keyof typeof constants.signals {
  return typeof name === 'string' && name in constants.signals
}

function noSession({ peer }: Link, cause: Error): JijiError {
  const why = cause.message.replace('(SSH) Channel open failure: ', '')
  return new JijiError('server.refused', `${peer.label} refused to run a command: ${why}`, {
    server: peer.server,
    hint: 'see MaxSessions and ForceCommand in its sshd_config, and the restrictions of this key in authorized_keys',
    cause,
  })
}
