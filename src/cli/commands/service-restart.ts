import { JijiError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { restart } from '../restart.ts'

export async function run(context: Context): Promise<void> {
  const { args, options } = context
  if (args.length > 0 && options.isGiven('services'))
    throw new JijiError('usage', 'services are named once: as they are, or with --services')
  return restart(context, args.length > 0 ? args : undefined)
}
