import type { ClientChannel } from 'ssh2'
import { JijiError } from '../errors.ts'
import { pause, reasonOf, unlessAborted } from './abort.ts'
import { whyNotOpened } from './channel-failure.ts'
import { exitOf } from './exit.ts'
import type { Link } from './link.ts'
import { isLost, lostError } from './lost.ts'
import { readingFrom } from './reading.ts'
import type { Connection, Output, RunOptions } from './runner.ts'
import { runScript, type Shell } from './shell.ts'
import { slots } from './slots.ts'

/** sshd allows 10 sessions on a connection by default (MaxSessions). */
const atOnce = 8

/** Runs scripts over a connection, each in a session of its own. */
export function sessionsOver(link: Link, grace: number): Pick<Connection, 'run' | 'read'> {
  const places = slots(atOnce)
  const sessions: Sessions = { running: 0, begun: 0 }
  const { server } = link.peer
  let ahead: Promise<Shell | undefined> | undefined
  const takeShell = async (signal: AbortSignal | undefined) => {
    if (signal?.aborted) throw reasonOf(signal)
    const ready = ahead
    ahead = undefined
    const shell = ready && (await unlessAborted(ready, signal))
    return shell && link.lostBecause() === undefined ? shell : openShell(link, sessions, signal)
  }
  const inSession = ({ signal, isFollowed }: RunOptions, use: (shell: Shell) => Promise<Output>) =>
    places.use(async () => {
      const shell = await takeShell(signal)
      // Not sooner: where a server allows one session only, that must be the one that is needed.
      if (isFollowed) ahead ??= startShell(link).catch(() => undefined)
      sessions.begun += 1
      sessions.running += 1
      try {
        return await use(shell)
      } finally {
        sessions.running -= 1
      }
    })
  return {
    run: (script, options = {}) => inSession(options, shell => runScript(shell, script, { grace, ...options, server })),
    read: (script, signal) =>
      readingFrom(hand => inSession({ signal }, shell => runScript(hand(shell), script, { signal, server, grace }))),
  }
}

type Sessions = { running: number; begun: number }

/** A server with a lower MaxSessions refuses some of them: those wait, as long as others get their turn. */
async function openShell(link: Link, sessions: Sessions, signal: AbortSignal | undefined): Promise<Shell> {
  for (let vain = 0, begunBefore = sessions.begun; ; ) {
    if (signal?.aborted) throw reasonOf(signal)
    const opening = startShell(link)
    try {
      return await unlessAborted(opening, signal)
    } catch (error) {
      if (signal?.aborted) {
        opening.then(shell => shell.kill()).catch(() => {}) // it may still come
        throw reasonOf(signal)
      }
      if (isLost(link, error as Error)) throw lostError(link, 'before a command could run', error)
      vain = sessions.running > 0 || sessions.begun > begunBefore ? 0 : vain + 1
      begunBefore = sessions.begun
      if (vain > 3) throw noSession(link, error as Error)
      await pause(50 * 2 ** vain, signal)
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
  const exited = exitOf(channel, link)
  const closed = Promise.all([
    new Promise(resolve => channel.on('close', resolve)),
    new Promise(resolve => channel.stderr.on('close', resolve)),
  ]).then(() => {
    if (link.lostBecause() !== undefined) throw lostError(link, 'while a command ran')
  })
  closed.catch(() => {}) // it is looked at, but maybe later
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

export function noSession({ peer }: Link, cause: Error): JijiError {
  return new JijiError('server.refused', `${peer.label} refused to run a command: ${whyNotOpened(cause)}`, {
    server: peer.server,
    hint: 'see MaxSessions and ForceCommand in its sshd_config, and the restrictions of this key in authorized_keys',
    cause,
  })
}
