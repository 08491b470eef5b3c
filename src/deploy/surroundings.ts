import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, Service } from '../config/config.ts'
import { Secret } from '../config/secret.ts'
import type { Secrets } from '../config/secrets.ts'
import { JijiError } from '../errors.ts'
import type { Surroundings } from '../shell/container.ts'
import type { File } from '../shell/mounts.ts'

/** What the containers of a service get, with the secrets and the files of now. */
export function surroundingsOf(
  { config, secrets }: { config: Config; secrets: Secrets },
  service: Service,
): Surroundings {
  return {
    scope: config.scope,
    service,
    secrets: service.environment.secrets.map(({ name, secret }) => ({ name, value: secrets.of(secret) })),
    files: readFiles(config.root, service),
  }
}

/** Their content may be secret. */
function readFiles(root: string, { name, files }: Service): File[] {
  return files.map(file => {
    try {
      return { ...file, content: new Secret(file.local, readFileSync(join(root, file.local), 'base64')) }
    } catch (cause) {
      throw new JijiError('config.invalid', `a file of ${name} cannot be read: ${(cause as Error).message}`, { cause })
    }
  })
}
