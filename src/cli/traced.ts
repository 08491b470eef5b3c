import { type Connection, canTunnel, type Runner } from '../runner/runner.ts'
import type { Context } from './context.ts'

const notKept = 'what it writes is not kept here'

/** A runner whose scripts are shown with -v, and kept in the log of this run with what they write. */
export function traced({ output }: Context, runner: Runner): Runner {
  if (!output.tellsScripts) return runner
  const run: Runner['run'] = async (script, options = {}) => {
    const { input, isPrivate, onChunk, onLine } = options
    const isKept = !isPrivate && !onChunk
    const logged = output.script(runner, script, { isFed: input !== undefined })
    if (!isKept) logged.line(notKept)
    const listening: typeof onLine = (line, stream) => {
      logged.line(line, stream)
      onLine?.(line, stream)
    }
    try {
      const result = await runner.run(script, isKept ? { ...options, onLine: listening } : options)
      logged.end(`ended with ${result.code}`)
      return result
    } catch (error) {
      logged.end(`gave no result: ${(error as Error).message}`)
      throw error
    }
  }
  const own: Partial<Connection> & Record<symbol, never> = {
    run,
    ...(canTunnel(runner) ? reading(output, runner) : {}),
  }
  return new Proxy(runner, {
    get: (target, name) => Reflect.get(name in own ? own : target, name),
  })
}

function reading(output: Context['output'], connection: Connection): Pick<Connection, 'read'> {
  return {
    read(script, signal) {
      output.script(connection, script).line(notKept)
      return connection.read(script, signal)
    },
  }
}
