import { randomBytes } from 'node:crypto'
import type { Config, Server, Service } from '../../config/config.ts'
import type { Secrets } from '../../config/secrets.ts'
import { withSharers } from '../../config/shared-network.ts'
import { findActor } from '../../deploy/actor.ts'
import { imagesOnceMore } from '../../deploy/images.ts'
import { limits } from '../../deploy/limits.ts'
import { observeServer } from '../../deploy/observe.ts'
import { nextRelease } from '../../deploy/plan/release-id.ts'
import { planRestart } from '../../deploy/plan/restart.ts'
import { networkOf } from '../../deploy/recorded.ts'
import { replicasOf } from '../../deploy/standing.ts'
import { surroundingsOf } from '../../deploy/surroundings.ts'
import { JijiError } from '../../errors.ts'
import { lastLine } from '../../runner/engine-failure.ts'
import type { Runner } from '../../runner/runner.ts'
import { attachToOneOff, createOneOff, type OneOff, removeOneOff, runOneOff } from '../../shell/one-off.ts'
import type { Context } from '../context.ts'
import { putOnRecord } from '../on-record.ts'
import { attach, requireTerminal, runOne } from '../passing.ts'
import { loadProject } from '../project.ts'
import { ownerOf } from '../release.ts'
import { gatherPullSecrets, gatherSecrets, keysOf } from '../secrets.ts'
import { selectOne } from '../select-one.ts'
import { thisMachine, withServers } from '../servers.ts'

/** Runs a command in a new container beside those that serve: of the same image, with the service's own surroundings. */
export async function run(context: Context): Promise<number> {
  const { options, output } = context
  const [wanted = '', ...words] = context.args
  if (options.flag('interactive')) requireTerminal(output)
  const config = loadProject(context)
  const { service, servers } = selectOne(context, config, wanted)
  const secrets = await gatherSecrets(context, config, [keysOf(config, servers), service.environment])

  for (const server of servers) {
    const status = await withServers(context, config, secrets, [server], async runners => {
      const runner = runners.get(server.name)
      return runner && runAt(context, { config, secrets, service, server, runner }, words)
    })
    if (status !== undefined) return status
  }
  throw new JijiError('nothing.running', `${service.name} runs on none of these servers`, { hint: 'jiji deploy' })
}

type Scene = { config: Config; secrets: Secrets; service: Service; server: Server; runner: Runner }

/** Undefined where the service has never been deployed to. */
async function runAt(context: Context, scene: Scene, words: readonly string[]): Promise<number | undefined> {
  const { config, secrets, service, server, runner } = scene
  const found = await findImage(context, scene)
  if (found === undefined) return undefined
  const { image, joins } = found
  const oneOff: OneOff = {
    ...surroundingsOf({ config, secrets }, service),
    joins,
    name: `${config.scope}-${service.name}-run-${randomBytes(3).toString('hex')}`,
    image,
    command: words.length > 0 ? words : (service.command ?? []),
  }
  await putOnRecord(context, config, [runner], { action: 'run', services: [service.name] })
  const passed = { runner, place: server.name }
  if (!context.options.flag('interactive'))
    return runOne(context, { ...passed, script: runOneOff(server.engine, oneOff) })
  await create(context, scene, oneOff)
  try {
    return await attach(context, { ...passed, script: attachToOneOff(server.engine, oneOff.name) })
  } finally {
    await runner.run(removeOneOff(server.engine, oneOff), { timeout: limits.ask })
  }
}

/** The image of what runs there, which is fetched again where somebody has taken it away. */
async function findImage(
  context: Context,
  scene: Scene,
): Promise<{ image: string; joins: string | undefined } | undefined> {
  const { config, secrets, service, server, runner } = scene
  const { output, signal } = context
  const observation = await observeServer(runner, server.engine, config.scope, signal)
  const [live] = replicasOf(observation, config.scope, service.name)
  if (!live) return undefined
  const observations = [observation]
  const selected = withSharers(config, { servers: [server], services: [{ ...service, servers: [server.name] }] })
  const plan = planRestart({ config, selected, observations, release: nextRelease(observations, new Date()) })
  const logins = await gatherPullSecrets(
    context,
    config,
    plan.servers.flatMap(({ replacements }) => replacements),
  )
  const actor = await findActor(thisMachine(context), context.environment)
  const owner = ownerOf(actor, context)
  const report = output.event.bind(output)
  const runners = new Map([[server.name, runner]])
  await imagesOnceMore(
    { config, secrets: secrets.and(logins), runners, observations, owner, actor, report, signal },
    plan,
  )
  return { image: live.image, joins: networkOf({ config, observations }, server.name, service) }
}

async function create({ environment, signal }: Context, { server, runner }: Scene, oneOff: OneOff): Promise<void> {
  const script = createOneOff(server.engine, oneOff, environment.TERM ?? 'xterm')
  const made = await runner.run(script, { signal, timeout: limits.ask })
  if (made.code === 0) return
  throw new JijiError('engine.failed', `${server.name}: no container could be made: ${lastLine(made.stderr)}`, {
    server: server.name,
  })
}
