import { createHash } from 'node:crypto'
import { fileMode, yamlText } from '../../config/yaml-text.ts'
import { JijiError } from '../../errors.ts'
import { asComments, type ExportFile, type Held, headerLines, type Origin } from './credential.ts'
import { dockerConfig } from './docker.ts'

/** What Ignition can fetch a file by. */
const schemes = ['http:', 'https:', 'tftp:', 's3:', 'gs:', 'arn:']

/**
 * Puts Docker's configuration where the user core of a Flatcar machine has it: in the text itself, or (`source`) fetched
 * at the first boot and checked against the hash of what `export docker-config` writes.
 */
export function butaneConfig(
  credentials: readonly Held[],
  origin: Origin,
  { source }: { source: string | undefined },
): ExportFile {
  const { contents } = dockerConfig(credentials)
  const owner = { user: { name: 'core' }, group: { name: 'core' } }
  const config = {
    variant: 'flatcar',
    version: '1.1.0',
    storage: {
      directories: [{ path: '/home/core/.docker', mode: fileMode(0o700), ...owner }],
      files: [
        {
          path: '/home/core/.docker/config.json',
          mode: fileMode(0o600),
          ...owner,
          contents: source === undefined ? { inline: contents } : remote(source, contents),
        },
      ],
    },
  }
  return {
    name: 'registries.bu',
    contents: asComments(headerLines(origin, credentials)) + yamlText(config),
  }
}

function remote(source: string, contents: string | Buffer) {
  if (!URL.canParse(source) || !schemes.includes(new URL(source).protocol)) {
    throw new JijiError('usage', '--source takes the address that the machine fetches the file from', {
      hint: 'for example --source https://config.example.com/docker-config.json',
    })
  }
  return { source, verification: { hash: `sha512-${createHash('sha512').update(contents).digest('hex')}` } }
}
