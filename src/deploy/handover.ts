import { requireLock } from '../shell/lock.ts'
import { restoreSite } from '../shell/proxy.ts'
import { lines } from '../shell/script.ts'
import type { ApplyContext } from './apply-context.ts'
import { settled } from './failure.ts'
import type { Switched } from './group.ts'
import { limits } from './limits.ts'
import { runnerOf } from './losses.ts'
import type { Plan, ServerPlan } from './plan/plan.ts'
import { writeRoutes } from './proxies.ts'

/** The routes of a release while it goes on: some are written before anything is switched, and some lead on afterwards. */
export type Handover = ReturnType<typeof handover>

export function handover(context: ApplyContext, { servers }: Plan) {
  const handedOver = new Set<ServerPlan>()

  const handOver = async (server: ServerPlan) => {
    if (!server.handover || handedOver.has(server)) return
    handedOver.add(server)
    await writeRoutes(context, server, server.handover.site, { isNext: server.site !== undefined })
  }
  return {
    /** Routes that lead nobody away from what runs. Those of a new proxy are there already. */
    async begin() {
      const changed = servers.filter(({ proxy }) => proxy === 'runs')
      await settled(changed.map(async server => server.site && writeRoutes(context, server, server.site)))
    },
    /** Leads requests of a server on, if all that is to get them is there by now. */
    async after(server: ServerPlan, switched: readonly Switched[]) {
      const isThere = (name: string) => switched.some(one => one.server === server && one.replacement.service === name)
      const awaited = server.handover?.services ?? []
      if (awaited.length > 0 && awaited.every(isThere)) await handOver(server)
    },
    /** Leads on what is left: requests for what goes to other servers, or is gone. */
    async end() {
      await settled(servers.map(handOver))
    },
    /** Leads requests back to what ran before, where that still runs, so that what has them now can go. */
    async takeBack() {
      const uninterrupted = { ...context, signal: new AbortController().signal, report: () => {} }
      await Promise.allSettled(
        [...handedOver].map(server =>
          server.site
            ? writeRoutes(uninterrupted, server, server.site, { isNext: true })
            : restoreRoutes(context, [server]),
        ),
      )
    },
  }
}

/** The routes of the release before; where they cannot be restored the next deploy writes them anew. */
export async function restoreRoutes(context: ApplyContext, servers: readonly ServerPlan[]): Promise<void> {
  await Promise.allSettled(
    servers.map(async ({ server, engine, site, handover }) => {
      const written = site ?? handover?.site
      if (!written) return
      const script = lines(requireLock(context.config.scope, context.owner), restoreSite(engine, written))
      await runnerOf(context, server).run(script, { timeout: limits.ask })
    }),
  )
}
