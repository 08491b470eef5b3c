import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
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
  const dir = await mkdtemp(join(tmpdir(), 'jiji-engine-'))
  const name = `jiji${process.pid}`
  const host = `unix://${dir}/docker.sock`
  await execa('ip', ['link', 'add', name, 'type', 'bridge'])
  await execa('ip', ['address', 'add', `10.78.${process.pid % 250}.1/24`, 'dev', name])
  await execa('ip', ['link', 'set', name, 'up'])
  const folders = ['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec'), '--pidfile', join(dir, 'pid')]
  // Ports that are published on the loopback address are served by its proxy, which needs no rules of the firewall.
  const network = ['--bridge', name, '--iptables=false', '--ip6tables=false']
  const daemon = execa('dockerd', [...folders, ...network, '-H', host, '--cgroup-parent', `/${name}`], {
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
    await execa('ip', ['link', 'delete', name], { reject: false })
    await rm(dir, { recursive: true, force: true })
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
