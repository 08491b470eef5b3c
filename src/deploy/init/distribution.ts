import type { Engine } from '../../config/config.ts'
import { type Manager, managers, type Packages } from '../../shell/packages.ts'
import { isOlder } from '../doctor/engine.ts'

/** What a server says that it is, in the words of its /etc/os-release. */
export type System = {
  id: string
  /** Distributions that it is made after. */
  like: readonly string[]
  version: string
  name: string
  /** The package managers that are there. */
  managers: ReadonlySet<string>
}

type Need = Omit<Packages, 'manager'>

type Distribution = {
  ids: readonly string[]
  manager: Manager
  docker: Need | string
  podman: Need | string
  /** What Podman needs for a user who is not root. */
  rootless?: Need
  /** The first release whose engine is new enough. */
  since?: Readonly<Record<string, Partial<Record<Engine, string>>>>
}

const names = (...names: string[]): Need => ({ names, whereKnown: [] })
const podman = names('podman', 'netavark', 'aardvark-dns', 'iptables')

/** The first that matches counts: what is made after Red Hat's is made after Fedora too. */
const distributions: readonly Distribution[] = [
  {
    ids: ['debian', 'ubuntu'],
    manager: 'apt',
    // Debian 13 has Docker's client in a package of its own. With AppArmor in the kernel, containers need its parser.
    docker: { names: ['docker.io', 'iptables', 'ca-certificates'], whereKnown: ['docker-cli', 'apparmor'] },
    podman: names('podman', 'netavark', 'aardvark-dns', 'iptables', 'ca-certificates'),
    rootless: { names: ['uidmap', 'slirp4netns'], whereKnown: ['passt'] },
    since: { debian: { podman: '12' }, ubuntu: { podman: '22.10' } },
  },
  { ids: ['amzn'], manager: 'dnf', docker: names('docker'), podman: 'Amazon Linux has no Podman' },
  {
    ids: ['rhel', 'centos'],
    manager: 'dnf',
    docker: "Red Hat's distributions have no Docker, only Podman",
    podman,
  },
  { ids: ['fedora'], manager: 'dnf', docker: names('moby-engine', 'docker-cli', 'iptables'), podman },
  {
    ids: ['alpine'],
    manager: 'apk',
    docker: names('docker', 'iptables'),
    podman,
    rootless: names('shadow-uidmap', 'slirp4netns'),
  },
  { ids: ['suse', 'opensuse'], manager: 'zypper', docker: names('docker', 'iptables'), podman },
  { ids: ['arch'], manager: 'pacman', docker: names('docker'), podman: names('podman', 'netavark', 'aardvark-dns') },
]

/** The distribution's own packages of an engine, or why there are none, and what to do instead. */
export function packagesFor(
  system: System,
  engine: Engine,
  { isRootless }: { isRootless: boolean },
): Packages | { why: string; hint: string } {
  const found = distributions.find(one => isOneOf(system, one))
  const byHand = `install ${engine} there by hand, then run this again`
  if (!found) return { why: `jiji does not know the packages of ${system.name}`, hint: byHand }
  const { manager, rootless, since } = found
  const need = found[engine]
  if (typeof need === 'string') return { why: need, hint: `engine: ${other(engine)} for this server, or ${byHand}` }
  if (!system.managers.has(managers[manager]))
    return { why: `${system.name} has no ${managers[manager]} to install ${engine} with`, hint: byHand }
  const first = since?.[system.id]?.[engine]
  if (first !== undefined && system.version !== '' && isOlder(system.version, first))
    return {
      why: `the ${engine} of ${system.name} is too old: jiji works with that of ${system.id} ${first} and later`,
      hint: `engine: ${other(engine)} for this server, or a newer release there`,
    }
  const more = engine === 'podman' && isRootless ? rootless : undefined
  return {
    manager,
    names: [...need.names, ...(more?.names ?? [])],
    whereKnown: [...need.whereKnown, ...(more?.whereKnown ?? [])],
  }
}

function isOneOf({ id, like }: System, { ids }: Distribution): boolean {
  return [id, ...like].some(one => ids.includes(one) || ids.includes(one.replace(/-.*/, '')))
}

function other(engine: Engine): Engine {
  return engine === 'docker' ? 'podman' : 'docker'
}
