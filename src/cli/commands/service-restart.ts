import type { Context } from '../context.ts'
import { restart } from '../restart.ts'

export function run(context: Context): Promise<void> {
  return restart(context, context.args.length > 0 ? context.args : undefined)
}
