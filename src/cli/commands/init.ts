import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { JijiError } from '../../errors.ts'
import type { Context } from '../context.ts'

export async function run({ directory, output }: Context): Promise<void> {
  const file = join(directory, '.jiji', 'deploy.yml')
  const existing = [file, file.replace(/yml$/, 'yaml')].find(path => existsSync(path))
  if (existing)
    throw new JijiError('config.exists', `${existing} is there already`, { hint: 'edit it, or move it away first' })
  const templates = templateFolder()
  const template = readFileSync(join(templates, 'deploy.yml'), 'utf8')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, template.replace(/^project: .*$/m, `project: ${projectName(directory)}`))
  cpSync(join(templates, 'hooks'), join(dirname(file), 'hooks'), { recursive: true, force: false })
  output.result(`wrote ${file}, and samples of hooks beside it`)
  output.note(
    'next: put your servers in, then `jiji validate` and `jiji deploy`; secrets go into .env, which git must ignore',
  )
}

/** Beside the bundle in a package, and beside the sources in a checkout. */
function templateFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  const candidates = ['../templates', '../../../templates'].map(path => join(here, path))
  const found = candidates.find(path => existsSync(path))
  if (!found) throw new Error(`the templates are missing: ${candidates.join(', ')}`)
  return found
}

function projectName(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '')
  return name || 'myapp'
}
