import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configFile, type ProposedFile, schemaFile, schemaLine } from '../config/propose/files.ts'

/** Every key there is, with an example, and a sample of every hook. */
export function wholeTemplate(project: string): (ProposedFile & { mode?: number })[] {
  const templates = templateFolder()
  const template = readFileSync(join(templates, 'deploy.yml'), 'utf8')
  const samples = readdirSync(join(templates, 'hooks')).map(name => ({
    path: `.jiji/hooks/${name}`,
    contents: readFileSync(join(templates, 'hooks', name), 'utf8'),
    about: 'a sample of a hook',
    mode: statSync(join(templates, 'hooks', name)).mode & 0o777,
  }))
  const contents = schemaLine + template.replace(/^project: .*$/m, () => `project: ${project}`)
  return [{ path: configFile, contents, about: 'every key, explained' }, schemaFile(), ...samples]
}

/** Beside the bundle in a package, and beside the sources in a checkout. */
function templateFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  const candidates = ['../templates', '../../templates'].map(path => join(here, path))
  const found = candidates.find(path => existsSync(path))
  if (!found) throw new Error(`the templates are missing: ${candidates.join(', ')}`)
  return found
}
