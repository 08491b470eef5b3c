import { JijiError } from '../../errors.ts'
import { attachWords, runWords } from '../../shell/exec.ts'
import type { Context } from '../context.ts'
import { putOnRecord } from '../on-record.ts'
import { attach, requireTerminal, runAll, runOne } from '../passing.ts'
import { loadProject, selectFrom } from '../project.ts'
import { gatherKeys } from '../secrets.ts'
import { withReachable, withServers } from '../servers.ts'

export async function run(context: Context): Promise<number> {
  const { options, output, args } = context
  const isInteractive = options.flag('interactive')
  if (isInteractive) requireTerminal(output)
  const config = loadProject(context)
  const { servers } = selectFrom(config, context)
  if (isInteractive && servers.length > 1)
    throw new JijiError('usage', `--interactive is for one server, not for ${servers.length}`, {
      hint: `choose one with --hosts, such as -H ${servers[0]?.name}`,
    })
  const secrets = await gatherKeys(context, config, servers)

  if (servers.length > 1) {
    return withReachable(context, config, secrets, servers, async ({ runners, failures }) => {
      await putOnRecord(context, config, [...runners.values()], { action: 'server exec' })
      const all = [...runners.values()].map(runner => ({ runner, place: runner.server, script: runWords(args) }))
      return runAll(context, all, failures)
    })
  }
  return withServers(context, config, secrets, servers, async runners => {
    const [runner] = runners.values()
    if (!runner) throw new Error('there is a server')
    await putOnRecord(context, config, [runner], { action: 'server exec' })
    const passed = { runner, place: runner.server, script: (isInteractive ? attachWords : runWords)(args) }
    return isInteractive ? attach(context, passed) : runOne(context, passed)
  })
}
