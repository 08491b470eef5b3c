import { mkdir } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { base, claim, release, rigScript, sweep } from './claims.ts'
import { archiveOf } from './images.ts'

/** A Docker of its own on this machine, beside the one that everybody uses. */
export type Engine = {
  /** For DOCKER_HOST. */
  host: string
  /** Its client. @returns what it wrote, without white space around it; throws when it fails */
  docker(...words: string[]): Promise<string>
  /** Where a volume lies. */
  volume(name: string): string
  stop(): Promise<void>
}

/** Starts it with these images of this machine's Docker; `stop` leaves nothing. */
export async function startEngine(images: readonly string[]): Promise<Engine> {
  await sweep()
  const net = claimNet()
  const name = `engine-${net}`
  const dir = join(base, name)
  const host = `unix://${dir}/docker.sock`
  await execa(rigScript, ['engine-down', dir]) // what is left there has no owner
  await mkdir(dir, { recursive: true })
  await execa('ip', ['link', 'add', `jiji-${name}`, 'type', 'bridge'])
  await execa('ip', ['address', 'add', `10.78.${net}.1/24`, 'dev', `jiji-${name}`])
  await execa('ip', ['link', 'set', `jiji-${name}`, 'up'])
  const folders = ['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec'), '--pidfile', join(dir, 'pid')]
  // Ports that are published on the loopback address are served by its proxy, which needs no rules of the firewall.
  const network = ['--bridge', `jiji-${name}`, '--iptables=false', '--ip6tables=false']
  const daemon = execa('dockerd', [...folders, ...network, '-H', host, '--cgroup-parent', `/jiji-${name}`], {
    reject: false,
    stdin: 'ignore',
    all: true,
  })
  const run = (...words: string[]) => execa('docker', ['-H', host, ...words])
  const stop = async () => {
    const ids = await run('ps', '-q').catch(() => ({ stdout: '' }))
    for (const id of ids.stdout.split('\n').filter(Boolean)) await run('kill', id).catch(() => {})
    daemon.kill('SIGTERM')
    await daemon
    await execa(rigScript, ['engine-down', dir])
    release(name)
    await sweep()
  }
  try {
    for (let tries = 0; (await run('version').catch(() => undefined)) === undefined; tries++) {
      if (tries === 300) throw new Error('dockerd does not answer')
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    for (const image of images) await execa('docker', ['-H', host, 'load', '-q'], { inputFile: await archiveOf(image) })
  } catch (error) {
    await stop()
    throw new Error(`there is no engine: ${(await daemon).all}`, { cause: error })
  }
  return {
    host,
    docker: async (...words) => (await run(...words)).stdout.trim(),
    volume: volume => join(dir, 'data/volumes', volume, '_data'),
    stop,
  }
}

/** The third number of a network that nobody has, a test that died included. */
function claimNet(): number {
  const used = Object.values(networkInterfaces()).flatMap(addresses => addresses?.map(({ address }) => address) ?? [])
  const candidates = Array.from({ length: 200 }, (_, index) => index)
  const isFree = (net: number) => !used.some(address => address.startsWith(`10.78.${net}.`))
  const free = candidates.find(net => isFree(net) && claim(`engine-${net}`))
  if (free === undefined) throw new Error('there is no free network for an engine')
  return free
}
