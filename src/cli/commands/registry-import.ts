import { isUtf8 } from 'node:buffer'
import { lstatSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Config, type Credential, credentialsOf } from '../../config/config.ts'
import { addRegistries } from '../../config/edit.ts'
import { readEnvFile } from '../../config/env-file.ts'
import { addVariables } from '../../config/env-lines.ts'
import { layersOf } from '../../config/layers.ts'
import { readConfig } from '../../config/load.ts'
import { references } from '../../config/rules.ts'
import { envFiles, findSecrets } from '../../config/secrets.ts'
import { JijiError } from '../../errors.ts'
import { putFiles } from '../../registry/files.ts'
import { refuseWhatGitTakes } from '../../registry/git.ts'
import { type ImportPlan, type ImportRow, planImport, without } from '../../registry/import/plan.ts'
import { readLogins } from '../../registry/import/read.ts'
import type { Context } from '../context.ts'
import { loadProject } from '../project.ts'
import { thisMachine } from '../servers.ts'

/** Larger than any file with logins, and small enough to be read at once. */
const longest = 1_000_000

export async function run(context: Context): Promise<void> {
  const { args, options, output, signal } = context
  const config = loadProject(context)
  const entries = readLogins(await textOf(context, args[0] ?? ''))
  output.hide(entries.flatMap(entry => ('login' in entry ? [entry.login.password] : [])))
  output.hide(findSecrets(config, context.environment))

  const [envName = ''] = envFiles(config)
  const envFile = join(config.root, envName)
  const env = existing(envFile)
  const planned = planImport(entries, presentIn(context, config, envFile))
  const { text, lost } = addVariables(env.text, planned.variables)
  const plan = without(planned, lost)
  if (plan.declarations.length > 0) {
    if (!options.flag('force')) await refuseWhatGitTakes(thisMachine(context), envFile, signal)
    write(context, config, plan, { path: envFile, contents: text, mode: env.mode })
    if ((env.mode & 0o044) !== 0)
      output.warn(`others on this machine can read ${envFile}: chmod 600 keeps it from them`)
  }
  show(context, plan.rows)
}

async function textOf({ stdin, directory }: Context, file: string): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  const take = (chunk: Buffer | string) => {
    chunks.push(Buffer.from(chunk))
    length += chunk.length
    if (length > longest) throw new JijiError('usage', `${file} is too large to be a file of logins`)
  }
  if (file === '-') for await (const chunk of stdin()) take(chunk)
  else {
    const path = resolve(directory, file)
    try {
      if (statSync(path).size <= longest) take(readFileSync(path))
      else length = longest + 1
    } catch (cause) {
      throw new JijiError('usage', `${path} cannot be read: ${(cause as Error).message}`, { cause })
    }
  }
  if (length > longest) throw new JijiError('usage', `${file} is too large to be a file of logins`)
  return Buffer.concat(chunks).toString()
}

function presentIn({ environment }: Context, config: Config, envFile: string) {
  const secrets = findSecrets(config, environment)
  const referred = new Set(references(config).map(({ reference }) => reference.text))
  return {
    credentials: credentialsOf(config),
    knownValue: ({ secret: { isName, text } }: Credential) =>
      isName ? secrets.find(({ name }) => name === text)?.reveal() : undefined,
    variables: readEnvFile(envFile).values,
    // The environment is searched first: a variable of this name there would win over the line in .env.
    isTaken: (name: string) => referred.has(name) || environment[name] !== undefined,
  }
}

/** A file that is there keeps its text and its mode, but for the right of others to write it. */
function existing(path: string): { text: string; mode: number } {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat) return { text: '', mode: 0o600 }
  return { text: stat.isFile() ? readWhole(path) : '', mode: stat.mode & 0o755 }
}

function readWhole(path: string): string {
  const bytes = readFileSync(path)
  if (isUtf8(bytes)) return bytes.toString()
  throw new JijiError('config.invalid', `${path} is not UTF-8 text`, { hint: 'save it as UTF-8' })
}

/** Both files or none, and only what has been read again as it will be read. With -e they are that environment's. */
function write(
  { options }: Context,
  config: Config,
  { declarations }: ImportPlan,
  env: { path: string; contents: string; mode: number },
): void {
  const path = config.files.at(-1) ?? ''
  const mode = lstatSync(path).mode & 0o777
  const contents = addRegistries(readWhole(path), declarations)
  if (options.flag('dry-run')) return
  putFiles([env, { path, contents, mode }], ([, written = '']) => {
    const layers = layersOf({ root: config.root, files: [...config.files.slice(0, -1), written] })
    const { problems } = readConfig({ directory: config.root, environment: config.environment }, layers)
    const [problem] = problems
    if (!problem) return
    throw new JijiError('config.invalid', `with these declarations ${path} would be wrong: ${problem.message}`, {
      hint: 'nothing was written',
    })
  })
}

function show({ options, output }: Context, rows: readonly ImportRow[]): void {
  const dryRun = options.flag('dry-run')
  const stateOf = ({ state }: ImportRow) => (dryRun && state === 'done' ? 'would be declared' : state)
  if (output.style.json) output.json({ schemaVersion: 1, dryRun, rows })
  else
    output.table(
      ['registry', 'name', 'secret', 'result'],
      rows.map(row => {
        const { registry, name = '-', secret = '-', reason } = row
        return [registry, name, secret, reason ? `${stateOf(row)}: ${reason}` : stateOf(row)]
      }),
    )
  if (rows.every(({ state }) => state === 'skipped'))
    throw new JijiError('failed', 'there was nothing that could be imported')
}
