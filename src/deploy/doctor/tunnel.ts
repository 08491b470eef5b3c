import { JijiError } from '../../errors.ts'
import type { Connection } from '../../runner/runner.ts'
import type { Slots } from '../../runner/slots.ts'
import { renderSize } from '../size.ts'
import { openTunnel, throughTunnel } from '../tunnel.ts'
import type { Answers } from './answers.ts'
import { ok, problem, problemOf, unknown, type Verdict, warning } from './finding.ts'
import { holderOf, type Listener } from './listeners.ts'
import { measureTunnel } from './throughput.ts'

export type Checked = { tunnel: readonly Verdict[]; speed?: Verdict }

/** Opens the tunnel that a deploy would, has the registry here answer through it, and measures another one. */
export async function checkTunnel(
  connection: Connection,
  port: number,
  answers: Pick<Answers, 'user' | 'listeners' | 'published'>,
  { isRegistryThere, turns, signal }: { isRegistryThere: boolean; turns: Slots; signal: AbortSignal },
): Promise<Checked> {
  const opened = await openTunnel(connection, port)
  if (!opened.tunnel) return { tunnel: [forbidden] }
  const { port: bound } = opened.tunnel
  const silence = await throughTunnel(
    connection,
    opened,
    () => {},
    async () => undefined,
  ).catch(whenSilent)
  const answer = silence ? judgeSilence(silence, isRegistryThere) : undefined
  const measured = await turns.use(() => measureTunnel(connection, signal)).catch(whenSilent)
  const wide = measured && !(measured instanceof JijiError) ? judgeEnd(measured.listeners) : undefined
  return {
    tunnel: [judgePort(port, bound, answers), ...(answer ? [answer] : []), ...(wide ? [wide] : [])],
    speed: judgeSpeed(measured),
  }
}

/** What the tunnel itself did not do is a finding; that the server is lost is not. */
function whenSilent(error: unknown): JijiError {
  if (error instanceof JijiError && ['tunnel.failed', 'server.timeout'].includes(error.code)) return error
  throw error
}

const forbidden = warning(
  'no-forwarding',
  'its sshd forbids tunnels: images go as a stream, all of their layers each time',
  'write AllowTcpForwarding yes (or remote) for this user into its sshd_config, then reload sshd',
)

/** The usual port is for people who pull by hand: a deploy does as well with any other. */
export function judgePort(
  port: number,
  bound: number,
  { user, listeners, published }: Pick<Answers, 'user' | 'listeners' | 'published'>,
): Verdict {
  if (bound === port) return ok(`its 127.0.0.1:${port} leads to port ${port} here`)
  const holder = holderOf(port, listeners ?? [], published)
  if (!holder && port < 1024 && user?.id !== 0)
    return warning(
      'tunnel-port-privileged',
      `its sshd gives port ${port} to root alone: it was 127.0.0.1:${bound} this time`,
      'a deploy takes such a port by itself; builder.registry.port: 9270, or any other above 1023, makes it the same each time',
    )
  return warning(
    'tunnel-port-taken',
    `port ${port} is taken by ${holder ?? 'somebody'}: it was 127.0.0.1:${bound} this time`,
    'a deploy takes such a port by itself, and so nothing needs to be done; who pulls by hand must take it too',
  )
}

function judgeSilence(silence: JijiError, isRegistryThere: boolean): Verdict {
  return isRegistryThere
    ? problemOf(silence)
    : unknown(
        'no-registry',
        'whether the registry here answers through it is not known: it does not run',
        'a deploy starts it, as does jiji registry setup',
      )
}

/** By GatewayPorts, sshd listens for all the world at what was asked for 127.0.0.1. */
export function judgeEnd(listeners: readonly Listener[]): Verdict | undefined {
  if (!listeners.some(({ address }) => ['0.0.0.0', '*', '::'].includes(address))) return undefined
  return problem(
    'tunnel.failed',
    'gateway-ports',
    'its sshd opens the tunnel to all of its network, from where anybody could read the images here',
    'write GatewayPorts no (or clientspecified) into its sshd_config, then reload sshd',
  )
}

function judgeSpeed(measured: Awaited<ReturnType<typeof measureTunnel>> | JijiError): Verdict {
  if (measured instanceof JijiError)
    return unknown(
      'not-measured',
      `it could not be measured: ${measured.message}`,
      'try again when the connection is less busy',
    )
  if (!measured)
    return unknown('no-reader', 'nothing there could read from a tunnel', 'install bash, curl or wget for this check')
  const { bytesPerSecond, roundTrip } = measured
  return ok(`${renderSize(bytesPerSecond)}/s through a tunnel, ${roundTrip.toPrecision(2)} ms there and back`, {
    bytesPerSecond: Math.round(bytesPerSecond),
    roundTrip: Number(roundTrip.toFixed(2)),
  })
}
