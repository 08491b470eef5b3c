import { settled } from '../../deploy/failure.ts'
import { JijiError } from '../../errors.ts'
import { type AuditEntry, parseAuditEntry, readAudit } from '../../shell/records.ts'
import type { Context } from '../context.ts'
import { gatherSecrets, loadProject, selectFrom, withServers } from '../gather.ts'

export async function run(context: Context): Promise<void> {
  const { options, output, signal } = context
  const config = loadProject(context)
  const { servers } = selectFrom(config, context)
  const count = options.text('lines') ?? '20'
  if (!/^\d{1,7}$/.test(count)) throw new JijiError('usage', `--lines takes a whole number, not ${count}`)
  const secrets = await gatherSecrets(context, config, [config.ssh, config.servers])

  await withServers(context, config, secrets, servers, async runners => {
    const outputs = await settled(
      [...runners.values()].map(runner => runner.run(readAudit(config.scope, Number(count)), { signal })),
    )
    const entries = outputs
      .flatMap(({ stdout }) => stdout.split('\n').flatMap(parseAuditEntry))
      .toSorted((a, b) => a.at.localeCompare(b.at))
    if (output.style.json) return output.json({ schemaVersion: 1, entries })
    output.table(
      ['when', 'server', 'who', 'what', 'result'],
      entries.map(entry => [
        entry.at,
        entry.server,
        entry.by,
        describe(entry),
        entry.reason ? `${entry.result}: ${entry.reason}` : entry.result,
      ]),
    )
  })
}

function describe({ action, from, to, registry, username }: AuditEntry): string {
  if (registry) return `${action} ${registry}${username ? ` as ${username}` : ''}`
  return [action, ...(from ? [from, '->'] : []), ...(to ? [to] : [])].join(' ')
}
