import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdir, rename, rm, symlink } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { base, claim, release, rigScript, sweep } from './claims.ts'
import { imageId, loadImages } from './images.ts'
import { type Server, type ServerEngine, serverAt } from './server.ts'

export type RigOptions = {
  /** The engine of each server; they are called s1, s2 ... */
  servers: ServerEngine[]
  /** Begins the names of its namespaces, at most 8 characters; a number is added when a rig that lives has it. */
  name?: string
  /** The first three numbers of its network, such as 10.77.4; a free one by default. */
  net?: string
  /** Images of this machine's Docker that the servers' engines begin with: much faster than to load them later. */
  images?: string[]
  /** Lines for each server's sshd_config. */
  sshd?: string[]
  /** An ordinary user of each server, as whom it is logged in to, and whose Podman gets the images. */
  user?: string
}

export type Rig = {
  servers: Server[]
  /** This machine's address in the rig's network. */
  controller: string
  key: string
  knownHosts: string
  /** For `ssh -F` and for `ssh: {config: FILE}`: user, key and known hosts of all servers, which are also called s1 ... */
  sshConfigFile: string
  dir: string
  stop(): Promise<void>
}

/** Boots servers, and first takes away what a crash has left. Each is up, with its engine, when this returns. */
export async function startRig({
  servers: engines,
  name = 'rig',
  net,
  images = [],
  sshd = [],
  user,
}: RigOptions): Promise<Rig> {
  const unavailable = rigUnavailable()
  if (unavailable) throw new Error(unavailable)
  await sweep()
  const ownName = claimName(name)
  const ownNet = claimNet(net)
  const dir = join(base, ownName)
  const stop = async () => {
    await execa(rigScript, ['down', dir])
    release(`net-${ownNet}`)
    release(`rig-${ownName}`)
    await sweep()
  }
  try {
    await mkdir(dir, { recursive: true })
    writeFileSync(join(dir, 'sshd_config'), sshd.join('\n'))
    if (user) writeFileSync(join(dir, 'user'), `${user}\n`)
    if (!user) await Promise.all((['docker', 'podman'] as const).map(engine => seed(dir, engine, engines, images)))
    await execa(rigScript, ['up', dir, ownName, ownNet, ...engines])
  } catch (error) {
    await stop()
    throw error
  }
  const servers = engines.map((engine, i) =>
    serverAt({ name: `s${i + 1}`, address: `${ownNet}.${11 + i}`, engine, dir }),
  )
  if (user) await loadImages(servers, images, user)
  const files = { key: join(dir, 'key'), knownHosts: join(dir, 'known_hosts'), sshConfigFile: join(dir, 'ssh_config') }
  writeFileSync(files.sshConfigFile, sshConfig(servers, files, user))
  return { servers, controller: `${ownNet}.1`, ...files, dir, stop }
}

/** Why a rig cannot run on this machine, as a sentence; nothing when it can. */
export function rigUnavailable(): string | undefined {
  if (process.platform !== 'linux') return `needs Linux, and this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'needs root, for namespaces and mounts'
  const programs = ['ip', 'unshare', 'nsenter', 'sshd', 'ssh-keygen', 'dockerd', 'docker', 'podman']
  const missing = programs.filter(program => !isInstalled(program))
  if (missing.length > 0) return `needs ${missing.join(', ')}, which this machine has not`
  const probe = spawnSync('unshare', ['--net', '--mount', '--pid', '--fork', 'ip', 'link', 'add', 'type', 'veth'])
  if (probe.status !== 0) return `cannot make namespaces here: ${probe.stderr.toString().trim()}`
  return undefined
}

/** Why no packages can be made here of what is installed, and taken from servers. */
export function aptUnavailable(): string | undefined {
  const missing = ['apt-get', 'dpkg-deb', 'dpkg-query'].filter(program => !isInstalled(program))
  return missing.length > 0 ? `needs ${missing.join(', ')}, which this machine has not` : undefined
}

/** Why no ordinary user can have a Podman on a rig of this machine, where a rig itself can be. */
export function rootlessUnavailable(): string | undefined {
  const missing = ['newuidmap', 'slirp4netns', 'setpriv'].filter(program => !isInstalled(program))
  if (missing.length > 0) return `needs ${missing.join(', ')}, which this machine has not`
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun, which this machine has not'
  const probe = spawnSync('setpriv', [
    '--reuid',
    '65534',
    '--clear-groups',
    'unshare',
    '--user',
    '--map-root-user',
    'true',
  ])
  return probe.status === 0 ? undefined : `users cannot make namespaces here: ${probe.stderr.toString().trim()}`
}

function isInstalled(program: string): boolean {
  const directories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
  return directories.some(directory => existsSync(join(directory, program)))
}

function claimName(name: string): string {
  for (let i = 1; i < 100; i++) {
    const candidate = i === 1 ? name : `${name}${i}`
    if (claim(`rig-${candidate}`)) return candidate
  }
  throw new Error(`there are too many rigs called ${name}`)
}

function claimNet(wanted: string | undefined): string {
  const used = Object.values(networkInterfaces()).flatMap(addresses => addresses?.map(({ address }) => address) ?? [])
  const candidates = wanted ? [wanted] : Array.from({ length: 200 }, (_, i) => `10.77.${i}`)
  const free = candidates.find(net => !used.some(address => address.startsWith(`${net}.`)) && claim(`net-${net}`))
  if (!free) throw new Error(wanted ? `the network ${wanted} is in use` : 'there is no free network for a rig')
  return free
}

async function seed(dir: string, engine: 'docker' | 'podman', engines: ServerEngine[], images: string[]) {
  if (images.length === 0 || !engines.some(wanted => wanted === engine || wanted === 'both')) return
  await symlink(await seedOf(engine, images), join(dir, `seed-${engine}`))
}

/** What an engine keeps on its disk when it has these images; made once for all rigs, on a server that is thrown away. */
async function seedOf(engine: 'docker' | 'podman', images: string[]): Promise<string> {
  const ids = await Promise.all(images.map(async image => `${image} ${await imageId(image)}`))
  const hash = createHash('sha256').update(ids.join('\n')).digest('hex').slice(0, 16)
  const seed = join(base, 'seeds', `${engine}-${hash}`)
  if (existsSync(seed)) return seed
  const rig = await startRig({ servers: [engine], name: 'seed' })
  try {
    await loadImages(rig.servers, images)
    const disk = join(rig.dir, 's1', 'disk', engine === 'docker' ? 'docker' : 'containers')
    const parts = engine === 'docker' ? ['image', 'overlay2'] : ['storage']
    const unfinished = `${seed}.${process.pid}`
    await mkdir(unfinished, { recursive: true })
    await execa('cp', ['-a', ...parts.map(part => join(disk, part)), unfinished])
    if (existsSync(seed)) await rm(unfinished, { recursive: true })
    else await rename(unfinished, seed)
  } finally {
    await rig.stop()
  }
  return seed
}

function sshConfig(servers: Server[], { key, knownHosts }: { key: string; knownHosts: string }, user = 'root'): string {
  const names = servers.map(({ name, address }) => `Host ${name}\n  HostName ${address}\n`)
  const everywhere = `Host *\n  User ${user}\n  IdentityFile ${key}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${knownHosts}\n`
  return [...names, everywhere].join('\n')
}
