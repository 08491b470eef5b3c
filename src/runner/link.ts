import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'ssh2'
import { JijiError } from '../errors.ts'
import { authentication } from './authentication.ts'
import type { ConnectOptions, Timings } from './connect-options.ts'
import { DroppedEarly, shakeHands } from './handshake.ts'
import { hostKeyCheck } from './host-key.ts'
import { identitiesFor } from './identities.ts'
import { pause } from './pause.ts'
import { type Peer, peerOf } from './peer.ts'
import { commandRoute } from './proxy-command.ts'
import { directRoute, jumpRoute, type Route } from './route.ts'
import { reasonOf } from './shell.ts'
import { watchSilence } from './silence.ts'
import { type SshSettings, sshSettings } from './ssh-config.ts'
import { checkTarget, jumpTargets, type SshTarget } from './ssh-target.ts'

/** An authenticated client, and what it rides on. */
export type Link = {
  client: Client
  peer: Peer
  /** Why the connection is gone; undefined while it stands. */
  lostBecause(): string | undefined
  close(): Promise<void>
}

export type LinkOptions = Omit<ConnectOptions, 'timings'> & { timings: Timings }

export async function openLink(target: SshTarget, options: LinkOptions, way: Way = {}): Promise<Link> {
  checkTarget(target)
  const { signal, environment, timings, warn } = options
  const settings = await sshSettings(target, environment)
  const peer = peerOf(target, settings, { isJumpHost: way.isJumpHost === true })
  const note = (message: string) => warn?.(message, target.server)
  settings.warnings.forEach(note)
  const identities = await identitiesFor(target, settings)

  const tryOnce = async () => {
    if (signal?.aborted) throw reasonOf(signal)
    const route = await openRoute({ target, settings, peer }, options, way)
    try {
      const client = await shakeHands(route.stream, {
        peer,
        user: settings.user,
        authentication: authentication(settings.user, identities),
        hostKey: hostKeyCheck(peer, settings, note),
        timings,
        signal,
      })
      return linkOver(client, route, peer, timings)
    } catch (error) {
      await route.close()
      throw route.explain?.(error) ?? error
    }
  }
  return unlessDropped(tryOnce, peer, options)
}

/** What is already there of the way to a server. */
type Way = { carriedBy?: Link; isJumpHost?: boolean }

type Destination = { target: SshTarget; settings: SshSettings; peer: Peer }

async function openRoute({ target, settings, peer }: Destination, options: LinkOptions, way: Way): Promise<Route> {
  const { host, port, proxyJump, proxyCommand } = settings
  const { signal, timings } = options
  const limits = { peer, signal, timeout: settings.connectTimeout ?? timings.connect }
  if (way.carriedBy) return jumpRoute(way.carriedBy, host, port, limits)

  // `Host *` with a ProxyJump is meant for all hosts but the jump host itself.
  const hops = jumpTargets(target, proxyJump).filter(
    hop => ![target.host, host].includes(hop.host) || hop.port !== target.port,
  )
  if (hops.length > 0) return throughJumpHosts(hops, options, last => jumpRoute(last, host, port, limits))
  if (proxyCommand !== undefined) return commandRoute(proxyCommand, peer)
  return directRoute(host, port, limits)
}

async function throughJumpHosts(
  hops: SshTarget[],
  options: LinkOptions,
  toTarget: (last: Link) => Promise<Route>,
): Promise<Route> {
  const links: Link[] = []
  const closeLinks = async () => {
    for (const link of links.toReversed()) await link.close()
  }
  try {
    for (const hop of hops) {
      const carriedBy = links.at(-1)
      links.push(await openLink(hop, options, { isJumpHost: true, ...(carriedBy ? { carriedBy } : {}) }))
    }
    const route = await toTarget(links.at(-1) as Link)
    return {
      ...route,
      async close() {
        await route.close()
        await closeLinks()
      },
    }
  } catch (error) {
    await closeLinks()
    throw error
  }
}

function linkOver(client: Client, route: Route, peer: Peer, timings: Timings): Link {
  let lost: string | undefined
  let closing: Promise<void> | undefined
  const closed = new Promise<void>(resolve => client.once('close', resolve))
  const stopWatching = watchSilence(route.stream, timings.silence, () => {
    lost ??= `nothing came from the server for ${timings.silence / 1000} s`
    route.stream.destroy()
  })
  client.on('error', error => {
    lost ??= error.message
  })
  client.on('close', () => {
    lost ??= 'the server closed it'
    stopWatching()
  })

  const close = async () => {
    lost ??= 'it was closed here'
    stopWatching()
    client.end()
    await Promise.race([closed, sleep(1_000, undefined, { ref: false })])
    await route.close()
  }
  return {
    client,
    peer,
    lostBecause: () => lost,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

async function unlessDropped<T>(attempt: () => Promise<T>, peer: Peer, { timings, signal }: LinkOptions): Promise<T> {
  for (const wait of timings.retries) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof DroppedEarly)) throw error
      await pause(wait * (0.5 + Math.random()), signal) // not all at the same moment again
    }
  }
  try {
    return await attempt()
  } catch (error) {
    throw error instanceof DroppedEarly ? dropped(peer, error, timings.retries.length + 1) : error
  }
}

function dropped({ server, label }: Peer, error: DroppedEarly, tries: number): JijiError {
  return new JijiError(
    'server.refused',
    `${label} dropped the connection before the SSH handshake, ${tries} times: ${error.message}`,
    {
      server,
      hint:
        'sshd does that when too many log in at once (MaxStartups) or when it has had enough of this address for a while ' +
        '(PerSourcePenalties, fail2ban): wait a minute and try again',
      cause: error,
    },
  )
}
