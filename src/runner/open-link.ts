import { JijiError } from '../errors.ts'
import { pause, reasonOf } from './abort.ts'
import { authentication } from './authentication.ts'
import type { ConnectOptions } from './connect-options.ts'
import { DroppedEarly } from './dropped.ts'
import { hostKeyCheck } from './host-key.ts'
import type { JumpHosts } from './jump-hosts.ts'
import { type Link, linkOver } from './link.ts'
import { type Peer, peerOf } from './peer.ts'
import { directRoute, jumpRoute, type Route } from './route.ts'
import { type SshSettings, sshSettings } from './ssh-config.ts'
import { checkTarget, jumpTargets, type SshTarget } from './ssh-target.ts'
import { describeStrangers } from './strangers.ts'
import type { Timings } from './timings.ts'

export type LinkOptions = Omit<ConnectOptions, 'timings'> & { timings: Timings; jumpHosts: JumpHosts }

/** Where a target stands on the way to a server. */
type Place = {
  /** The hosts on whose behalf this one is connected to: for a jump host, the server and what lies in between. */
  trail: readonly string[]
  /** The jump hosts before it, instead of those that ssh's configuration names. */
  behind?: readonly SshTarget[]
}

/** Finds out how ssh would do it, goes there, shakes hands. */
export async function openLink(target: SshTarget, options: LinkOptions, place: Place = { trail: [] }): Promise<Link> {
  checkTarget(target)
  const { signal, environment, timings, warn, forgets } = options
  const asking = sshSettings(target, environment)
  const { identitiesFor, shakeHands } = await ssh2Meanwhile(asking)
  const settings = await asking
  const peer = peerOf(target, settings, { isJumpHost: place.trail.length > 0 })
  const note = (message: string) => warn?.(message, target.server)
  const met = options.met ?? (one => describeStrangers([one]).forEach(({ text }) => void note(text)))
  settings.warnings.forEach(note)
  const identities = await identitiesFor(target, settings)

  const tryOnce = async () => {
    if (signal?.aborted) throw reasonOf(signal)
    const route = await openRoute({ target, settings, peer, place }, options)
    route.stream.once('end', () => route.stream.destroy()) // a channel or a pipe would stay open by half
    const hostKey = hostKeyCheck(peer, settings, { note, met, forgets })
    const login = authentication(settings.user, identities)
    try {
      const client = await shakeHands(route.stream, {
        peer,
        user: settings.user,
        authentication: login,
        hostKey,
        timings,
        signal,
      })
      const { user, host, port } = settings
      const address = { user, host, port, hostKey: hostKey.shown(), ...login.accepted() }
      return linkOver(client, route, address, peer, timings)
    } catch (error) {
      await route.close()
      throw route.explain?.(error) ?? error
    }
  }
  return unlessDropped(tryOnce, peer, options)
}

/** Loads what needs ssh2, which takes about as long as ssh does to say how it would go there. */
async function ssh2Meanwhile(asking: Promise<SshSettings>) {
  asking.catch(() => {}) // it is waited for below
  const [{ identitiesFor }, { shakeHands }] = await Promise.all([import('./identities.ts'), import('./handshake.ts')])
  return { identitiesFor, shakeHands }
}

type Destination = { target: SshTarget; settings: SshSettings; peer: Peer; place: Place }

async function openRoute(destination: Destination, options: LinkOptions): Promise<Route> {
  const { settings, peer } = destination
  const { host, port, proxyCommand } = settings
  const limits = { peer, signal: options.signal, timeout: settings.connectTimeout ?? options.timings.connect }
  const jumpHosts = jumpHostsBefore(destination)
  if (jumpHosts.length > 0) return jumpRoute(await linkTo(jumpHosts, destination, options), host, port, limits)
  if (proxyCommand !== undefined) {
    const { commandRoute } = await import('./proxy-command.ts')
    return commandRoute(proxyCommand, peer)
  }
  return directRoute(host, port, limits)
}

function jumpHostsBefore({ target, settings, place }: Destination): readonly SshTarget[] {
  // `Host *` with a ProxyJump is meant for all hosts but the jump host itself.
  const isItself = ({ host, port }: SshTarget) =>
    [target.host, settings.host].includes(host) && (port ?? settings.port) === settings.port
  return place.behind ?? jumpTargets(target, settings.proxyJump).filter(jumpHost => !isItself(jumpHost))
}

/** To the last of several jump hosts, over the others. Only a server's own are shared, so that none can wait for itself. */
async function linkTo(
  jumpHosts: readonly SshTarget[],
  { target, place }: Destination,
  options: LinkOptions,
): Promise<Link> {
  const last = jumpHosts.at(-1) as SshTarget
  const before = jumpHosts.slice(0, -1)
  const trail = [...place.trail, nameOf(target)]
  if (trail.includes(nameOf(last))) throw goesInCircles(target, [...trail, nameOf(last)])

  const open = () => openLink(last, options, { trail, ...(before.length > 0 ? { behind: before } : {}) })
  return place.trail.length > 0 ? open() : options.jumpHosts.share(jumpHosts, open)
}

function nameOf({ host, port }: SshTarget): string {
  return port === undefined ? host : `${host}:${port}`
}

function goesInCircles({ server }: SshTarget, trail: readonly string[]): JijiError {
  return new JijiError('config.invalid', `${server}: the jump hosts go in a circle: ${trail.join(' → ')}`, {
    server,
    hint: 'see ProxyJump in your ssh configuration: a jump host that needs none is excepted by `ProxyJump none`',
  })
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
    if (!(error instanceof DroppedEarly)) throw error
    throw error.explanation ?? dropped(peer, error, timings.retries.length + 1)
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
