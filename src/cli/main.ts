import { setMaxListeners } from 'node:events'
import { JijiError } from '../errors.ts'
import { columnsOf, inCharactersOf } from '../ui/terminal.ts'
import { catalogue } from './catalogue.ts'
import type { Context } from './context.ts'
import { helpText } from './help.ts'
import type { Options } from './options.ts'
import { type Invocation, parse } from './parse.ts'

declare const JIJI_VERSION: string

export type World = Omit<Context, 'command' | 'options' | 'args' | 'output' | 'signal' | 'stdin'> & {
  argv: readonly string[]
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
}

/** Runs one command: the only place that prints errors and knows exit statuses. */
export async function main(world: World): Promise<number> {
  let invocation: Invocation
  try {
    invocation = parse(catalogue, world.argv, world.environment)
  } catch (error) {
    return await fail(error, await createOutput(world, { json: wantsJson(world), quiet: false, verbose: false }))
  }
  if ('help' in invocation) {
    const text = helpText(invocation.help, columnsOf(world.stdout, world.environment))
    world.stdout.write(`${inCharactersOf(world.environment, text)}\n`)
    return 0
  }
  return await run(world, invocation)
}

/** For an error in the words themselves, which then have not become options. */
function wantsJson({ argv, environment }: World): boolean {
  return (
    environment.JIJI_OUTPUT === 'json' ||
    argv.some((word, index) => word === '--output=json' || (/^(-o|--output)$/.test(word) && argv[index + 1] === 'json'))
  )
}

async function run(world: World, { command, args, options }: Exclude<Invocation, { help: unknown }>): Promise<number> {
  const json = options.text('output') === 'json'
  const isChange = command.isChange && !['dry-run', 'list'].some(only => options.flag(only))
  const output = await createOutput(world, {
    json,
    lines: Boolean(json && isChange && command.tellsEvents),
    quiet: options.flag('quiet'),
    verbose: options.flag('verbose'),
    isPlain: options.text('progress') === 'plain',
  })
  if (isChange) output.keepLog(command.name, logTitle(world))
  const interrupt = new AbortController()
  setMaxListeners(0, interrupt.signal) // one for each thing that waits, and many wait at once
  const cleanUp = () => {
    interrupt.abort(new JijiError('interrupted', 'interrupted'))
    const rest = command.isEndless ? '' : ', and the next deploy clears away what is left on servers'
    output.note(`${world.stderr.isTTY ? '\n' : ''}cleaning up; Ctrl-C again leaves at once${rest}`)
  }
  const forget = onInterrupt(cleanUp, () => output.error(leftAtOnce(output)))
  // As in `jiji logs | head`: who no longer reads has had enough, and that is no fault. What changes servers goes on.
  const onClosed = () => {
    if (!isChange) interrupt.abort(new JijiError('interrupted', 'nobody reads the output any more'))
  }
  for (const stream of [world.stdout, world.stderr]) stream.on('error', onClosed)
  // A fault of ours that nothing awaited: what has been begun is undone, and the stack goes through the mask.
  const onFault = (error: unknown) => interrupt.abort(error)
  process.on('uncaughtException', onFault)
  try {
    checkChoices(options)
    keepCompiled()
    const { run } = await command.load()
    const { environment, directory, forget } = world
    const { signal } = interrupt
    const stdin = () => world.stdin
    const context = { command: command.name, options, args, output, environment, forget, directory, stdin, signal }
    const work = async () => run(context)
    const isLive = command.shared.includes('progress') && !command.isEndless
    const status: unknown = await (isLive ? output.live(work) : work())
    if (signal.aborted && !isInterrupt(signal.reason)) throw signal.reason
    output.end()
    return typeof status === 'number' ? status : 0
  } catch (error) {
    const { aborted, reason } = interrupt.signal
    const isEnd = command.isEndless && isInterrupt(reason) && !isInterrupt(error)
    // What is said about how the interrupt went tells more than that there was one.
    const isAbout = error instanceof Error && error.cause === reason
    const told = aborted && !isEnd && !isAbout ? reason : error
    return await fail(isInterrupt(told) ? withLeftBehind(told, output) : told, output)
  } finally {
    forget()
    process.off('uncaughtException', onFault)
  }
}

function logTitle({ argv, directory }: World): string {
  return `jiji ${JIJI_VERSION}: ${argv.join(' ')} (in ${directory}, Node ${process.version}, ${process.platform})`
}

function isInterrupt(error: unknown): error is JijiError {
  return error instanceof JijiError && error.code === 'interrupted'
}

type Output = Context['output']

async function createOutput(world: World, style: Output['style']): Promise<Output> {
  const { Output } = await import('../ui/output.ts')
  return new Output(style, world)
}

async function fail(error: unknown, output: Output): Promise<number> {
  const known = fromCac(error)
  output.error(known)
  return known instanceof JijiError ? known.exitStatus : 1
}

function fromCac(error: unknown): unknown {
  return error instanceof Error && error.name === 'CACError'
    ? new JijiError('usage', error.message.replaceAll('`', ''), { cause: error })
    : error
}

/** From Node 22 on, a command's code is compiled once and not each time it is loaded. */
function keepCompiled(): void {
  const { enableCompileCache } = process.getBuiltinModule('node:module') as { enableCompileCache?: () => unknown }
  enableCompileCache?.()
}

function checkChoices(options: Options): void {
  for (const [name, choices] of [['output', ['table', 'json']] as const, ['progress', ['auto', 'plain']] as const]) {
    const chosen = options.text(name)
    if (chosen !== undefined && !choices.some(one => one === chosen))
      throw new JijiError('usage', `--${name} takes ${choices.join(' or ')}, not ${chosen}`)
  }
}

function leftAtOnce(output: Output): JijiError {
  const servers = output.leftBehind.servers().join(', ')
  const what = servers && `, with something on ${servers} that was to be cleared away`
  return withLeftBehind(new JijiError('interrupted', `left at once${what}`), output)
}

/** The same, and what may be on servers still. */
function withLeftBehind(error: JijiError, { leftBehind, columns }: Output): JijiError {
  if (leftBehind.servers().length === 0) return error
  return new JijiError('interrupted', error.message, {
    cause: error,
    output: leftBehind.render(columns === undefined ? undefined : columns - 4),
    hint: 'servers mostly clear it away themselves once they notice, within 30 s; the next jiji deploy clears away the rest',
  })
}

/** The second time the process says its last word and ends at once, as the signal has it. */
function onInterrupt(first: () => void, second: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  let isSecond = false
  const act = (signal: NodeJS.Signals) => {
    if (!isSecond) {
      isSecond = true
      return first()
    }
    forget()
    try {
      second()
    } finally {
      process.kill(process.pid, signal)
    }
  }
  const forget = () => {
    for (const signal of signals) process.off(signal, act)
  }
  for (const signal of signals) process.on(signal, act)
  return forget
}
