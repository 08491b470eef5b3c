import type { Context } from '../context.ts'
import { exchange } from '../exchange.ts'

export function run(context: Context): Promise<void> {
  return exchange(context, 'proxy restart')
}
