import { existsSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { JijiError } from '../errors.ts'

export type Found = {
  root: string
  /** The base file, the environment's file, or both in this order: the later is laid over the earlier. */
  files: string[]
}

type Wanted = { directory: string; file?: string | undefined; environment?: string | undefined }

/**
 * Finds the configuration from a directory upward. A missing environment file is an error and never falls back to the
 * base file alone.
 * @throws JijiError config.missing
 */
export function findConfig({ directory, file, environment }: Wanted): Found {
  if (environment !== undefined && !/^\w[\w.-]*$/.test(environment))
    throw missing(`${JSON.stringify(environment)} can be no name of an environment`, 'write letters, digits, - and _')
  return file === undefined ? findUpward(directory, environment) : findNamed(resolve(directory, file), environment)
}

function findNamed(file: string, environment: string | undefined): Found {
  if (!existsSync(file)) throw missing(`there is no ${file}`, 'check the path after --config')
  const folder = dirname(file)
  const root = basename(folder) === '.jiji' ? dirname(folder) : folder
  if (environment === undefined) return { root, files: [file] }
  const extension = extname(file)
  const overlay = join(folder, `${basename(file, extension)}.${environment}${extension}`)
  if (!existsSync(overlay))
    throw missing(`there is no ${overlay} for the environment ${environment}`, `write ${overlay}`)
  return { root, files: [file, overlay] }
}

function findUpward(directory: string, environment: string | undefined): Found {
  for (let root = resolve(directory); ; root = dirname(root)) {
    const base = firstOf(root, ['.jiji/deploy.yml', '.jiji/deploy.yaml'])
    const overlay = environment === undefined ? undefined : firstOf(root, overlayNames(environment))
    if (overlay) return { root, files: base ? [base, overlay] : [overlay] }
    if (base && environment === undefined) return { root, files: [base] }
    if (base) {
      const [expected = ''] = overlayNames(environment ?? '')
      throw missing(
        `there is no file for the environment ${environment} beside ${base}`,
        `write ${join(root, expected)}, or leave out -e`,
      )
    }
    if (root === dirname(root)) break
  }
  throw missing(
    `there is no .jiji/deploy.yml in ${directory} or in any folder above it`,
    'run jiji init to write one, or name a file with --config',
  )
}

function overlayNames(environment: string): string[] {
  return [
    `.jiji/deploy.${environment}.yml`,
    `.jiji/deploy.${environment}.yaml`,
    `jiji.${environment}.yml`,
    `jiji.${environment}.yaml`,
  ]
}

function firstOf(root: string, names: readonly string[]): string | undefined {
  return names.map(name => join(root, name)).find(path => existsSync(path))
}

function missing(message: string, hint: string): JijiError {
  return new JijiError('config.missing', message, { hint })
}
