import { createInterface } from 'node:readline'
import { JijiError } from '../errors.ts'

/** What somebody types, without spaces around it. */
export type Ask = (question: string) => Promise<string>

/**
 * Asks on a terminal.
 * @throws JijiError interrupted where the question is closed instead of answered: Ctrl-C, Ctrl-D
 */
export async function asking<T>(
  stdin: NodeJS.ReadStream,
  stderr: NodeJS.WriteStream,
  use: (ask: Ask) => Promise<T>,
): Promise<T> {
  const prompt = createInterface({ input: stdin, output: stderr })
  const lines = prompt[Symbol.asyncIterator]()
  try {
    return await use(async question => {
      prompt.setPrompt(question)
      prompt.prompt()
      const { value, done } = await lines.next()
      if (!done) return value.trim()
      stderr.write('\n')
      throw new JijiError('interrupted', 'nothing was changed')
    })
  } finally {
    prompt.close()
  }
}
