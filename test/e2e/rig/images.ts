import { randomUUID } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { base } from './claims.ts'
import { must, type Server } from './server.ts'

/** Brings images of this machine's Docker to servers, as a registry would, but without one; to a user's Podman, or root's. */
export async function loadImages(servers: Server | Server[], images: string[], user?: string): Promise<void> {
  await Promise.all([servers].flat().map(server => loadAll(server, images, user)))
}

export async function imageId(image: string): Promise<string> {
  const { stdout } = await execa('docker', ['image', 'inspect', '--format', '{{.Id}}', image])
  return stdout.replace('sha256:', '')
}

async function loadAll(server: Server, images: string[], user?: string): Promise<void> {
  const as = (command: string) => (user ? `su - ${user} -c "${command}"` : command)
  for (const engine of enginesOf(server)) {
    for (const image of images) {
      const { stdout } = await server.exec(as(`${engine} image inspect --format '{{.Id}}' ${image}`))
      if (stdout.trim().endsWith(await imageId(image))) continue
      await must(server, as(`${engine} load -q`), { input: createReadStream(await archiveOf(image)) })
    }
  }
}

function enginesOf(server: Server): string[] {
  if (server.engine === 'none') return []
  return server.engine === 'both' ? ['docker', 'podman'] : [server.engine]
}

/** An image as a file, which is made once for all rigs. */
export async function archiveOf(image: string): Promise<string> {
  const directory = join(base, 'images')
  mkdirSync(directory, { recursive: true })
  const archive = join(directory, `${encodeURIComponent(image)}-${(await imageId(image)).slice(0, 16)}.tar`)
  if (existsSync(archive)) return archive
  const unfinished = `${archive}.${randomUUID()}`
  await execa('docker', ['save', '-o', unfinished, image])
  renameSync(unfinished, archive)
  return archive
}
