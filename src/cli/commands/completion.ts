import { JijiError } from '../../errors.ts'
import { completionScripts } from '../completion-scripts.ts'
import type { Context } from '../context.ts'

export async function run({ args, output }: Context): Promise<void> {
  const shell = Object.entries(completionScripts).find(([name]) => name === args[0])
  if (!shell) {
    throw new JijiError('usage', `there is no completion for ${args[0]}`, {
      hint: `there is for ${Object.keys(completionScripts).join(', ')}`,
    })
  }
  output.document(shell[1])
}
