import { join, relative, resolve } from 'node:path'
import type { Config, Credential } from '../../config/config.ts'
import { nearest } from '../../config/nearest.ts'
import { registryHost } from '../../config/registry-key.ts'
import { JijiError } from '../../errors.ts'
import { asLogin } from '../../registry/credentials.ts'
import { chosen } from '../../registry/export/choices.ts'
import { type Declared, type ExportFile, lifetimeWords } from '../../registry/export/credential.ts'
import { type Format, type FormatName, formats, holdable } from '../../registry/export/formats.ts'
import { type NewFile, putFiles } from '../../registry/files.ts'
import { refuseWhatGitTakes } from '../../registry/git.ts'
import { secretNameFor } from '../../registry/names.ts'
import type { Context } from '../context.ts'
import { loadProject } from '../project.ts'
import { credentialsWanted } from '../registries.ts'
import { gatherSecrets } from '../secrets.ts'
import { thisMachine } from '../servers.ts'

export async function run(context: Context): Promise<void> {
  const { options, args, output } = context
  const [name = '', ...registries] = args
  const { format, formatName } = formatNamed(name)
  const to = options.text('to')
  const config = loadProject(context)
  const choices = chosen(formatName, format, options, config.project)
  checkPlace(context, formatName, format, to)

  const { kept, leftOut } = holdable(format.scope, wanted(config, context, registries))
  const origin = { format: name, project: config.project, files: config.files.map(file => relative(config.root, file)) }
  const files = format.holdsSecrets
    ? format.render(await held(context, config, kept), origin, choices)
    : format.render(kept.map(declared), origin, choices)

  for (const one of leftOut) output.warn(leftOutText(one, kept))
  if (format.holdsSecrets) for (const one of kept) warnOfLife(context, one)
  if (to === undefined) return print(context, files)
  const placed = placedAt(resolve(context.directory, to), format, files)
  if (format.holdsSecrets && !options.flag('force')) {
    for (const { path } of placed)
      await refuseWhatGitTakes(thisMachine(context), path, context.signal, { hasOwnFolder: Boolean(format.isFolder) })
  }
  const isDryRun = options.flag('dry-run')
  if (!isDryRun) putFiles(placed)
  for (const { path } of placed) output.result(`${isDryRun ? 'would write' : 'wrote'} ${path}`)
}

/** @throws JijiError usage with the nearest name */
function formatNamed(name: string): { format: Format; formatName: FormatName } {
  if (Object.hasOwn(formats, name)) return { format: formats[name as FormatName], formatName: name as FormatName }
  const known = Object.keys(formats)
  const meant = nearest(name, known)
  throw new JijiError('usage', name === '' ? 'in which format?' : `there is no format ${name}`, {
    hint: meant && name !== '' ? `did you mean ${meant}?` : `known: ${known.join(', ')}`,
  })
}

/** Before any secret is asked for. */
function checkPlace({ options, output }: Context, name: string, format: Format, to: string | undefined): void {
  if (to !== undefined) {
    if (options.flag('reveal')) throw new JijiError('usage', '--reveal and --to exclude each other')
    return
  }
  if (options.flag('force')) throw new JijiError('usage', '--force is for a file: name it with --to')
  if (!output.isOnTerminal) return
  if (format.isBinary) {
    throw new JijiError('usage', `${name} is no text for a terminal`, { hint: 'name a file with --to, or pipe it' })
  }
  if (format.holdsSecrets && !options.flag('reveal')) {
    throw new JijiError('usage', `${name} holds secrets, and a terminal keeps what it shows`, {
      hint: 'name a file with --to, or add --reveal to show them',
    })
  }
}

function wanted(config: Config, context: Context, registries: readonly string[]): Credential[] {
  const credentials = credentialsWanted(config, { ...context, args: registries })
  if (credentials.length > 0) return credentials
  throw new JijiError('select.no-match', 'the configuration declares no credential: there is nothing to export', {
    hint: 'declare one under registries, or as builder.registry',
  })
}

async function held(context: Context, config: Config, credentials: readonly Credential[]) {
  const secrets = await gatherSecrets(context, config, credentials)
  return credentials.map(one => ({ ...declared(one), password: asLogin(one, secrets).password }))
}

function declared({ name, key, auth, username, secret }: Credential): Declared {
  const github = auth === 'github' ? 'GITHUB_TOKEN' : secretNameFor(key)
  return { name, key, auth, username, variable: secret.isName ? secret.text : github }
}

function leftOutText({ name, key }: Credential, kept: readonly Credential[]): string {
  const host = registryHost(key)
  const winner = kept.find(one => registryHost(one.key) === host)
  return `${name} (${key}) is left out: this format holds one login for ${host}, and that is ${winner?.name}`
}

function warnOfLife({ output }: Context, { name, key, auth }: Credential): void {
  const life = lifetimeWords(auth)
  if (life) output.warn(`${name} (${key}): this copy of its token is good for ${life} at most, and nothing renews it`)
}

function placedAt(target: string, { isFolder }: Format, files: readonly ExportFile[]): NewFile[] {
  return files.map(({ name, contents }) => ({ path: isFolder ? join(target, name) : target, contents }))
}

function print({ output }: Context, files: readonly ExportFile[]): void {
  const [file] = files
  if (!file || files.length > 1)
    throw new JijiError('usage', `this is ${files.length} files`, { hint: 'name a folder for them with --to' })
  output.reveal(file.contents)
}
