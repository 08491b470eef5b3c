import { JijiError } from '../errors.ts'
import type { Context } from './context.ts'

/**
 * Shows on a terminal what is going on, unless plain lines are wanted.
 * @throws JijiError usage
 */
export async function withLive<T>({ options, output }: Context, work: () => Promise<T>): Promise<T> {
  const progress = options.text('progress') ?? 'auto'
  if (progress === 'plain') return work()
  if (progress !== 'auto') throw new JijiError('usage', `--progress takes auto or plain, not ${progress}`)
  return output.live(work)
}
