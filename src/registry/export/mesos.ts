import type { ExportFile, Held } from './credential.ts'
import { dockerConfig } from './docker.ts'
import { gzipStored, tar } from './tar.ts'

/** What Mesos unpacks into a task's sandbox, which is the home of the Docker that it calls. */
export function mesosArchive(credentials: readonly Held[]): ExportFile {
  const { contents } = dockerConfig(credentials)
  const archive = tar([
    { name: '.docker/', mode: 0o700 },
    { name: '.docker/config.json', mode: 0o600, contents: Buffer.from(contents) },
  ])
  return { name: 'docker.tar.gz', contents: gzipStored(archive) }
}
