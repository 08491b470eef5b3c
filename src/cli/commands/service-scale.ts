import { JijiError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { restart } from '../restart.ts'

export function run(context: Context): Promise<void> {
  const replicas = new Map(context.args.map(parseScale))
  return restart(context, [...replicas.keys()], replicas)
}

function parseScale(text: string): [string, number] {
  const [, name, count] = /^([^=*,]+)=(\d{1,3})$/.exec(text) ?? []
  if (name !== undefined && Number(count) >= 1 && Number(count) <= 100) return [name, Number(count)]
  throw new JijiError('usage', `${text} says not how many: write it as SERVICE=COUNT, with 1 to 100 replicas`, {
    hint: 'for example jiji service scale web=3',
  })
}
