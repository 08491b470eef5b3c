import { JijiError } from '../errors.ts'
import type { Context } from './context.ts'

/**
 * A password that no option and no configuration holds: asked on the terminal, or with --password-stdin the whole of
 * stdin without the newline at its end, since a key may have several lines.
 */
export async function askPassword({ options, output, stdin }: Context, registry: string): Promise<string> {
  const isPiped = options.flag('password-stdin')
  if (!isPiped && !output.isInteractive) {
    throw new JijiError('usage', 'there is no terminal to ask for the password on', {
      hint: 'write it to stdin, and add --password-stdin',
    })
  }
  const password = isPiped ? await readAll(stdin()) : await output.askSecret(`Password for ${registry}:`)
  if (password === '') throw new JijiError('usage', 'the password is empty')
  return password
}

async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '')
}
