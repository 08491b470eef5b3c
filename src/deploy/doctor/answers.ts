import { type Listener, readListeners } from './listeners.ts'

/** What a server, or this machine, said to shell/doctor.ts. What it had no program for is undefined. */
export type Answers = {
  /** In seconds. */
  clock: number | undefined
  user: { id: number; name: string } | undefined
  groups: readonly string[]
  /** Whether sudo works without a password; undefined for root, and where there is none. */
  sudo: 'free' | 'asks' | undefined
  /** Undefined where nothing could be written; null where that was not asked. */
  memory: { type: string; folder: string } | undefined | null
  addresses: readonly string[]
  /** The addresses of each name, none where it has none. */
  resolved: ReadonlyMap<string, readonly string[]> | undefined
  listeners: readonly Listener[] | undefined
  /** Names of running containers, and the ports they publish, in the engine's words. */
  published: readonly { name: string; ports: string }[]
  disks: ReadonlyMap<string, Disk>
  /** The status that asking the engine ended with, and what it said. */
  engine: { status: number; said: string; version: string; arch: string } | undefined
  proxy: { state: string; label: string; version: string } | undefined
  /** The first port that an ordinary user may listen on, where that matters. */
  unprivileged: number | undefined
  lingers: boolean
  /** What a rootless Podman cannot do without, and has not. */
  lacks: ReadonlySet<string>
  tools: ReadonlySet<string>
  client: string | undefined
}

/** Kilobytes, and inodes where the file system counts them. */
export type Disk = {
  device: string
  total: number
  free: number
  mount: string
  inodes?: { total: number; free: number }
}

export function readAnswers(text: string): Answers {
  const lines = text.split('\n').map(line => {
    const space = line.indexOf(' ')
    return space < 0 ? { word: line, rest: '' } : { word: line.slice(0, space), rest: line.slice(space + 1) }
  })
  const all = (word: string) => lines.filter(line => line.word === word).map(({ rest }) => rest)
  const [first] = all('user')
  const user = /^(\d+) (\S+)$/.exec(first ?? '')
  const [sudo] = all('sudo')
  return {
    clock: numberIn(all('clock')[0]),
    user: user ? { id: Number(user[1]), name: user[2] ?? '' } : undefined,
    groups: (all('groups')[0] ?? '').split(' '),
    sudo: sudo === 'free' || sudo === 'asks' ? sudo : undefined,
    memory: memoryIn(all('memory')),
    addresses: all('address').flatMap(rest => /\binet6? ([0-9a-f.:]+)/.exec(rest)?.[1] ?? []),
    resolved: resolvedIn(all('resolved')),
    listeners: readListeners(all('listen'), all('socket')),
    published: all('published').map(rest => ({
      name: rest.split(' ')[0] ?? '',
      ports: rest.slice(rest.indexOf(' ') + 1),
    })),
    disks: disksIn(all('disk'), all('inodes')),
    engine: engineIn(all('engine')[0], all('said')),
    proxy: proxyIn(all('proxy')[0], all('caddy')[0]),
    unprivileged: numberIn(all('unprivileged')[0]),
    lingers: all('linger').length === 0,
    lacks: new Set(all('lacks')),
    tools: new Set(all('tool')),
    client: all('client')[0] || undefined,
  }
}

function memoryIn(lines: readonly string[]): Answers['memory'] {
  if (!lines.includes('asked')) return null
  const [, type = '', folder = ''] = /^(\S+) (.+)$/.exec(lines.find(line => line !== 'asked') ?? '') ?? []
  return type ? { type, folder } : undefined
}

function resolvedIn(lines: readonly string[]): Answers['resolved'] {
  if (lines.length === 0) return undefined
  const words = lines.map(line => line.split(' ').filter(word => word !== ''))
  return new Map(words.map(([name = '', ...addresses]) => [name, addresses]))
}

/** The last line of `df -P`: what stands before the figures may be anything. */
function disksIn(disks: readonly string[], inodes: readonly string[]): Answers['disks'] {
  const figures = (lines: readonly string[]) =>
    new Map(
      lines.flatMap(line => {
        const [, what = '', device = '', total, free, mount = ''] =
          /^(\S+) (.*\S)\s+(\d+)\s+-?\d+\s+(-?\d+)\s+(?:\d+%|-)\s+(\/.*)$/.exec(line) ?? []
        return total ? [[what, { device, total: Number(total), free: Math.max(0, Number(free)), mount }] as const] : []
      }),
    )
  const counted = figures(inodes)
  return new Map(
    [...figures(disks)].map(([what, disk]) => {
      const { total = 0, free = 0 } = counted.get(what) ?? {}
      return [what, { ...disk, ...(total > 0 ? { inodes: { total, free } } : {}) }]
    }),
  )
}

function engineIn(status: string | undefined, said: readonly string[]): Answers['engine'] {
  if (!status) return undefined
  const line = said.find(one => one.startsWith('{')) ?? '{}'
  const { version = '', arch = '' } = objectIn(line)
  return {
    status: Number(status),
    said: said.filter(one => one !== line).join('\n'),
    version: String(version),
    arch: String(arch).replace(/^linux\//, ''),
  }
}

function proxyIn(text: string | undefined, caddy = ''): Answers['proxy'] {
  if (!text) return undefined
  const [state = '', ...label] = text.split(' ')
  return { state, label: label.join(' '), version: caddy.split(' ')[0] ?? '' }
}

function objectIn(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}
