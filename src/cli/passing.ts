import { settled, together } from '../deploy/failure.ts'
import { JijiError } from '../errors.ts'
import { canAttach, type Runner } from '../runner/runner.ts'
import type { Script } from '../shell/script.ts'
import type { Context } from './context.ts'

/** A command that is not ours: where it runs, and how it is called there. */
export type Passed = { runner: Runner; place: string; script: Script }

/** Lends the terminal to one. @returns its exit status */
export async function attach({ output, signal }: Context, { runner, script }: Passed): Promise<number> {
  const terminal = requireTerminal(output)
  if (!canAttach(runner)) throw new Error(`${runner.server} takes no terminal`)
  output.scriptAtTerminal(runner, script)
  return runner.attach(script, terminal, signal)
}

export function requireTerminal(output: Context['output']): NonNullable<Context['output']['terminal']> {
  const { terminal } = output
  if (terminal) return terminal
  throw new JijiError('usage', '--interactive needs a terminal, for what is typed and for what is shown', {
    hint: 'without it the command gets no input, and its output goes wherever this one goes',
  })
}

/** Runs one; what it writes is passed on as it is. @returns its exit status */
export async function runOne(context: Context, passed: Passed): Promise<number> {
  return runAt(context, passed, '')
}

/**
 * Runs them all at once, each line after its place.
 * @returns the exit status of the first when all have failed
 * @throws JijiError servers.partial when some have
 */
export async function runAll(
  context: Context,
  all: readonly Passed[],
  failures: readonly JijiError[],
): Promise<number> {
  const statuses = await settled(all.map(passed => runAt(context, passed, passed.place)))
  const failed = all.flatMap(({ place, runner: { server } }, index) => {
    const status = statuses[index] ?? 0
    return status === 0 ? [] : [new JijiError('failed', `${place}: ended with status ${status}`, { server })]
  })
  const problems = [...failures, ...failed]
  if (problems.length === 0) return 0
  if (failures.length > 0 || failed.length < all.length) throw together(problems, all.length + failures.length)
  for (const { message } of failed) context.output.warn(message)
  return statuses[0] ?? 1
}

async function runAt({ output, signal }: Context, { runner, script }: Passed, place: string): Promise<number> {
  const writers = { stdout: output.passOn('stdout', place), stderr: output.passOn('stderr', place) }
  const { code } = await runner.run(script, {
    signal,
    onChunk: (chunk, stream) => {
      writers[stream].write(chunk)
      return undefined
    },
  })
  writers.stdout.end()
  writers.stderr.end()
  return code
}
