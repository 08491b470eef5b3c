import type { Config, Server, Service } from '../../config/config.ts'
import { settled } from '../../deploy/failure.ts'
import { observeServer } from '../../deploy/observe.ts'
import { replicasOf, titlesOf } from '../../deploy/standing.ts'
import { JijiError } from '../../errors.ts'
import type { Runner } from '../../runner/runner.ts'
import { attachTo, execIn } from '../../shell/exec.ts'
import type { Context } from '../context.ts'
import { putOnRecord } from '../on-record.ts'
import { attach, type Passed, requireTerminal, runAll, runOne } from '../passing.ts'
import { loadProject } from '../project.ts'
import { gatherKeys } from '../secrets.ts'
import { selectOne } from '../select-one.ts'
import { withReachable, withServers } from '../servers.ts'

export async function run(context: Context): Promise<number> {
  const { options, output } = context
  const [wanted = '', ...words] = context.args
  const [isAll, isInteractive] = [options.flag('all'), options.flag('interactive')]
  if (isAll && isInteractive) throw new JijiError('usage', '--interactive is for one container, and --all for all')
  if (isInteractive) requireTerminal(output)
  const config = loadProject(context)
  const { service, servers } = selectOne(context, config, wanted)
  const secrets = await gatherKeys(context, config, servers)
  const record = (found: readonly Passed[]) =>
    putOnRecord(
      context,
      config,
      found.map(({ runner }) => runner),
      { action: 'exec', services: [service.name] },
    )
  const passedOn = (runner: Runner, server: Server) =>
    findIn(context, config, service, server, runner, name =>
      (isInteractive ? attachTo : execIn)(server.engine, name, words),
    )

  if (isAll) {
    return withReachable(context, config, secrets, servers, async ({ runners, failures }) => {
      const found = await settled(
        servers.flatMap(server => {
          const runner = runners.get(server.name)
          return runner ? [passedOn(runner, server)] : []
        }),
      )
      if (found.flat().length === 0 && failures.length === 0) throw nothingRuns(service)
      await record(found.flat())
      return runAll(context, found.flat(), failures)
    })
  }
  for (const server of servers) {
    const status = await withServers(context, config, secrets, [server], async runners => {
      const [passed] = (await settled([...runners.values()].map(runner => passedOn(runner, server)))).flat()
      if (!passed) return undefined
      await record([passed])
      return isInteractive ? attach(context, passed) : runOne(context, passed)
    })
    if (status !== undefined) return status
  }
  throw nothingRuns(service)
}

/** A service's containers that run on a server. */
async function findIn(
  { signal }: Context,
  { scope }: Config,
  { name }: Service,
  server: Server,
  runner: Runner,
  scriptFor: (container: string) => Passed['script'],
): Promise<Passed[]> {
  const observation = await observeServer(runner, server.engine, scope, signal)
  const running = replicasOf(observation, scope, name).filter(({ isRunning }) => isRunning)
  const titles = titlesOf(running)
  return running.map(one => ({
    runner,
    place: `${server.name} ${titles.get(one.name) ?? name}`,
    script: scriptFor(one.name),
  }))
}

function nothingRuns({ name }: Service): JijiError {
  return new JijiError('nothing.running', `${name} runs on none of these servers`, {
    hint: `jiji status -S ${name} shows why`,
  })
}
