import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { missingIn } from '../config/propose/env-example.ts'
import { configFile, envExampleFile, type ProposedFile } from '../config/propose/files.ts'
import { missingIgnores, withIgnores } from '../config/propose/ignore.ts'
import { JijiError } from '../errors.ts'
import { putFiles } from '../registry/files.ts'
import type { Context } from './context.ts'
import { textOf } from './look.ts'

/** All or nothing, and nothing over what is there. */
export function writeNew(context: Context, proposed: readonly (ProposedFile & { mode?: number })[]): void {
  const { directory, options, output } = context
  const isDryRun = options.flag('dry-run')
  const isThere = (path: string) => existsSync(join(directory, path))
  const isSame = ({ path, contents }: ProposedFile) => textOf(join(directory, path)) === contents
  const conflicts = proposed.filter(one => one.path !== envExampleFile && isThere(one.path) && !isSame(one))
  if (conflicts.length > 0) {
    const paths = conflicts.map(({ path }) => path).join(', ')
    throw new JijiError('config.exists', `${paths} ${conflicts.length === 1 ? 'is' : 'are'} there already`, {
      hint: 'nothing was written: move what is there away first',
    })
  }
  const wanted = proposed.filter(({ path }) => !isThere(path))
  const ignores = proposed.some(({ path }) => path === configFile) ? ignoreFile(directory) : []
  const files = [...wanted, ...ignores]
  if (!isDryRun) {
    makeFolders(directory, files)
    putFiles(files.map(({ path, contents, mode = 0o644 }) => ({ path: join(directory, path), contents, mode })))
  }
  if (files.length === 0) {
    output.result('all of it is there already, as it would be written')
    return
  }
  const width = Math.max(...files.map(({ path }) => path.length))
  const verb = isDryRun ? 'would write' : 'wrote'
  output.result(files.map(({ path, about }) => `${verb} ${path.padEnd(width)}  ${about}`).join('\n'))
  const config = isDryRun && files.find(({ path }) => path === configFile)
  if (config) output.document(`\n${config.contents.trimEnd()}`)
  tellMissing(context, proposed)
}

function ignoreFile(directory: string): (ProposedFile & { mode: number })[] {
  const path = join(directory, '.gitignore')
  const before = existsSync(path) ? textOf(path) : ''
  if (before === undefined || before.includes('\ufffd'))
    throw new JijiError('config.exists', `${path} is no text that can be added to`, { hint: 'nothing was written' })
  const lines = missingIgnores(before)
  if (lines.length === 0) return []
  const mode = existsSync(path) ? statSync(path).mode & 0o777 : 0o644
  return [{ path: '.gitignore', contents: withIgnores(before), about: `${lines.join(' ')} added`, mode }]
}

/** A project's own .env.example is left as it is. */
function tellMissing({ directory, output }: Context, proposed: readonly ProposedFile[]): void {
  const example = proposed.find(({ path }) => path === envExampleFile)
  const there = textOf(join(directory, envExampleFile)) ?? ''
  const names = [...(example?.contents ?? '').matchAll(/^(\w+)=$/gm)].map(([, name = '']) => name)
  const missing = missingIn(there, names)
  if (missing.length > 0) output.note(`${envExampleFile} is yours, and lacks ${missing.join(', ')}`)
}

function makeFolders(directory: string, files: readonly ProposedFile[]): void {
  for (const { path } of files) {
    const folder = dirname(join(directory, path))
    try {
      mkdirSync(folder, { recursive: true })
    } catch (cause) {
      throw new JijiError('failed', `${folder} cannot be made: ${(cause as Error).message}`, { cause })
    }
  }
}
