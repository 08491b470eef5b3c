import { setTimeout as sleep } from 'node:timers/promises'
import { type Looked, look } from '../../deploy/look.ts'
import { type ServiceStatus, statusOf } from '../../deploy/status.ts'
import { renderAge, renderDuration } from '../../ui/age.ts'
import type { Context } from '../context.ts'
import { loadProject, selectFrom } from '../project.ts'
import { gatherKeys } from '../secrets.ts'
import { unreachable, withReachable } from '../servers.ts'

export async function run(context: Context): Promise<void> {
  const { options, output, signal } = context
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  const isWatching = options.flag('watch')
  const secrets = await gatherKeys(context, config, selected.servers)

  const lookAndShow = async (show: (services: ServiceStatus[]) => void, isAgain: () => Promise<boolean>) =>
    withReachable(context, config, secrets, selected.servers, async ({ runners, failures }) => {
      let looked: Looked
      do {
        looked = await look(config, selected, runners, failures, signal)
        // Where nobody answered, the error is the one document.
        const isAnError = output.style.json && !isWatching && looked.observations.length === 0
        if (!isAnError) show(statusOf(config, selected, looked))
      } while (looked.failures.size === 0 && (await isAgain()))
      return [...looked.failures.values()]
    })

  if (!isWatching) {
    const failures = await lookAndShow(
      services => showOnce(context, services),
      async () => false,
    )
    if (failures.length > 0) throw unreachable(failures, selected.servers.length)
    return
  }
  const show = watcher(context)
  const wait = () => sleep(2_000, true, { signal })
  try {
    // Where a server fails, all are connected to anew: it may be back.
    while (!signal.aborted) {
      await lookAndShow(show, wait)
      await wait()
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

const head = ['service', 'server', 'version', 'state', 'health', 'since', 'certificate', 'routes']

function showOnce({ output }: Context, services: readonly ServiceStatus[]): void {
  if (output.style.json) output.json({ schemaVersion: 1, services })
  else output.table(head, services.map(rowOf))
}

/** Where a terminal can do that, the whole is drawn again; elsewhere only what is not as it was is told. */
function watcher({ output }: Context): (services: readonly ServiceStatus[]) => void {
  let before = new Map<string, string>()
  return services => {
    if (output.canRedraw) return output.redraw(head, services.map(rowOf))
    const now = new Map(services.map(one => [JSON.stringify(one), `${one.service} ${one.server} ${one.container}`]))
    const changed = services.filter(one => !before.has(JSON.stringify(one)))
    const isLess = [...before.keys()].some(one => !now.has(one))
    before = now
    if (output.style.json) {
      if (changed.length > 0 || isLess) output.jsonLine({ schemaVersion: 1, services })
    } else for (const one of changed) output.result(`${new Date().toISOString()} ${sentenceOf(one)}`)
  }
}

function rowOf(one: ServiceStatus): string[] {
  const health = one.reason ? `${one.health}: ${one.reason}` : one.health
  const certificates = one.certificates.map(({ expires }) => expires).toSorted()
  return [
    one.service,
    one.server,
    one.version ?? '-',
    one.state,
    health.replace(/\s+/g, ' '),
    renderAge(one.since, new Date()),
    renderExpiry(certificates[0], new Date()),
    one.routes.join(' '),
  ]
}

function sentenceOf(one: ServiceStatus): string {
  return rowOf(one)
    .filter((_, column) => ![5, 6, 7].includes(column))
    .join(' ')
}

/** Of the certificate that is the first to expire. */
function renderExpiry(expires: string | undefined, now: Date): string {
  if (!expires) return '-'
  const left = new Date(expires).getTime() - now.getTime()
  return left > 0 ? renderDuration(left) : `expired ${renderDuration(-left)} ago`
}
