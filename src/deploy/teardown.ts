import type { Config } from '../config/config.ts'
import type { Runner } from '../runner/runner.ts'
import { listBelongings, tearDown } from '../shell/teardown.ts'
import { settled } from './failure.ts'
import { limits } from './limits.ts'
import type { Belongings, TeardownPlan } from './plan/teardown.ts'
import { runTending, type Tending } from './tending.ts'

export async function findBelongings(
  { scope, servers }: Config,
  runners: ReadonlyMap<string, Runner>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Belongings>> {
  const asked = servers.flatMap(({ name, engine }) => {
    const runner = runners.get(name)
    if (!runner) return []
    const ask = async () => {
      const { stdout } = await runner.run(listBelongings(engine, scope), { signal, timeout: limits.ask })
      return [name, parseBelongings(stdout)] as const
    }
    return [ask()]
  })
  return new Map(await settled(asked))
}

function parseBelongings(text: string): Belongings {
  const all = (word: string) => [...text.matchAll(new RegExp(`^${word} (.+)$`, 'gm'))].map(([, rest = '']) => rest)
  const [folder] = all('folder')
  return { images: all('image'), volumes: all('volume'), ...(folder ? { folder } : {}) }
}

/** Takes all of a project off its servers. What is recorded of it goes along, so that nothing is. */
export async function tearAllDown(tending: Tending, plan: TeardownPlan): Promise<void> {
  await settled(
    plan.servers.map(async server => {
      await runTending(tending, server, {
        deed: { action: 'server teardown' },
        leavesNoTrace: true,
        script: tearDown(server.engine, tending.config.scope, server),
        explain: () => undefined,
      })
      tending.report({ step: 'remove', state: 'done', server: server.server, detail: plan.project })
    }),
  )
}
