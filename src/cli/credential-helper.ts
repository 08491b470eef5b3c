import type { Config } from '../config/config.ts'
import { findConfig } from '../config/find.ts'
import { InvalidConfig } from '../config/problem.ts'
import { JijiError } from '../errors.ts'
import type { Answer, Declared } from '../registry/credential-helper.ts'

export type World = {
  argv: readonly string[]
  environment: Readonly<Record<string, string | undefined>>
  directory: string
  stdin: AsyncIterable<Buffer | string>
  stdout: NodeJS.WritableStream
  stderr: NodeJS.WritableStream
}

declare const JIJI_VERSION: string

const usage = `docker-credential-jiji get|list|store|erase|version|kubelet

Engines run it, and write the server's address to its stdin. The logins are those that the nearest .jiji/deploy.yml
declares, or the file that JIJI_CONFIG names (with JIJI_ENVIRONMENT, that environment's).
`

/**
 * Answers one question of an engine or a kubelet. Errors go to stdout, where the protocol has them, and to stderr too:
 * Docker throws away the first and goes on without a login, and a kubelet looks only at the second.
 * @returns the exit status
 */
export async function serve(world: World): Promise<number> {
  const { stdout, stderr } = world
  // Whoever asked may have gone away: then nobody is left to be told.
  for (const stream of [stdout, stderr]) stream.on('error', () => {})
  try {
    const { text, isError } = await answer(world)
    const isWritten = await write(stdout, text)
    return isWritten && !isError ? 0 : 1
  } catch (error) {
    const text = await describe(world, error)
    await write(stdout, text)
    await write(stderr, `docker-credential-jiji: ${text}`)
    return 1
  }
}

async function answer(world: World): Promise<Answer> {
  const [verb = '', extra] = world.argv
  if (extra !== undefined) throw new JijiError('usage', `${verb} takes nothing more; what is asked for comes on stdin`)
  switch (verb) {
    case 'version':
    case '--version':
      return { text: `docker-credential-jiji (jiji) ${JIJI_VERSION}\n`, isError: false }
    case '--help':
    case '-h':
      return { text: usage, isError: false }
    case 'erase':
      await read(world.stdin)
      return { text: '', isError: false }
    case 'list':
    case 'get':
    case 'store':
    case 'kubelet':
      return await answerFrom(verb, world)
    default:
      throw new JijiError(
        'usage',
        verb ? `there is no verb ${JSON.stringify(verb.slice(0, 40))}` : 'a verb is missing',
        {
          hint: 'the verbs are get, list, store, erase, version and kubelet',
        },
      )
  }
}

async function answerFrom(verb: 'list' | 'get' | 'store' | 'kubelet', world: World): Promise<Answer> {
  const input = verb === 'list' ? '' : await read(world.stdin)
  const { answerGet, answerList, answerStore } = await import('../registry/credential-helper.ts')
  const declared = await declaredBy(world)
  if (verb === 'list') return answerList(declared)
  if (verb === 'get') return answerGet(input, declared)
  if (verb === 'store') return answerStore(input, declared)
  const { answerKubelet } = await import('../registry/kubelet-credential.ts')
  return answerKubelet(input, declared)
}

/** Far more than an address or a kubelet's request, and little enough for whoever writes without end. */
const longestInput = 1_000_000

async function read(stdin: World['stdin']): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk))
    length += chunk.length
    if (length > longestInput) throw new JijiError('usage', 'there is too much on stdin')
  }
  return Buffer.concat(chunks).toString()
}

async function declaredBy(world: World): Promise<Declared> {
  const config = await loadConfig(world)
  if (!config)
    return { credentials: [], file: undefined, secretOf: () => Promise.reject(new Error('none is declared')) }
  const { credentialsOf } = await import('../config/config.ts')
  return {
    credentials: credentialsOf(config),
    file: config.files.at(-1),
    secretOf: async credential => {
      const { resolveSecrets } = await import('../config/secrets.ts')
      const { passwordOf } = await import('../registry/credentials.ts')
      const environment = environmentOf(world)
      return passwordOf(credential, await resolveSecrets(config, [credential], { environment, runCommand }))
    },
  }
}

/** Nothing where there is none, so that engines go on as if we were not there; what is asked for by name must be there. */
async function loadConfig(world: World): Promise<Config | undefined> {
  const { JIJI_CONFIG, JIJI_ENVIRONMENT } = world.environment
  const directory = directoryOf(world)
  const wanted = { directory, file: JIJI_CONFIG || undefined, environment: JIJI_ENVIRONMENT || undefined }
  if (wanted.file === undefined && !isFound({ directory }) && !isFound(wanted)) return undefined
  const { loadConfig } = await import('../config/load.ts')
  return loadConfig(wanted)
}

/** Of a folder that is there no more, only the root is known. */
function directoryOf(world: World): string {
  try {
    return world.directory
  } catch {
    return '/'
  }
}

function isFound(wanted: Parameters<typeof findConfig>[0]): boolean {
  try {
    findConfig(wanted)
    return true
  } catch (error) {
    if (error instanceof JijiError && error.code === 'config.missing') return false
    throw error
  }
}

/** As options.ts reads a flag; imported from there, it would be one more file for `jiji --help` to load. */
function environmentOf({ environment }: World): World['environment'] | undefined {
  return ['', '0', 'false'].includes(environment.JIJI_NO_HOST_ENV ?? '') ? environment : undefined
}

async function runCommand(command: string): Promise<string> {
  const [{ localRunner }, { runSecretCommand }] = await Promise.all([
    import('../runner/local.ts'),
    import('./secret-command.ts'),
  ])
  const interrupt = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => interrupt.abort(new JijiError('interrupted', 'interrupted')))
  return runSecretCommand(localRunner('here'), command, interrupt.signal)
}

/** An error in a line or two. */
async function describe(world: World, error: unknown): Promise<string> {
  const text = linesOf(error).join('\n')
  const isCommand = error instanceof JijiError && error.code === 'secret.command-failed'
  return `${(isCommand ? await masked(world, text) : text).slice(0, 2000)}\n`
}

/** The words of a command that failed may hold a secret. */
async function masked(world: World, text: string): Promise<string> {
  try {
    const { findSecrets } = await import('../config/secrets.ts')
    const { createMask } = await import('../ui/mask.ts')
    const config = await loadConfig(world)
    return config ? createMask(findSecrets(config, environmentOf(world)))(text) : text
  } catch {
    return 'the command of a secret failed'
  }
}

function linesOf(error: unknown): string[] {
  if (error instanceof InvalidConfig) {
    const [first, ...more] = error.problems
    if (!first) return [error.message]
    const advice = more.length > 0 ? `and ${more.length} more: jiji validate shows all` : first.hint
    return [`${first.file}:${first.line}:${first.column}: ${first.message}`, ...(advice ? [advice] : [])]
  }
  if (error instanceof JijiError) return [error.message, ...(error.hint ? [error.hint.replaceAll('\n', '; ')] : [])]
  return [`this is a fault of jiji, not yours: ${error instanceof Error ? error.message : String(error)}`]
}

function write(stream: NodeJS.WritableStream, text: string): Promise<boolean> {
  return new Promise(resolve => stream.write(text, error => resolve(!error)))
}
