import { JijiError } from '../errors.ts'
import { exits } from '../shell/engine.ts'
import { pruneReleases, removeServices } from '../shell/remove.ts'
import { settled } from './failure.ts'
import type { Excess } from './plan/excess.ts'
import type { RemovePlan } from './plan/remove.ts'
import { runTending, type Tending } from './tending.ts'

/** Takes services off all servers at once. */
export async function removeAll(tending: Tending, plan: RemovePlan): Promise<void> {
  await settled(
    plan.servers.map(async server => {
      const services = server.services.map(({ service }) => service)
      await runTending(tending, server, {
        deed: { action: 'service remove', services },
        script: removeServices(server.engine, tending.config.scope, server),
        explain: ({ code, stderr }) =>
          code === exits.notSwitched
            ? new JijiError('engine.failed', `${server.server}: the proxy refuses the routes that are left`, {
                server: server.server,
                output: stderr,
              })
            : undefined,
      })
      tending.report({ step: 'remove', state: 'done', server: server.server, detail: services.join(', ') })
    }),
  )
}

/** Takes away what exceeds the releases that are retained. @returns the bytes that came back, by server */
export async function pruneAll(
  tending: Tending,
  excesses: readonly Excess[],
): Promise<ReadonlyMap<string, number | undefined>> {
  const freed = excesses.map(async excess => {
    const said = await runTending(tending, excess, {
      deed: { action: 'service prune' },
      script: pruneReleases(excess.engine, tending.config.scope, excess),
      explain: () => undefined,
    })
    const [, kilobytes] = /^freed (-?\d+)$/m.exec(said) ?? []
    return [excess.server, kilobytes === undefined ? undefined : Math.max(0, Number(kilobytes) * 1024)] as const
  })
  return new Map(await settled(freed))
}
