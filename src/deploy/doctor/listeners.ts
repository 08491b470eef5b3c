/** Something that waits for connections; whose it is can be seen only by root and by its own user. */
export type Listener = { address: string; port: number; by?: string }

/** Reads what `ss -ltnp` says, or else /proc/net/tcp and tcp6. Undefined where neither is there. */
export function readListeners(ss: readonly string[], sockets: readonly string[]): Listener[] | undefined {
  if (ss.length === 0 && sockets.length === 0) return undefined
  return [...ss.flatMap(ofSs), ...sockets.flatMap(ofProc)]
}

/** `LISTEN 0 4096 [::]:80 *:* users:(("nginx",pid=12,fd=6))` */
function ofSs(line: string): Listener[] {
  const [, address = '', port, rest = ''] = /^LISTEN\s+\d+\s+\d+\s+(\S+):(\d+)\s+\S+(.*)$/.exec(line) ?? []
  if (!port) return []
  const [, program, pid] = /\(\("([^"]+)",pid=(\d+)/.exec(rest) ?? []
  return [
    {
      address: address.replace(/^\[|\]$|%.*$/g, ''),
      port: Number(port),
      ...(program ? { by: `${program} (process ${pid})` } : {}),
    },
  ]
}

/** ` 0: 0100007F:0050 00000000:0000 0A …`: each four bytes of an address as a number of that machine. */
function ofProc(line: string): Listener[] {
  const [, hex = '', port] = /^\s*\d+: ([0-9A-F]{8,32}):([0-9A-F]{4}) \S+ 0A /.exec(line) ?? []
  return port ? [{ address: addressOf(hex), port: Number.parseInt(port, 16) }] : []
}

function addressOf(hex: string): string {
  const swapped = (hex.match(/.{8}/g) ?? []).map(word => (word.match(/../g) ?? []).reverse().join('')).join('')
  if (swapped.length === 8) return (swapped.match(/../g) ?? []).map(byte => Number.parseInt(byte, 16)).join('.')
  if (/^0*$/.test(swapped)) return '::'
  return /^0*1$/.test(swapped) ? '::1' : (swapped.toLowerCase().match(/.{4}/g) ?? []).join(':')
}

/** Who has a port, in words. */
export function holderOf(
  port: number,
  listeners: readonly Listener[],
  published: readonly { name: string; ports: string }[] = [],
): string | undefined {
  const container = published.find(({ ports }) => publishes(ports, port))
  if (container) return `the container ${container.name}`
  const found = listeners.filter(one => one.port === port)
  if (found.length === 0) return undefined
  return found.find(({ by }) => by)?.by ?? `a process that this user may not see (sudo ss -ltnp 'sport = :${port}')`
}

/** `0.0.0.0:80->80/tcp, [::]:8000-8010->…`: what stands before an arrow. */
function publishes(ports: string, port: number): boolean {
  return [...ports.matchAll(/:(\d+)(?:-(\d+))?->\S*tcp/g)].some(
    ([, from, to = from]) => port >= Number(from) && port <= Number(to),
  )
}
