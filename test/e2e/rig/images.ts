import { createReadStream, existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { base } from './claims.ts'
import { must, type Server } from './server.ts'

/** Brings images of this machine's Docker to servers, as a registry would, but without one. */
export async function loadImages(servers: Server | Server[], images: string[]): Promise<void> {
  const archives = await Promise.all(images.map(archiveOf))
  await Promise.all([servers].flat().map(server => loadAll(server, archives)))
}

/** An image as a file, which is made once for all rigs. */
async function archiveOf(image: string): Promise<string> {
  const { stdout: id } = await execa('docker', ['image', 'inspect', '--format', '{{.Id}}', image])
  const directory = join(base, 'images')
  mkdirSync(directory, { recursive: true })
  const archive = join(directory, `${encodeURIComponent(image)}-${id.replace('sha256:', '').slice(0, 16)}.tar`)
  if (existsSync(archive)) return archive
  const unfinished = `${archive}.${process.pid}`
  await execa('docker', ['save', '-o', unfinished, image])
  renameSync(unfinished, archive)
  return archive
}

async function loadAll(server: Server, archives: string[]): Promise<void> {
  const engines = server.engine === 'both' ? ['docker', 'podman'] : [server.engine]
  for (const engine of engines) {
    for (const archive of archives) await must(server, `${engine} load -q`, { input: createReadStream(archive) })
  }
}
