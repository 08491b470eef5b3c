import { resolve } from 'node:path'
import { readBackup } from '../../deploy/backup.ts'
import { renderSize } from '../../deploy/size.ts'
import { JijiError } from '../../errors.ts'
import { putFiles } from '../../registry/files.ts'
import { refuseWhatGitTakes } from '../../registry/git.ts'
import type { Context } from '../context.ts'
import { putOnRecord } from '../on-record.ts'
import { loadProject } from '../project.ts'
import { gatherKeys } from '../secrets.ts'
import { selectServer } from '../select-one.ts'
import { thisMachine, withServers } from '../servers.ts'

/** What makes a fresh server take over, as one file that only its owner may read. */
export async function run(context: Context): Promise<void> {
  const { options, output, signal, directory } = context
  const to = options.text('to')
  if (to === undefined) throw new JijiError('usage', 'where to?', { hint: 'name a file with --to' })
  const config = loadProject(context)
  const server = selectServer(context, config)
  const path = resolve(directory, to)
  if (!options.flag('force')) await refuseWhatGitTakes(thisMachine(context), path, signal)
  const secrets = await gatherKeys(context, config, [server])

  await withServers(context, config, secrets, [server], async runners => {
    const [runner] = runners.values()
    if (!runner) throw new Error('there is a server')
    await putOnRecord(context, config, [runner], { action: 'server backup' })
    const backup = await readBackup(runner, server, config.scope, signal)
    putFiles([{ path, contents: backup }])
    output.result(`wrote ${path}: ${renderSize(backup.length)}, of ${config.scope} on ${server.name}`)
    output.note(
      "it holds releases, the audit, files and environments of containers, and the proxy's certificates: keep it secret",
    )
    output.note('images come from the registry; volumes and directories of services are not in it')
  })
}
