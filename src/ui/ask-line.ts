import { createInterface } from 'node:readline'
import { JijiError } from '../errors.ts'

/**
 * Asks for a line on a terminal, and gives it without spaces around it. What is typed beyond it stays for what is asked next.
 * @throws JijiError interrupted where the question is closed instead of answered: Ctrl-C, Ctrl-D
 */
export function askLine(stdin: NodeJS.ReadStream, stderr: NodeJS.WriteStream, question: string): Promise<string> {
  const prompt = createInterface({ input: stdin, output: stderr, prompt: question })
  // After Ctrl-Z and fg it stands still unless it is asked once more.
  prompt.on('SIGCONT', () => prompt.prompt(true))
  return new Promise<string>((resolve, reject) => {
    const lines: string[] = []
    prompt.on('line', line => {
      lines.push(line)
      // Once all is read that was typed together with it.
      if (lines.length === 1) setImmediate(() => prompt.close())
    })
    prompt.on('close', () => {
      const [answer, ...others] = lines
      if (answer === undefined) {
        stderr.write('\n')
        return reject(new JijiError('interrupted', 'nothing was changed'))
      }
      giveBack(stdin, [...others, prompt.line].join('\n'))
      resolve(answer.trim())
    })
    prompt.prompt()
  })
}

/** Somebody else may read it. */
export function giveBack(stdin: NodeJS.ReadStream, typed: string): void {
  if (typed !== '' && !stdin.readableEnded) stdin.unshift(typed)
}
