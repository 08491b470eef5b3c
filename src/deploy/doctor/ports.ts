import type { Settings } from '../../config/config.ts'
import { proxyContainer } from '../../shell/names.ts'
import { openPorts } from '../privileged-ports.ts'
import type { Answers } from './answers.ts'
import { ok, problem, unknown, type Verdict } from './finding.ts'
import { holderOf } from './listeners.ts'

/** The ports of the proxy, on a server that has routes: ours, free, or taken by somebody. */
export function judgePorts({ http_port, https_port }: Settings['proxy'], answers: Answers): Verdict {
  const { listeners, published, proxy, user, unprivileged } = answers
  const ports = [...new Set([http_port, https_port])]
  const low = ports.filter(port => user?.id !== 0 && unprivileged !== undefined && port < unprivileged)
  if (low.length > 0)
    return problem(
      'engine.denied',
      'port-privileged',
      `a rootless Podman may not listen on ${low.join(' and ')}`,
      openPorts(Math.min(...low), 'proxy.http_port and proxy.https_port'),
    )
  if (!listeners)
    return unknown('no-ss', 'who has which port could not be read', 'install ss there (iproute2) for this check')
  const isOurs = (port: number) =>
    proxy?.state === 'running' &&
    (proxy.label.split(' ').includes(String(port)) ||
      holderOf(port, listeners, published) === `the container ${proxyContainer}`)
  const taken = ports.flatMap(port => {
    const holder = isOurs(port) ? undefined : holderOf(port, listeners, published)
    return holder ? [{ port, holder }] : []
  })
  if (taken.length > 0)
    return problem(
      'port.taken',
      'port-taken',
      taken.map(({ port, holder }) => `port ${port} is taken by ${holder}`).join(', '),
      'the proxy needs it: stop what has it, or proxy.http_port and proxy.https_port name others',
    )
  return ok(ports.map(port => `${port} ${isOurs(port) ? 'is ours' : 'is free'}`).join(', '))
}
