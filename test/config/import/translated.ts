import { draftText } from '../../../src/config/draft-text.ts'
import { translateCompose } from '../../../src/config/import/compose.ts'
import { translateKamal } from '../../../src/config/import/kamal.ts'
import type { Setting } from '../../../src/config/import/setting.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { settle } from '../../../src/config/settle.ts'
import { folderWith } from '../folder.ts'

export const setting: Setting = {
  file: 'compose.yml',
  folder: '.',
  project: 'shop',
  servers: { web1: { host: 'web1.example.com' } },
  domain: undefined,
  kindOf: path => (/\.(conf|txt|sql)$/.test(path) ? 'file' : undefined),
  namesIn: path => (path === '.env' ? ['DATABASE_URL', 'mail_key'] : undefined),
}

/** What is on the disk of the projects that the samples are of. */
export const disk = { Dockerfile: '', 'Dockerfile.prod': '', 'nginx.conf': '', 'pw.txt': '', 'db/setup.sql': '' }

/**
 * A file as the configuration that is loaded in the end, the text of that, and the remarks as they are shown. What is
 * translated has to load: this throws where it does not.
 */
export function translated(kind: 'compose' | 'kamal', source: string, more: Partial<Setting> = {}) {
  const translate = kind === 'compose' ? translateCompose : translateKamal
  const root = folderWith(disk)
  const translation = translate(source, { ...setting, ...more })
  settle(translation.draft, root, ({ path, why }) => translation.takeBack(path, why))
  const text = draftText(translation.draft)
  const directory = folderWith({ ...disk, '.jiji/deploy.yml': text })
  const config = loadConfig({ directory })
  const remarks = translation.remarks().map(({ line, key, state, why }) => `${line} ${key} ${state}: ${why}`)
  return { draft: translation.draft, config, text, remarks }
}
